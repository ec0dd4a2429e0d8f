"""What can go wrong while writing, and what an error of the driver means to a caller."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Dialect
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from rivers.errors import StorageError, StorageUnavailableError

#: What passes by itself or is mended beside the database.
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}

#: After an I/O error or in a damaged file, only a new start can tell what there is (W6).
_DAMAGE = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

#: Kinds of I/O error that a full disk causes: the index of the write-ahead log cannot grow.
_NO_ROOM = {sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP}


class StaleWriteError(Exception):
    """Somebody else wrote what this write set was decided on: nothing was written. Load again, decide again (W4)."""


class DeposedError(Exception):
    """Another leadership has begun: nothing was written, and this one may write nothing any more (W5)."""

    def __init__(self, term: int) -> None:
        self.term = term
        super().__init__(f"term {term} is over: another scheduler leads this database")


def translated(error: SQLAlchemyError, name: str) -> Exception:
    """The error that a caller sees for one of the driver; `name` is the database's path or URL without its password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = str(cause).strip() or type(cause).__name__
    if isinstance(error, IntegrityError):
        return StaleWriteError(f"{name}: {reason}")
    if isinstance(error, PoolTimeoutError) or _passes(error, cause):
        return StorageUnavailableError(f"database {name} cannot be used right now: {reason}", database=name)
    return StorageError(f"database {name}: {reason}", database=name)


def of_driver(error: Exception, dialect: Dialect) -> SQLAlchemyError:
    """SQLAlchemy's error for one of the driver that did not pass through it."""
    made: SQLAlchemyError = DBAPIError.instance(None, None, error, dialect.loaded_dbapi.Error, dialect=dialect)
    made.__cause__ = error
    return made


def is_damage(error: BaseException) -> bool:
    """Whether an error that a caller sees came of a disk or a file that is broken, so that going on is no use."""
    cause = error.__cause__
    found = cause.orig if isinstance(cause, DBAPIError) else None
    return isinstance(found, sqlite3.Error) and not _passes_on_sqlite(found) and _code(found) & 0xFF in _DAMAGE


def _passes(error: SQLAlchemyError, cause: BaseException) -> bool:
    if isinstance(cause, sqlite3.Error):
        return _passes_on_sqlite(cause)
    is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return is_lost or isinstance(error, (OperationalError, InterfaceError))


def _passes_on_sqlite(error: sqlite3.Error) -> bool:
    code = _code(error)
    return code & 0xFF in _PASSING or code in _NO_ROOM


def _code(error: sqlite3.Error) -> int:
    """The error's extended code; of an error of the driver itself, that of any mistake."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code
