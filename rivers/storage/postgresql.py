"""Engines on PostgreSQL, through psycopg."""

from __future__ import annotations

from sqlalchemy import URL, Engine, create_engine

#: Seconds until an unreachable server is given up; `connect_timeout` in the URL says otherwise.
_CONNECT_TIMEOUT = 10


def server_engine(url: URL) -> Engine:
    """An engine on a server. Reads and writes have connections of their own."""
    options = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT}
    return create_engine(
        url,
        connect_args={"application_name": "rivers", **options},
        pool_size=5,
        max_overflow=20,
        pool_timeout=10,
        pool_pre_ping=True,
    )
