"""How often a canary decides wrongly, in simulated traffic where the truth is known."""
