"""The weather team's repository, seen from the root of the checkout: `rivers serve examples.weather`."""

from .weather import repo

__all__ = ["repo"]
