"""All links, and the transport that carries the core's effects."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

from rivers.credentials.caller import Caller
from rivers.definitions.snapshot import Snapshot
from rivers_server.core.inputs import Message
from rivers_server.core.outbox import Outbox
from rivers_server.links.link import Link, LinkStatus, SessionNumbers
from rivers_server.watch import Watches


class Exchange:
    """Keeps a link per location, and lets the effects of a batch go on the event loop.

    `deliver` and `settle` are called by the core's thread, which settles before it decides anything: no row changes
    while effects are carried, and the messages that these cause join the next batch.
    """

    def __init__(self, watches: Watches, beat_interval: timedelta, caller: Caller) -> None:
        self.links: dict[str, Link] = {}
        self._watches = watches
        self._beat_interval = beat_interval
        self._caller = caller
        self._sessions = SessionNumbers()
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._delivered = threading.Event()
        self._delivered.set()
        self._store_id, self._term = "", 0
        self._put: Callable[[Message], None] = lambda message: None
        self._backlog_of: Callable[[str], int] = lambda name: 0
        self._snapshot_of: Callable[[str], Snapshot | None] = lambda name: None
        self._closing: set[asyncio.Task[None]] = set()
        self._is_open = True

    def connect(
        self,
        *,
        store_id: str,
        term: int,
        put: Callable[[Message], None],
        backlog_of: Callable[[str], int],
        snapshot_of: Callable[[str], Snapshot | None],
    ) -> None:
        """Says whom the links speak for, and to whom they report."""
        self._store_id, self._term, self._put = store_id, term, put
        self._backlog_of, self._snapshot_of = backlog_of, snapshot_of

    def deliver(self, outbox: Outbox) -> None:
        """Carries all of it, in order, as soon as the loop gets to it."""
        if not self._is_open:
            return
        if threading.get_ident() == self._loop_thread:
            self._carry(outbox)
            return
        self.settle()
        self._delivered.clear()
        self._loop.call_soon_threadsafe(self._carry, outbox)

    def settle(self) -> None:
        """Waits until the loop has carried everything, or carries nothing any more."""
        while not self._delivered.is_set() and not self._delivered.wait(1.0):
            if not self._is_open:
                return

    def status(self, name: str) -> LinkStatus:
        """How the link to a location is."""
        link = self.links.get(name)
        return link.status if link is not None else LinkStatus()

    async def close(self) -> None:
        """Hangs up everywhere. What locations have with them goes on without us."""
        self._is_open = False
        for link in list(self.links.values()):
            await link.close()
        self.links.clear()

    def _carry(self, outbox: Outbox) -> None:
        try:
            outbox.deliver_replies()
            for (name, session), commands in outbox.commands.items():
                if (link := self.links.get(name)) is not None:
                    link.send(session, commands)
            for name, session, reason in outbox.closed:
                if (link := self.links.get(name)) is not None:
                    link.drop(session, reason)
            for name in outbox.hang_up:
                self._hang_up(name)
            for name, address, home_id, boot in outbox.dial:
                self._dial(name, address, home_id, boot)
            self._watches.notify(outbox.changed_runs.items())
            self._watches.notify(outbox.changed_backfills.items())
        finally:
            self._delivered.set()

    def _dial(self, name: str, address: str, home_id: str, boot: int) -> None:
        link = self.links.get(name)
        if link is not None:
            link.announce(address, home_id, boot)
            return
        self.links[name] = Link(
            name,
            address,
            store_id=self._store_id,
            term=self._term,
            beat_interval=self._beat_interval,
            sessions=self._sessions,
            put=self._put,
            backlog=lambda: self._backlog_of(name),
            known_snapshot=lambda: self._snapshot_of(name),
            caller=self._caller.to_location(name),
        )

    def _hang_up(self, name: str) -> None:
        link = self.links.pop(name, None)
        if link is not None:
            task = self._loop.create_task(link.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
