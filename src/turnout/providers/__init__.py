"""Providers are reached here: endpoint, authentication and transport. The dialect comes from `turnout.wire`."""
