"""What turnout costs, measured beside a direct call, an nginx proxy and a bare relay: `make bench`."""
