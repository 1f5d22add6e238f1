-- A decision: the record itself, as JSON with every digit of its amounts, and beside it what queries filter and sum.
CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY,         -- grows in the order of arrival: what following reads on from
    id TEXT NOT NULL UNIQUE,         -- UUIDv7
    time INTEGER NOT NULL,           -- admission, ms since 1970 in UTC
    route TEXT NOT NULL,
    tenant TEXT NOT NULL,
    user TEXT,
    rule TEXT,
    target TEXT,
    outcome TEXT NOT NULL,
    query_hash TEXT NOT NULL,
    fell_back INTEGER NOT NULL,      -- 1 where an earlier candidate failed, or its breaker was open
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,   -- of all attempts
    output_tokens INTEGER NOT NULL,
    latency_ms REAL NOT NULL,
    cost INTEGER,                    -- all amounts in pico-USD (1e-12); NULL where a price is unknown
    baseline_cost INTEGER,
    router_cost INTEGER,
    record TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_time ON decisions (time);
CREATE INDEX decisions_tenant ON decisions (tenant, time);
CREATE INDEX decisions_user ON decisions (user, time) WHERE user IS NOT NULL;
CREATE INDEX decisions_route ON decisions (route, time);
CREATE INDEX decisions_target ON decisions (target, time);
CREATE INDEX decisions_trouble ON decisions (outcome, time) WHERE outcome <> 'answered';
-- None on query_hash: its values are spread at random, so that every insert would write a page of it.

CREATE TABLE attempts (
    decision TEXT NOT NULL,          -- the decision's id
    position INTEGER NOT NULL,       -- from 0
    target TEXT NOT NULL,
    purpose TEXT NOT NULL,
    started INTEGER NOT NULL,        -- ms since 1970 in UTC
    outcome TEXT NOT NULL,
    error_class TEXT,
    status INTEGER,
    first_token_ms REAL,
    latency_ms REAL NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost INTEGER,                    -- pico-USD
    estimated INTEGER NOT NULL,
    PRIMARY KEY (decision, position)
) STRICT, WITHOUT ROWID;

-- How far each journal has been read into this file; written in the same transaction as what was read.
CREATE TABLE journal_positions (
    journal TEXT PRIMARY KEY,        -- the name of the process's directory
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL          -- bytes
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
