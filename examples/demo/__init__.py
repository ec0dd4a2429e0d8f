"""Three teams, one scheduler: `make demo`."""
