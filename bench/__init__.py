"""One program for each headline figure; each prints one JSON line. `python -m bench` runs all."""
