"""How many rows a read returns at most."""

from __future__ import annotations

#: More than any database holds, and less than any of them can count.
_MOST = 2**62


def checked(limit: int) -> int:
    """The limit, 0 for a negative one. Raises `TypeError` when it is no whole number."""
    if not isinstance(limit, int):
        raise TypeError(f"limit must be an int, not {type(limit).__name__}")
    return min(max(limit, 0), _MOST)
