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
