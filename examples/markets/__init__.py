"""The markets team's repository, seen from the root of the checkout: `rivers serve examples.markets`."""

from .markets import repo

__all__ = ["repo"]
