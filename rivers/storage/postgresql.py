"""Engines on PostgreSQL, through psycopg."""

from __future__ import annotations

from functools import cache

from sqlalchemy import URL, Engine, create_engine, text

from rivers.storage.schema import metadata

#: Seconds until an unreachable server is given up; `connect_timeout` in the URL says otherwise.
_CONNECT_TIMEOUT = 10


def server_engine(url: URL) -> Engine:
    """An engine on a server. Reads and writes have connections of their own."""
    _complete_schema()
    options = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT}
    return create_engine(
        url,
        connect_args={"application_name": "rivers", **options},
        pool_size=5,
        max_overflow=20,
        pool_timeout=10,
        pool_pre_ping=True,
    )


@cache
def _complete_schema() -> None:
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])
