"""Ten years of five companies: `rivers serve markets`."""

from .repository import repo

__all__ = ["repo"]
