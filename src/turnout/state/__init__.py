"""What outlives a request and may be shared by processes, behind small protocols."""
