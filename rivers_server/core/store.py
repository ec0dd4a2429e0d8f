"""What the core asks of storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rivers.planning.plan import RunPlan
from rivers.storage import assets, backfills, partitions, recovery, runs
from rivers.storage.backfill_rows import BackfillRow
from rivers.storage.database import Database
from rivers.storage.leadership import Leadership
from rivers.storage.recovery import Recovered
from rivers.storage.rows import RunRow, WriteSet


class Store(Protocol):
    """The core's only view of the database. Every commit carries the leader's term."""

    @property
    def store_id(self) -> str:
        """Identity of the database."""

    @property
    def term(self) -> int:
        """Number of this leadership."""

    def take_token(self) -> int:
        """The next token; growing over the whole store, given back when the batch is not committed."""

    def take_queue_number(self) -> int:
        """The next queue number."""

    def commit(self, writes: WriteSet) -> None:
        """Writes all of it in one transaction, or raises and has written nothing."""

    def check_room(self) -> None:
        """Raises `StorageUnavailableError` unless rows can be added."""

    def load(self) -> Recovered:
        """All that is unfinished."""

    def plan(self, run_id: str) -> RunPlan:
        """The plan of a queued run."""

    def run(self, run_id: str) -> RunRow | None:
        """A run that may be over."""

    def find_request(self, request_id: str) -> str | None:
        """The run that a request made."""

    def data_versions(self, nodes: Sequence[str]) -> Mapping[str, str]:
        """The current data versions of nodes, of those that have one."""

    def last_made(self, node: str) -> tuple[int, str] | None:
        """The attempt that made an asset's last materialization: its token and run."""

    def dynamic_keys(self, name: str, limit: int) -> Sequence[str]:
        """The keys of a dynamic definition, sorted, at most so many."""

    def backfill(self, backfill_id: str) -> BackfillRow | None:
        """A backfill that may be over."""

    def find_backfill(self, request_id: str) -> BackfillRow | None:
        """The backfill that a request made."""


class DatabaseStore:
    """The store on a real database, under one leadership. Used by the core's thread only."""

    def __init__(self, database: Database, leadership: Leadership) -> None:
        self._database = database
        self._leadership = leadership

    @property
    def store_id(self) -> str:
        return self._leadership.store_id

    @property
    def term(self) -> int:
        return self._leadership.term

    def take_token(self) -> int:
        token = self._leadership.next_token
        self._leadership.next_token += 1
        return token

    def take_queue_number(self) -> int:
        number = self._leadership.next_queue_number
        self._leadership.next_queue_number += 1
        return number

    def commit(self, writes: WriteSet) -> None:
        self._leadership.commit(writes)

    def check_room(self) -> None:
        self._leadership.check_room()

    def load(self) -> Recovered:
        with self._database.read() as connection:
            return recovery.load(connection)

    def plan(self, run_id: str) -> RunPlan:
        with self._database.read() as connection:
            return runs.plan(connection, run_id)

    def run(self, run_id: str) -> RunRow | None:
        with self._database.read() as connection:
            return runs.get(connection, run_id)

    def find_request(self, request_id: str) -> str | None:
        found = self._database.ask(runs.FIND_REQUEST, {"request_id": request_id})
        return found[0][0] if found else None

    def data_versions(self, nodes: Sequence[str]) -> Mapping[str, str]:
        with self._database.read() as connection:
            rows = assets.some(connection, nodes)
        return {key: row.last_data_version for key, row in rows.items() if row.last_data_version is not None}

    def last_made(self, node: str) -> tuple[int, str] | None:
        with self._database.read() as connection:
            row = assets.get(connection, node)
        return (row.last_token, row.last_run_id) if row is not None and row.last_run_id and row.last_token else None

    def dynamic_keys(self, name: str, limit: int) -> Sequence[str]:
        with self._database.read() as connection:
            return partitions.keys_after(connection, name, "", limit)

    def backfill(self, backfill_id: str) -> BackfillRow | None:
        with self._database.read() as connection:
            return backfills.get(connection, backfill_id)

    def find_backfill(self, request_id: str) -> BackfillRow | None:
        with self._database.read() as connection:
            backfill_id = backfills.find_request(connection, request_id)
            return backfills.get(connection, backfill_id) if backfill_id is not None else None
