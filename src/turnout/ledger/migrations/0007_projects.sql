-- Whose project a request belongs to: reports are made by it, from single decisions as they are by user.
ALTER TABLE decisions ADD COLUMN project TEXT;
