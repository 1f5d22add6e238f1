"""The ledger's copy in Postgres, for many gateways and for whatever else reads a database."""
