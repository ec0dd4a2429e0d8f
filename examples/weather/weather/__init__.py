"""Four years of Seattle weather: `rivers serve weather`."""

from .repository import repo

__all__ = ["repo"]
