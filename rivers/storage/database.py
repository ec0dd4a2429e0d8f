"""A database: where it is, reads on connections of their own, and writes that take turns on one.

    with database.read() as connection:
        run = runs.get(connection, run_id)

Errors of the driver come out as `StorageError`, `StorageUnavailableError` (try again) or `StaleWriteError`, naming the
database by its path or by its URL without the password.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, bindparam, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from rivers.errors import StorageError
from rivers.storage import lock, stamp
from rivers.storage.bells import Bells, bells_of
from rivers.storage.faults import of_driver, translated
from rivers.storage.flush import Batch, prepare
from rivers.storage.lock import LockMode, OwnerLock
from rivers.storage.postgresql import require_durable, server_engine
from rivers.storage.prepared import Prepared
from rivers.storage.rows import WriteSet
from rivers.storage.schema import Number, writer
from rivers.storage.sending import Send, sending
from rivers.storage.sqlite import Synchronous, file_engine, memory_engine
from rivers.storage.url import parse, printed

#: The database file within the directory of an embedded store.
FILE = "rivers.db"

Kind = Literal["memory", "file", "server"]

_ROW = writer.c.id == 1
_STORE_ID = select(writer.c.store_id).where(_ROW)
_ALONE = select(writer.c.id).where(_ROW).with_for_update()
_COUNT = bindparam("count", type_=Number)
_TAKE_POSITIONS = Prepared(
    update(writer)
    .where(_ROW)
    .values(next_position=writer.c.next_position + _COUNT)
    .returning(writer.c.next_position - _COUNT)
)
_TAKE_TOKENS = Prepared(
    update(writer).where(_ROW).values(next_token=writer.c.next_token + _COUNT).returning(writer.c.next_token - _COUNT)
)
_TOKENS = bindparam("tokens", type_=Number)
_TAKE_BOTH = Prepared(
    update(writer)
    .where(_ROW)
    .values(next_position=writer.c.next_position + _COUNT, next_token=writer.c.next_token + _TOKENS)
    .returning(writer.c.next_position - _COUNT, writer.c.next_token - _TOKENS)
)


class _Options(NamedTuple):
    """How a database is opened. `to_migrate` leaves out the check of its schema."""

    synchronous: Synchronous
    lock: LockMode | None
    address: str
    read_only: bool
    to_migrate: bool


class WriteBehind(Protocol):
    """What has rows to write that others may want to read."""

    def catch_up(self) -> None: ...


class _Session:
    """What a database object holds open: the engine, the lock on the directory, and the connection that writes."""

    def __init__(self, engine: Engine, owner_lock: OwnerLock | None) -> None:
        self.engine = engine
        self.owner_lock = owner_lock
        self.turn = threading.RLock()
        self.connection: Connection | None = None
        self.is_open = True

    def connected(self) -> Connection:
        if self.connection is None:
            self.connection = self.engine.connect()
            if self.engine.dialect.name == "postgresql":
                driver: Any = self.connection.connection.driver_connection
                driver.prepare_threshold = None  # statements that are sent in one go are prepared there
        return self.connection

    def abort(self) -> None:
        """Ends the transaction; a connection on which that fails is given up."""
        connection = self.connection
        if connection is None:
            return
        try:
            connection.rollback()
            if not connection.invalidated:
                return
        except SQLAlchemyError:
            pass
        self.give_up()

    def give_up(self) -> None:
        """Leaves the connection; the next write makes another one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            if not connection.invalidated:
                connection.invalidate()
            connection.close()

    def close(self) -> None:
        with self.turn:
            self.is_open = False
            if self.connection is not None:
                self.connection.close()
                self.connection = None
            self.engine.dispose()
            if self.owner_lock is not None:
                self.owner_lock.release()


class Database:
    """An open database, safe to use from several threads. Dropping the last reference closes it too.

    Transactions are short: a read is ended at once and never held across a wait. Writes take turns on one connection,
    and none begins inside another one of the same thread.
    """

    def __init__(self, engine: Engine, kind: Kind, name: str, *, owner_lock: OwnerLock | None, read_only: bool) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self.kind = kind
        self.url = name
        self.read_only = read_only
        self.bells = Bells() if kind == "memory" else bells_of(name if kind == "server" else str(Path(name).resolve()))
        self.behind: list[WriteBehind] = []
        self._session = _Session(engine, owner_lock)
        self._driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._finalizer = weakref.finalize(self, self._session.close)
        self._readers: Engine = engine
        if kind == "server":
            self._readers = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @classmethod
    def memory(cls) -> Database:
        """A new private database, gone when it is dropped."""
        return cls(memory_engine(), "memory", ":memory:", owner_lock=None, read_only=False)

    @classmethod
    def embedded(
        cls,
        directory: str | Path,
        *,
        synchronous: Synchronous = "NORMAL",
        lock: LockMode | None = "shared",
        address: str = "",
        read_only: bool = False,
        to_migrate: bool = False,
    ) -> Database:
        """The database in a directory, which is made with its parents.

        `lock="exclusive"` makes this process the directory's scheduler, reached at `address`; while one owns it, others
        may open it with `read_only=True` alone, which takes no lock.
        """
        directory = Path(directory)
        if not read_only:
            try:
                directory.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"storage directory {directory} cannot be made: {error}") from None
        options = _Options(synchronous, lock, address, read_only, to_migrate)
        return cls._open_file(directory / FILE, options)

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        synchronous: Synchronous = "NORMAL",
        lock: LockMode | None = "shared",
        address: str = "",
        read_only: bool = False,
        to_migrate: bool = False,
    ) -> Database:
        """The database at a URL: `postgresql+psycopg://...`, or `sqlite:///...` with the locks of `embedded`.

        `synchronous="FULL"` refuses a server that may forget what it has acknowledged.
        """
        parsed = parse(url)
        options = _Options(synchronous, lock, address, read_only, to_migrate)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database in (None, "", ":memory:"):
                return cls.memory()
            return cls._open_file(Path(parsed.database), options)
        return cls._open(server_engine(parsed), "server", printed(parsed), None, options)

    @classmethod
    def _open_file(cls, path: Path, options: _Options) -> Database:
        if options.read_only and not path.exists():
            raise StorageError(f"no database at {path}")
        if not path.parent.is_dir():
            raise StorageError(f"no directory {path.parent} for the database {path.name}")
        owner_lock = None
        if options.lock is not None and not options.read_only:
            owner_lock = lock.take(path.parent, options.lock, options.address)
        engine = file_engine(
            path,
            synchronous=options.synchronous,
            read_only=options.read_only,
            foreign_keys=not options.to_migrate,  # or making a table anew would delete what refers to it
        )
        return cls._open(engine, "file", str(path), owner_lock, options)

    @classmethod
    def _open(cls, engine: Engine, kind: Kind, name: str, owner_lock: OwnerLock | None, options: _Options) -> Database:
        database = cls(engine, kind, name, owner_lock=owner_lock, read_only=options.read_only)
        try:
            if not options.to_migrate:
                database._check()
            if kind == "server" and options.synchronous == "FULL":
                with database.read() as connection:
                    require_durable(connection, name)
        except BaseException:
            database.close()
            raise
        return database

    def __repr__(self) -> str:
        return f"<Database {self.url}>"

    @property
    def store_id(self) -> str:
        """Identity of what is stored."""
        with self.read() as connection:
            store_id: str = connection.execute(_STORE_ID).scalar_one()
        return store_id

    def close(self) -> None:
        """Closes its connections and gives the directory free. A repeat changes nothing."""
        self._finalizer()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A short read that sees one state of the database."""
        if self.kind == "memory":
            with self._turn() as connection:
                is_nested = connection.in_transaction()
                try:
                    yield connection
                finally:
                    if not is_nested:
                        connection.rollback()
            return
        self._require_open()
        try:
            with self._readers.connect() as connection:
                if self.kind == "file":
                    connection.exec_driver_sql("BEGIN")
                try:
                    yield connection
                except self._driver_error as error:
                    known = of_driver(error, self.engine.dialect)
                    if isinstance(known, OperationalError):
                        connection.invalidate(error)  # it may be lost, which only the driver knows
                    raise translated(known, self.url) from known
                if self.kind == "server":
                    connection.commit()  # the driver forgets at a rollback what it has prepared
        except SQLAlchemyError as error:
            raise translated(error, self.url) from error

    def catch_up(self) -> None:
        """Has what is written behind written now; for a reader that may be behind it himself."""
        for one in tuple(self.behind):
            one.catch_up()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A short write: committed at the end, or nothing of it when anything is raised."""
        if self.read_only:
            raise StorageError(f"database {self.url} was opened for reading only")
        with self._turn() as connection:
            if connection.in_transaction():
                raise RuntimeError("a write begins inside another transaction of this thread")
            try:
                connection.begin()
                if self.kind != "server":
                    with sending(connection) as send:
                        send("BEGIN IMMEDIATE", ())
                yield connection
                connection.commit()
            except BaseException:
                self._session.abort()
                raise

    def write(self, writes: WriteSet) -> None:
        """Writes all of it in one transaction, events at the next positions. For programs that run in process."""
        batch, block = prepare(writes), writes.tokens
        with self.transaction() as connection:
            token = _write(connection, batch, block.count if block is not None else 0)
        batch.settle()
        if block is not None:
            block.first = token

    def decide(self, decision: Callable[[Connection], WriteSet]) -> None:
        """Reads, decides and writes in one transaction; no other decision, in any process, is taken meanwhile."""
        with self.transaction() as connection:
            connection.execute(_ALONE)
            batch = prepare(decision(connection))
            _write(connection, batch)
        batch.settle()

    def ask(self, question: Prepared, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """What one statement reads on the connection that writes: all that was committed before, in one round trip."""
        with self._turn() as connection:
            try:
                return question.run(connection, values, alone=True)
            except self._driver_error:
                self._session.give_up()
                raise

    def take_tokens(self, count: int) -> int:
        """The first of so many tokens that nobody else gets; they grow over the whole store."""
        with self.transaction() as connection:
            ((token,),) = _TAKE_TOKENS.run(connection, {"count": count})
        return int(token)

    def checkpoint(self) -> None:
        """Moves what is in the write-ahead log into the file, as far as readers allow, on a connection of its own."""
        if self.kind != "file" or self.read_only:
            return
        self._require_open()
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
        except SQLAlchemyError as error:
            raise translated(error, self.url) from error

    @contextmanager
    def _turn(self) -> Iterator[Connection]:
        """This thread's turn on the one connection that writes."""
        session = self._session
        with session.turn:
            self._require_open()
            try:
                yield session.connected()
            except SQLAlchemyError as error:
                raise translated(error, self.url) from error
            except self._driver_error as error:
                known = of_driver(error, self.engine.dialect)
                raise translated(known, self.url) from known

    def _require_open(self) -> None:
        if not self._session.is_open:
            raise StorageError(f"database {self.url} is closed")

    def _check(self) -> None:
        with self.read() as connection:
            found = stamp.read(connection, self.url)
        if found is None:
            if self.read_only:
                raise StorageError(f"database {self.url} is empty: nothing to read yet")
            with self.transaction() as connection:
                stamp.hold(connection)
                found = stamp.read(connection, self.url)
                if found is None:
                    stamp.initialise(connection)
                    return
        found.check(self.url, read_only=self.read_only)


def _write(connection: Connection, batch: Batch, tokens: int = 0) -> int:
    """Writes a batch, its events at the next positions; returns the first of so many tokens."""
    token = 0

    def take(send: Send) -> int:
        nonlocal token
        if tokens:
            counts = {"count": batch.event_count, "tokens": tokens}
            ((position, token),) = _TAKE_BOTH.ask(send, connection.dialect, counts)
            return int(position)
        if not batch.event_count:
            return 0
        ((position,),) = _TAKE_POSITIONS.ask(send, connection.dialect, {"count": batch.event_count})
        return int(position)

    batch.write(connection, take)
    return token
