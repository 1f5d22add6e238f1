-- What was said of answers. All of it is kept; of one user's scores the latest counts.
CREATE TABLE feedback (
    seq INTEGER PRIMARY KEY,         -- grows in the order of arrival
    id TEXT NOT NULL UNIQUE,         -- UUIDv7
    decision TEXT NOT NULL,          -- the decision's id; it may arrive later than what was said of it
    time INTEGER NOT NULL,           -- ms since 1970 in UTC
    tenant TEXT NOT NULL,
    user TEXT,
    score REAL,                      -- 0 to 1
    label TEXT,
    comment TEXT
) STRICT;

CREATE INDEX feedback_decision ON feedback (decision);
CREATE INDEX feedback_time ON feedback (time);

ALTER TABLE decisions ADD COLUMN feedback REAL;  -- the mean of the scores that count; NULL without any
