"""An outage: the database is gone, locked or full, and what that means for everybody until it is back (W10).

Nothing is decided meanwhile. Callers are refused with the cause. Reports are neither kept nor acknowledged: they are in
the locations' spools, and a session that brought some is closed once the database is back, so that they come again.
Sessions stay open until then and their beats are answered, so leases hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from rivers.errors import StorageUnavailableError
from rivers.storage.faults import StaleWriteError
from rivers.storage.rows import WriteSet
from rivers_server.core import sessions
from rivers_server.core.inputs import Beaten, Explain, Message, Reported, SessionClosed, SnapshotRead
from rivers_server.core.outbox import Outbox

if TYPE_CHECKING:
    from rivers_server.core.core import Core

log = structlog.get_logger()

#: Seconds between two attempts to use the database (D4); a connection that was cut is there again much sooner.
FIRST_RETRY, LATER_RETRIES = 0.1, 1.0


class Outage:
    """What is remembered of an outage: its cause, when to try again, and the sessions whose reports were not taken.

    Patience with silent locations is not counted meanwhile: `awake` stands still (A7). `is_again` says that nothing was
    written since the last one: the database was not really back.
    """

    def __init__(self, core: Core, error: StorageUnavailableError, *, is_again: bool = False) -> None:
        self.error = error
        self.awake = core.awake
        self.began = self.retry_at = core.clock.monotonic()
        self.missed: dict[str, int] = {}
        self._pause = LATER_RETRIES if is_again else FIRST_RETRY
        log.error("database_unavailable", error=str(error))

    def fail(self, core: Core, error: StorageUnavailableError) -> None:
        """The database was tried and cannot be used."""
        self.error = error
        self.retry_at = core.clock.monotonic() + self._pause
        self._pause = LATER_RETRIES
        core.awake = self.awake

    def refuse(self, core: Core, messages: Sequence[Message]) -> None:
        """Answers what can be answered without rows; everything else is refused or left to the spools."""
        outbox = Outbox()
        for message in messages:
            match message:
                case Reported():
                    self.missed[message.location] = message.session
                case Beaten() if not _has(core, message.location, message.session):
                    self.missed[message.location] = message.session
                case SessionClosed():
                    sessions.note_closed(core, message)
                case Explain():
                    outbox.answer(message.reply, dict.fromkeys(message.run_ids, str(self.error)))
                case SnapshotRead() if _is_known(core, message):
                    outbox.answer(message.reply, None)
                case _ if (reply := getattr(message, "reply", None)) is not None:
                    outbox.refuse(reply, self.error)
        core.transport.deliver(outbox)

    def end(self, core: Core) -> None:
        """Raises `StorageUnavailableError` unless the database can be written again and every index is made from it."""
        with suppress(StaleWriteError):  # a commit happened after all, after it was asked for (W6): rows have it
            core.store.commit(WriteSet())
        core.store.check_room()
        core.rebuild()
        core.skip_time()
        outbox = Outbox()
        for location, session in self.missed.items():
            outbox.closed.append((location, session, "the database is back: what was reported meanwhile, again"))
            if _has(core, location, session):
                core.state.replicas[location].detach()
                core.state.replicas[location].heard_awake = core.awake
        core.transport.deliver(outbox)
        log.warning("database_available", seconds=round(core.clock.monotonic() - self.began, 1))


def _has(core: Core, location: str, session: int) -> bool:
    """Whether it is this location's session: one that the batch that failed was to close is closed afterwards."""
    replica = core.state.replicas.get(location)
    return replica is not None and replica.session == session


def _is_known(core: Core, message: SnapshotRead) -> bool:
    replica = core.state.replicas.get(message.location)
    return replica is not None and replica.snapshot is not None and replica.snapshot.digest == message.snapshot.digest
