"""Pages of listings: sizes, and tokens that name where the next one starts."""

from __future__ import annotations

import base64
import binascii
import json

from rivers.errors import InvalidRequestError

_WHOLE_NUMBERS = range(1 << 63)


def page_size(requested: int, largest: int, default: int = 50) -> int:
    """The size of a page, 1 to the largest; 0 takes the default."""
    if not 0 <= requested <= largest:
        raise InvalidRequestError(f"page_size must be 0 to {largest}, got {requested}", field="page_size")
    return requested or min(default, largest)


def encode_token(*place: str | int) -> str:
    """A token that names a place in a listing."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def decode_token(token: str, *kinds: type) -> tuple[str | int, ...] | None:
    """The place that a token names, its parts of these types; `None` for the first page."""
    if not token:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    if (
        not isinstance(place, list)
        or [type(part) for part in place] != list(kinds)
        or not all(part in _WHOLE_NUMBERS if isinstance(part, int) else _is_kept(part) for part in place)
    ):
        raise InvalidRequestError("page_token is not one that this listing gave out", field="page_token")
    return tuple(place)


def _is_kept(text: str) -> bool:
    """Whether a database has such a text."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
