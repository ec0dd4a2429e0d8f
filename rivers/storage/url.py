"""Database URLs: which ones are taken, and how they are printed."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from rivers.errors import StorageError

#: Parts of a URL's query that are secrets.
_SECRETS = ["password", "sslpassword"]

_DRIVERS = {"sqlite": "sqlite", "sqlite+pysqlite": "sqlite", "postgresql": "postgresql+psycopg"}
_DRIVERS |= {name: name for name in _DRIVERS.values()}


def parse(url: str) -> URL:
    """A database URL, with the driver that is used for it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StorageError(f"not a database URL: {_masked(url)!r}") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StorageError(
            f"database {printed(parsed)} is of a kind that is not supported; use sqlite:/// or postgresql+psycopg://"
        )
    return parsed.set(drivername=driver)


def _masked(text: str) -> str:
    before, at, after = text.rpartition("@")
    return f"***@{after}" if at else before or after


def printed(url: URL) -> str:
    """The URL without its secrets."""
    return url.difference_update_query(_SECRETS).render_as_string(hide_password=True)
