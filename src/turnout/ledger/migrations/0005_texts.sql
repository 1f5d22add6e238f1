-- What was said in requests whose privacy is `redacted` or `full`, for as long as `ledger.retention.texts` says.
CREATE TABLE texts (
    seq INTEGER PRIMARY KEY,         -- grows in the order of arrival
    decision TEXT NOT NULL UNIQUE,   -- the decision's id; it may arrive later than what was said
    time INTEGER NOT NULL,           -- admission, ms since 1970 in UTC
    tenant TEXT NOT NULL,
    user TEXT,
    mode TEXT NOT NULL,              -- redacted, full
    said TEXT NOT NULL               -- every turn in order: a JSON array of [role, text]
) STRICT;

CREATE INDEX texts_time ON texts (time);
