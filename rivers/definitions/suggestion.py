"""Did you mean: what an error about an unknown name says to do."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from itertools import islice

_SHOWN = 5


def nearest(name: str, known: Collection[str]) -> str:
    """A remedy that names what was probably meant; empty when nothing comes close."""
    found = get_close_matches(name, known, n=1)
    return f"did you mean '{found[0]}'?" if found else ""


def nearest_or_all(name: str, known: Collection[str], nouns: str) -> str:
    """What was probably meant, else what there is: the first few."""
    if not known:
        return f"there are no {nouns}"
    shown = ", ".join(f"'{one}'" for one in islice(known, _SHOWN))
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return nearest(name, known) or f"the {nouns} are {shown}{more}"
