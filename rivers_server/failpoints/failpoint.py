"""Failpoints: the scheduler kills itself at a named moment, so that tests can start it again from there.

`RIVERS_FAILPOINT="ended.before_commit:2"` ends the process with SIGKILL the second time that a batch with the end of an
attempt is about to be committed. Without the variable nothing of this is in the way: the composition root puts the
failing store and transport in place only when it is set. A wheel has none of this: there are failpoints only where
rivers is installed from its sources, as for its tests.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum

from rivers.errors import ConfigurationError
from rivers.storage.rows import WriteSet
from rivers_server.core.commands import Adopt
from rivers_server.core.outbox import Outbox
from rivers_server.failpoints.transition import Reading, Transition
from rivers_server.settings import FAILPOINT_VARIABLE


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
        self._reading = Reading()
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
                f"{FAILPOINT_VARIABLE}={text!r}: write transition.moment:n with a transition of "
                f"{', '.join(Transition)}, "
                f"a moment of {', '.join(Moment)} and n from 1",
                field=FAILPOINT_VARIABLE,
            ) from None

    def commits(self, writes: WriteSet) -> None:
        """A batch is about to be committed."""
        self._committed = self._reading.transitions(writes)
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
