"""Who asks: tenants, the keys that they hold, and how fast they may ask."""
