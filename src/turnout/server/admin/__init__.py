"""Who runs the gateway, and what they may do: `/admin`, described by `/admin/openapi.json`."""
