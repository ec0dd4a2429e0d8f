"""Two teams' repositories and a demonstration of both under one scheduler."""
