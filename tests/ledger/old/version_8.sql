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
-- What queries filter, sum and rank, beside the record that has it all.
ALTER TABLE decisions ADD COLUMN source TEXT;
ALTER TABLE decisions ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0;   -- 1 where an answer was discarded for another
ALTER TABLE decisions ADD COLUMN cached INTEGER NOT NULL DEFAULT 0;      -- 1 where a cache answered
ALTER TABLE decisions ADD COLUMN overhead_ms REAL;                       -- turnout's own part of the latency
ALTER TABLE decisions ADD COLUMN first_token_ms REAL;                    -- of the attempt whose answer was given
ALTER TABLE attempts ADD COLUMN provider TEXT NOT NULL DEFAULT '';

-- A candidate ruled out before any call.
CREATE TABLE drops (
    decision TEXT NOT NULL,          -- the decision's id
    position INTEGER NOT NULL,       -- from 0
    target TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (decision, position)
) STRICT, WITHOUT ROWID;

-- Sums of decisions, for each minute (kept for two days), hour and day; '' stands for no value.
CREATE TABLE rollups (
    width INTEGER NOT NULL,          -- of the bucket, in seconds: 60, 3600 or 86400
    start INTEGER NOT NULL,          -- of the bucket, ms since 1970 in UTC
    route TEXT NOT NULL,
    tenant TEXT NOT NULL,
    target TEXT NOT NULL,
    rule TEXT NOT NULL,
    source TEXT NOT NULL,
    outcome TEXT NOT NULL,
    decisions INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    fell_back INTEGER NOT NULL,
    escalated INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,       -- how many have no known cost
    compared INTEGER NOT NULL,       -- how many have a known cost and a known baseline cost
    cost INTEGER NOT NULL,           -- all amounts in pico-USD (1e-12)
    router_cost INTEGER NOT NULL,
    baseline_cost INTEGER NOT NULL,  -- of those that are compared
    compared_cost INTEGER NOT NULL,  -- of those that are compared
    rated INTEGER NOT NULL,          -- how many somebody has scored
    rating INTEGER NOT NULL,         -- the sum of their scores, in millionths
    PRIMARY KEY (width, start, route, tenant, target, rule, source, outcome)
) STRICT, WITHOUT ROWID;

-- The same sums for each user and 1, 4 and 16 days (there may be nearly as many users in a day as decisions), and for
-- each tag and day.
CREATE TABLE user_rollups (
    width INTEGER NOT NULL,          -- in seconds
    start INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    user TEXT NOT NULL,
    outcome TEXT NOT NULL,
    decisions INTEGER NOT NULL, attempts INTEGER NOT NULL, fell_back INTEGER NOT NULL, escalated INTEGER NOT NULL,
    cached INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    compared INTEGER NOT NULL, cost INTEGER NOT NULL, router_cost INTEGER NOT NULL, baseline_cost INTEGER NOT NULL,
    compared_cost INTEGER NOT NULL, rated INTEGER NOT NULL, rating INTEGER NOT NULL,
    PRIMARY KEY (width, start, tenant, user, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag_rollups (
    start INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    tenant TEXT NOT NULL,
    outcome TEXT NOT NULL,
    decisions INTEGER NOT NULL, attempts INTEGER NOT NULL, fell_back INTEGER NOT NULL, escalated INTEGER NOT NULL,
    cached INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    compared INTEGER NOT NULL, cost INTEGER NOT NULL, router_cost INTEGER NOT NULL, baseline_cost INTEGER NOT NULL,
    compared_cost INTEGER NOT NULL, rated INTEGER NOT NULL, rating INTEGER NOT NULL,
    PRIMARY KEY (start, key, value, tenant, outcome)
) STRICT, WITHOUT ROWID;

-- How long answered requests took, as sketches (turnout/ledger/sketch.py), for each hour and day.
CREATE TABLE latency_rollups (
    width INTEGER NOT NULL,
    start INTEGER NOT NULL,
    route TEXT NOT NULL,
    target TEXT NOT NULL,
    latency BLOB,                    -- from admission to the last byte
    first_token BLOB,                -- of the attempt whose answer was given
    overhead BLOB,                   -- turnout's own part
    PRIMARY KEY (width, start, route, target)
) STRICT, WITHOUT ROWID;

-- Sums of attempts, for each hour and day.
CREATE TABLE attempt_rollups (
    width INTEGER NOT NULL,
    start INTEGER NOT NULL,          -- by the time of the decision
    target TEXT NOT NULL,
    provider TEXT NOT NULL,
    purpose TEXT NOT NULL,
    outcome TEXT NOT NULL,
    error_class TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    cost INTEGER NOT NULL,           -- pico-USD
    latency BLOB,
    first_token BLOB,
    PRIMARY KEY (width, start, target, provider, purpose, outcome, error_class)
) STRICT, WITHOUT ROWID;

-- How far work has come that goes on beside the traffic.
CREATE TABLE progress (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Decisions of before this version are rolled up in steps, from the newest on: those below `unrolled` are still missing.
INSERT INTO progress (name, value) SELECT 'unrolled', max(seq) FROM decisions HAVING max(seq) IS NOT NULL;
-- Few requests need a fallback, and those are looked for among very many.
CREATE INDEX decisions_fell_back ON decisions (time) WHERE fell_back = 1;
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
-- What calls cost by day, by whom they were for and what became of them: what a change of cost is explained from.
CREATE TABLE cost_rollups (
    start INTEGER NOT NULL,          -- of the day, ms since 1970 in UTC
    tenant TEXT NOT NULL,
    route TEXT NOT NULL,
    target TEXT NOT NULL,
    part TEXT NOT NULL,              -- answer (the caller got it), failed, discarded, judge or cancelled
    price_version TEXT NOT NULL,
    attempts INTEGER NOT NULL,       -- priced ones; the others are in `unpriced` alone
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,           -- pico-USD
    unpriced INTEGER NOT NULL,
    PRIMARY KEY (start, tenant, route, target, part, price_version)
) STRICT, WITHOUT ROWID;

ALTER TABLE attempts ADD COLUMN price_version TEXT NOT NULL DEFAULT '';  -- where the price came from
-- Whose project a request belongs to: reports are made by it, from single decisions as they are by user.
ALTER TABLE decisions ADD COLUMN project TEXT;
-- What other targets and policies said to a request beside the answer that its caller got. No query of `decisions`
-- sees it, so that it counts as no request; its calls are among the attempts, and its cost is among the sums.
CREATE TABLE shadows (
    seq INTEGER PRIMARY KEY,         -- grows in the order of arrival
    id TEXT NOT NULL UNIQUE,         -- UUIDv7
    decision TEXT NOT NULL,          -- the id of the decision whose request it is
    time INTEGER NOT NULL,           -- when it began, ms since 1970 in UTC
    route TEXT NOT NULL,
    tenant TEXT NOT NULL,
    project TEXT,
    user TEXT,
    source TEXT,
    target TEXT,
    outcome TEXT NOT NULL,
    query_hash TEXT NOT NULL,
    latency_ms REAL NOT NULL,
    cost INTEGER,                    -- pico-USD
    baseline_cost INTEGER,           -- 0 where its route has a baseline: without routing there would be no shadow
    record TEXT NOT NULL
) STRICT;

CREATE INDEX shadows_decision ON shadows (decision);
CREATE INDEX shadows_time ON shadows (time);

-- Everything that was paid for: decisions and their shadows, of which only the first are counted.
CREATE VIEW accounts AS
SELECT seq, id, time, route, tenant, project, user, source, rule, target, outcome, query_hash, 1 AS counted, fell_back,
    escalated, cached, attempts, input_tokens, output_tokens, cost, router_cost, baseline_cost, feedback, record
FROM decisions UNION ALL
SELECT NULL, id, time, route, tenant, project, user, source, NULL, target, outcome, query_hash, 0, 0,
    0, 0, 0, 0, 0, cost, cost, baseline_cost, NULL, record
FROM shadows;
PRAGMA user_version = 8;
