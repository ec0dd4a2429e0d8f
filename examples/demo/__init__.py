"""Two teams, one scheduler: `make demo`."""
