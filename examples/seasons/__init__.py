"""The seasons team's repository, seen from the root of the checkout: `rivers serve examples.seasons`."""

from .seasons import repo

__all__ = ["repo"]
