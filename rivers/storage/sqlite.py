"""Engines on SQLite: a file in WAL mode, or a private database in memory.

Transactions are begun explicitly (`BEGIN IMMEDIATE` to write), so the driver's own are off. All engines of a process
share one dialect and its compiled statements, and a database in memory is copied from a template, so that it is ready
in a fraction of a millisecond.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

from sqlalchemy import Dialect, Engine, create_engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import Pool, QueuePool, StaticPool

from rivers.errors import StorageError
from rivers.storage import stamp

Synchronous = Literal["FULL", "NORMAL"]

#: What is used of SQL (RETURNING) is there from this version on.
_FLOOR = (3, 35, 0)

#: Seconds to wait for a lock that something else holds (D4).
_BUSY = 5.0

#: Pages in the log before a commit checkpoints by itself; whoever runs long checkpoints when idle instead.
_AUTOCHECKPOINT = 4000

#: A multi-row statement for each table and chunk size stays prepared.
_STATEMENTS = 256

_COMPILED: dict[Any, Any] = {}


class _MemoryConnection(sqlite3.Connection):
    """A database in memory lives as long as its connection, so a pool that gives it up must not end it.

    Pools give up a connection whose statement was interrupted, as by Ctrl-C.
    """

    def close(self) -> None:
        if self.in_transaction:
            self.rollback()


def memory_engine() -> Engine:
    """A new private database, initialised, with one connection that the caller's threads take turns on."""
    connection = _connect(":memory:", factory=_MemoryConnection)
    _template().copy_to(connection)
    connection.execute("UPDATE writer SET store_id = lower(hex(randomblob(16)))")
    connection.execute("PRAGMA foreign_keys = ON")
    engine = _engine(_single(connection), "sqlite://")
    weakref.finalize(engine, sqlite3.Connection.close, connection)
    return engine


def file_engine(path: Path, *, synchronous: Synchronous, read_only: bool, foreign_keys: bool = True) -> Engine:
    """An engine on a file, which is made when it is missing and may be written."""
    if synchronous not in ("FULL", "NORMAL"):
        raise StorageError(f"synchronous must be 'FULL' or 'NORMAL', not {synchronous!r}")
    if sqlite3.sqlite_version_info < _FLOOR:
        raise StorageError(f"SQLite {sqlite3.sqlite_version} is too old: rivers needs 3.35 or newer")
    address = f"file:{quote(str(path))}?mode={'ro' if read_only else 'rwc'}"

    def connect() -> DBAPIConnection:
        connection = _connect(address)
        try:
            _set_up(connection, path, synchronous, read_only)
            connection.execute(f"PRAGMA foreign_keys = {foreign_keys}")
        except BaseException:
            connection.close()
            raise
        return cast(DBAPIConnection, connection)

    return _engine(
        QueuePool(connect, pool_size=5, max_overflow=20, timeout=10, dialect=_dialect()), f"sqlite:///{path}"
    )


def _set_up(connection: sqlite3.Connection, path: Path, synchronous: Synchronous, read_only: bool) -> None:
    if not read_only:
        if _switch_to_log(connection) != "wal":
            raise StorageError(f"database {path} cannot use a write-ahead log: is it on a network file system?")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")


def _switch_to_log(connection: sqlite3.Connection) -> str:
    """The journal's mode after the switch, which does not wait for its lock by itself.

    Two programs that open a new file at the same time meet here.
    """
    deadline = time.monotonic() + _BUSY
    while True:
        try:
            ((mode,),) = connection.execute("PRAGMA journal_mode = WAL")
            return str(mode)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _connect(database: str, *, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    return sqlite3.connect(
        database,
        timeout=_BUSY,
        isolation_level=None,
        check_same_thread=False,
        factory=factory,
        cached_statements=_STATEMENTS,
        uri=database.startswith("file:"),
    )


def _single(connection: sqlite3.Connection) -> Pool:
    return StaticPool(lambda: cast(DBAPIConnection, connection), dialect=_dialect())


def _engine(pool: Pool, url: str) -> Engine:
    return Engine(pool, _dialect(), make_url(url), execution_options={"compiled_cache": _COMPILED})


@cache
def _dialect() -> Dialect:
    engine = create_engine("sqlite://", creator=lambda: _connect(":memory:"), poolclass=StaticPool)
    with engine.connect():  # the dialect learns what the driver can do
        dialect = engine.dialect
    engine.dispose()
    return dialect


class _Template:
    """An initialised database that the others are copied from."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.source = _connect(":memory:")
        with _engine(_single(self.source), "sqlite://").begin() as connection:
            stamp.initialise(connection)

    def copy_to(self, target: sqlite3.Connection) -> None:
        with self.lock:
            self.source.backup(target)


_template = cache(_Template)
