"""Engines on PostgreSQL, through psycopg."""

from __future__ import annotations

import select
from functools import cache
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import InvalidatePoolError

from rivers.errors import StorageError
from rivers.storage.schema import metadata

#: How a connection is made, unless the URL says otherwise: seconds until an unreachable server is given up, and
#: (in ms) until one that answers no more is.
_CONNECTING = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

#: Nobody waits for a lock for longer (D4), and nobody whose client is gone or frozen holds one for ever (T3).
_LIMITS = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '30s'"

#: A multi-row statement for each table and chunk size stays prepared.
_STATEMENTS = 256


def server_engine(url: URL) -> Engine:
    """An engine on a server. Reads and writes have connections of their own."""
    _complete_schema()
    engine = create_engine(
        url,
        connect_args={
            "application_name": "rivers",
            **{name: value for name, value in _CONNECTING.items() if name not in url.query},
        },
        pool_size=5,
        max_overflow=20,
        pool_timeout=10,
    )
    event.listen(engine, "connect", _set_limits)
    event.listen(engine, "checkout", _ping)
    return engine


def require_durable(connection: Connection, name: str) -> None:
    """Raises `StorageError` when the server may forget what it has acknowledged (T6)."""
    off = [
        setting
        for setting in ("fsync", "synchronous_commit")
        if connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == "off"
    ]
    if off:
        raise StorageError(
            f"database {name} may forget what it has acknowledged: set {' and '.join(off)} to on in PostgreSQL"
        )


def _set_limits(connection: Any, _: object) -> None:
    connection.prepared_max = _STATEMENTS
    cursor = connection.cursor()
    cursor.execute(_LIMITS)
    cursor.close()
    connection.commit()


def _ping(connection: Any, _: object, __: object) -> None:
    """Whoever takes a connection makes sure that its server has not left it meanwhile. A server that leaves says so;
    to ask it each time would double what a read costs."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if not waiting.poll(0):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except connection.OperationalError:
        raise InvalidatePoolError from None


@cache
def _complete_schema() -> None:
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])
