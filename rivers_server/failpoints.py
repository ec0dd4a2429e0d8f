"""Failpoints: the scheduler kills itself at a named moment, so that tests can start it again from there.

`RIVERS_FAILPOINT="ended.before_commit:2"` ends the process with SIGKILL the second time that a batch with the end of an
attempt is about to be committed. Without the variable nothing of this is in the way: the composition root puts the
failing store and transport in place only when it is set.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from enum import StrEnum

from rivers.errors import ConfigurationError
from rivers.lifecycle.states import AttemptState, EventType
from rivers.storage.database import Database
from rivers.storage.leadership import Leadership
from rivers.storage.rows import WriteSet
from rivers_server.core.commands import Adopt
from rivers_server.core.outbox import Outbox, Transport
from rivers_server.core.store import DatabaseStore

VARIABLE = "RIVERS_FAILPOINT"


class Transition(StrEnum):
    """What a batch moves. One batch may move several; `batch` is any."""

    BATCH = "batch"
    SUBMIT = "submit"
    ADMIT = "admit"
    DISPATCH = "dispatch"
    STARTED = "started"
    OUTPUT = "output"
    ENDED = "ended"
    RUN_END = "run_end"
    CANCEL = "cancel"
    ADOPT = "adopt"


class Moment(StrEnum):
    """Where in a batch: decided and not written, written and nothing said, said. An adoption may write nothing."""

    BEFORE_COMMIT = "before_commit"
    BEFORE_DELIVERY = "before_delivery"
    AFTER_DELIVERY = "after_delivery"


class Failpoint:
    """The one moment at which this process dies."""

    def __init__(self, transition: Transition, moment: Moment, count: int = 1) -> None:
        self.transition = transition
        self.moment = moment
        self._left = count
        self._committed: set[Transition] = set()

    @classmethod
    def parse(cls, text: str) -> Failpoint:
        """From `transition.moment`, or `transition.moment:n` for the n-th time."""
        name, _, count = text.partition(":")
        transition, _, moment = name.partition(".")
        try:
            number = int(count or "1")
            if number < 1:
                raise ValueError(text)
            return cls(Transition(transition), Moment(moment), number)
        except ValueError:
            raise ConfigurationError(
                f"{VARIABLE}={text!r}: write transition.moment:n with a transition of {', '.join(Transition)}, "
                f"a moment of {', '.join(Moment)} and n from 1",
                field=VARIABLE,
            ) from None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Failpoint | None:
        """What the variable asks for; `None` when it is not set."""
        text = environment.get(VARIABLE)
        return cls.parse(text) if text else None

    def commits(self, writes: WriteSet) -> None:
        """A batch is about to be committed."""
        self._committed = transitions(writes)
        self._reach(Moment.BEFORE_COMMIT, self._committed)

    def delivers(self, outbox: Outbox) -> set[Transition]:
        """The effects of a batch are about to leave; returns what it moved."""
        moved, self._committed = self._committed, set()
        if any(isinstance(command, Adopt) for sent in outbox.commands.values() for command in sent):
            moved.add(Transition.ADOPT)
        self._reach(Moment.BEFORE_DELIVERY, moved)
        return moved

    def delivered(self, moved: set[Transition]) -> None:
        """The effects of a batch have left."""
        self._reach(Moment.AFTER_DELIVERY, moved)

    def _reach(self, moment: Moment, moved: set[Transition]) -> None:
        if moment == self.moment and self.transition in moved:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


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


def transitions(writes: WriteSet) -> set[Transition]:
    """What a batch moves, as its rows tell."""
    types = {row.event.type for row in writes.events}
    attempts = writes.attempts.values()
    happened = {
        Transition.BATCH: True,
        Transition.SUBMIT: bool(writes.new_runs),
        Transition.ADMIT: EventType.RUN_DEQUEUED in types,
        Transition.DISPATCH: any(a.state == AttemptState.ASSIGNED and not a.ingested for a in attempts),
        Transition.STARTED: EventType.STEP_STARTED in types,
        Transition.OUTPUT: bool(writes.logs) or EventType.MATERIALIZED in types,
        Transition.ENDED: any(a.state == AttemptState.ENDED for a in attempts),
        Transition.RUN_END: any(row.state.is_terminal for row in writes.changed_runs.values()),
        Transition.CANCEL: EventType.RUN_CANCEL_REQUESTED in types,
    }
    return {transition for transition, is_so in happened.items() if is_so}
