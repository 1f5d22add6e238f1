-- Few requests need a fallback, and those are looked for among very many.
CREATE INDEX decisions_fell_back ON decisions (time) WHERE fell_back = 1;
