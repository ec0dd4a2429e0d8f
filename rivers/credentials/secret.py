"""The text of a token: 256 random bits, shown once, held as a hash.

A fast hash is enough: a slow one makes guessing passwords dear, and nobody guesses 256 random bits. Hashes are looked
up, not compared bit by bit: how long that takes tells something of a hash, and a hash leads to no token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from rivers.errors import InvalidRequestError

TOKEN_VARIABLE = "RIVERS_TOKEN"

#: So that people and scanners see what it is.
_PREFIX = "rivers_"
_LONGEST = 4096


def mint() -> str:
    """A new token."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is held of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def for_location(token: str, location: str) -> str:
    """What a scheduler with this token shows to one location.

    Every location gets another one, which leads to none of the others: a location that keeps what it was shown cannot
    speak to its neighbours as the scheduler.
    """
    made = hmac.digest(token.encode(), f"rivers: scheduler to location {location}".encode(), hashlib.sha256)
    return _PREFIX + base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def read_token(path: Path | None) -> str | None:
    """The token in a file, or in the environment when no file is named; `None` when there is neither.

    Command lines never carry one: every user of the machine can read those.
    """
    if path is None:
        return checked(os.environ.get(TOKEN_VARIABLE) or None)
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"token file '{path}' cannot be read: {error}", field="token_file") from error
    if not token:
        raise InvalidRequestError(f"token file '{path}' is empty; write the token into it", field="token_file")
    return checked(token)


def checked(token: str | None) -> str | None:
    """A token that can travel; the message about one that cannot does not show it."""
    if token is not None and not (token.isascii() and token.isprintable() and len(token) <= _LONGEST):
        raise InvalidRequestError("the token is not printable ASCII text", field="token")
    return token
