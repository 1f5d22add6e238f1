"""Whether to route, and how: facts of traffic, matched with what is known of approaches."""
