"""Four years of days, and the months that they make: `rivers serve seasons`."""

from .repository import repo

__all__ = ["repo"]
