"""A leadership: the right of one scheduler to write, until another one takes it (protocol W5, W6)."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Dialect, and_, bindparam, case, select, update

from rivers.errors import StorageUnavailableError
from rivers.storage import kv
from rivers.storage.database import Database
from rivers.storage.faults import DeposedError, StaleWriteError
from rivers.storage.flush import Batch, prepare
from rivers.storage.prepared import Prepared
from rivers.storage.rows import WriteSet
from rivers.storage.schema import writer as table
from rivers.storage.sending import Send

#: Tokens that a leader sets aside on a server, where programs that run in process may take some at the same time.
#: One batch takes less than half of them.
_TOKENS_AHEAD = 1 << 20

_TAKE = (
    update(table)
    .where(table.c.id == 1)
    .values(
        term=table.c.term + 1,
        holder=bindparam("new_holder"),
        address=bindparam("new_address"),
        next_token=table.c.next_token + bindparam("tokens_ahead"),
    )
    .returning(table.c.store_id, table.c.term, table.c.batch, table.c.next_token, table.c.next_queue_number)
)
_FENCE = Prepared(
    update(table)
    .where(table.c.id == 1, table.c.term == bindparam("mine"))
    .values(
        batch=table.c.batch + 1,
        next_position=table.c.next_position + bindparam("events"),
        next_token=table.c.next_token + bindparam("tokens"),
        next_queue_number=bindparam("queue_number"),
    )
    .returning(table.c.batch, table.c.next_position)
)
#: The same for a row that is known already: if it is not as it was last seen, this raises, and nothing that was sent
#: behind it is executed.
_FENCE_UNANSWERED = Prepared(
    update(table)
    .where(table.c.id == 1)
    .values(
        batch=case(
            (
                and_(
                    table.c.term == bindparam("mine"),
                    table.c.batch == bindparam("seen_batch"),
                    table.c.next_position == bindparam("seen_position"),
                ),
                table.c.batch + 1,
            )
        ),
        next_position=table.c.next_position + bindparam("events"),
        next_token=table.c.next_token + bindparam("tokens"),
        next_queue_number=bindparam("queue_number"),
    )
)
_LAST = select(table.c.term, table.c.batch).where(table.c.id == 1).with_for_update()


#: Bytes for which there has to be room; random ones, as others would be made small.
_ROOM, _ROOM_KEY = 1 << 18, "rivers/room"


class _Undone(Exception):
    """Takes a transaction back."""


class Leadership:
    """Writes under one term. Used by one thread, which takes `next_token` and `next_queue_number` by raising them.

    Both are stored with the next commit; numbers of a batch that was not committed are given to nobody else.
    """

    def __init__(
        self, database: Database, *, store_id: str, term: int, batch: int, next_token: int, next_queue_number: int
    ) -> None:
        self.store_id = store_id
        self.term = term
        self.batch = batch
        self.next_token = next_token
        self.next_queue_number = next_queue_number
        self._database = database
        self._ahead = _ahead(database)
        self._stored_token = next_token + self._ahead
        # Where the next event goes, as far as is known: a round trip to a server is saved by not asking.
        self._is_remote = database.kind == "server"
        self._next_position: int | None = None

    @classmethod
    def take(cls, database: Database, *, holder: str, address: str) -> Leadership:
        """Begins the next term: whoever led before can write no more."""
        ahead = _ahead(database)
        with database.transaction() as connection:
            values = {"new_holder": holder, "new_address": address, "tokens_ahead": ahead}
            store_id, term, batch, token, queue_number = connection.execute(_TAKE, values).one()
        return cls(
            database,
            store_id=store_id,
            term=term,
            batch=batch,
            next_token=token - ahead,
            next_queue_number=queue_number,
        )

    def commit(self, writes: WriteSet) -> None:
        """Writes all of it in one transaction, events at the next positions, or raises and has written nothing.

        `DeposedError`: another leadership has begun. `StaleWriteError`: somebody else changed a run, or an earlier
        batch whose answer was lost turns out to be there.
        `StorageUnavailableError`: the database is full, locked or gone; try again. When the answer to COMMIT was lost
        and the database cannot say either, that is raised too, and only rows tell what happened.
        """
        batch = prepare(writes)
        if self._next_position is not None:
            try:
                self._write(batch, self._foresee)
                return
            except StaleWriteError:
                self._next_position = None  # the long way tells whether we are deposed, and what is stale
        self._write(batch, self._ask)

    def _write(self, batch: Batch, fence: Callable[[Send, Dialect, dict[str, Any]], int]) -> None:
        """Writes a batch behind a fence, which says where its events begin."""
        count = batch.event_count
        stored_token = self._token_to_store()
        values = {
            "mine": self.term,
            "events": count,
            "tokens": stored_token - self._stored_token,
            "queue_number": self.next_queue_number,
        }
        first = number = 0

        def begin(send: Send) -> int:
            nonlocal first
            first = fence(send, connection.dialect, values)
            return first

        try:
            with self._database.transaction() as connection:
                batch.write(connection, begin)
                number = self.batch + 1
        except StorageUnavailableError:
            if not number or not self._happened(number):
                raise
        self.batch = number
        self._stored_token = stored_token
        if self._is_remote:
            self._next_position = first + count
        batch.settle()

    def _ask(self, send: Send, dialect: Dialect, values: dict[str, Any]) -> int:
        """The fence that waits for its answer."""
        answer = _FENCE.ask(send, dialect, values)
        if not answer:
            raise DeposedError(self.term)
        ((committed, next_position),) = answer
        if committed != self.batch + 1:
            self.batch = committed - 1
            raise StaleWriteError(f"batch {self.batch} was committed after all: its answer had been lost (W6)")
        return int(next_position) - int(values["events"])

    def _foresee(self, send: Send, dialect: Dialect, values: dict[str, Any]) -> int:
        """The fence that leaves with the batch: unless it finds the row as the last commit left it, the server executes
        nothing of what is behind it."""
        assert self._next_position is not None
        _FENCE_UNANSWERED.send(
            send, dialect, {**values, "seen_batch": self.batch, "seen_position": self._next_position}
        )
        return self._next_position

    def check_room(self) -> None:
        """Raises `StorageUnavailableError` unless there is room for rows; writes none.

        In a full PostgreSQL what changes in its place can be committed, and nothing can be added.
        """
        with suppress(_Undone), self._database.transaction() as connection:
            kv.set(connection, _ROOM_KEY, os.urandom(_ROOM))
            raise _Undone

    def _token_to_store(self) -> int:
        """The first token that is nobody's: at least half of what is set aside is still ahead of the next one."""
        if self.next_token + self._ahead // 2 <= self._stored_token:
            return self._stored_token
        return self.next_token + self._ahead

    def _happened(self, number: int) -> bool:
        """Whether the batch of this number was committed although the answer was lost, as another connection tells.

        It waits for the lock of a server process that is still about to commit.
        """
        with self._database.transaction() as connection:
            term, batch = connection.execute(_LAST).one()
        return bool(term == self.term and batch >= number)


def _ahead(database: Database) -> int:
    """On a file the directory's lock keeps everybody else away, so tokens stay dense."""
    return _TOKENS_AHEAD if database.kind == "server" else 0
