"""Did you mean."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str:
    """A remedy that names what was probably meant; empty when nothing comes close."""
    found = get_close_matches(name, list(known), n=1)
    return f"did you mean '{found[0]}'?" if found else ""
