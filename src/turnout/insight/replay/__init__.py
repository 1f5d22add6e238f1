"""Replay: what another configuration would have decided for recorded requests, without a call."""
