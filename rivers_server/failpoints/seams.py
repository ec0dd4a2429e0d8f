"""Store and transport of a scheduler that dies at a failpoint."""

from __future__ import annotations

from rivers.storage.database import Database
from rivers.storage.leadership import Leadership
from rivers.storage.rows import WriteSet
from rivers_server.core.outbox import Outbox, Transport
from rivers_server.core.store import DatabaseStore
from rivers_server.failpoints.failpoint import Failpoint


class FailingStore(DatabaseStore):
    """The real store, which passes a failpoint."""

    def __init__(self, database: Database, leadership: Leadership, failpoint: Failpoint) -> None:
        super().__init__(database, leadership)
        self._failpoint = failpoint

    def commit(self, writes: WriteSet) -> None:
        self._failpoint.commits(writes)
        super().commit(writes)


class FailingTransport:
    """A transport that passes a failpoint."""

    def __init__(self, transport: Transport, failpoint: Failpoint) -> None:
        self._transport = transport
        self._failpoint = failpoint

    def deliver(self, outbox: Outbox) -> None:
        moved = self._failpoint.delivers(outbox)
        self._transport.deliver(outbox)
        self._transport.settle()
        self._failpoint.delivered(moved)

    def settle(self) -> None:
        self._transport.settle()
