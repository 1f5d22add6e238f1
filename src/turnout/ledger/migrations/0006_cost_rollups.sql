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
