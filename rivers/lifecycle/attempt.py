"""The life of an attempt: the right, held by a token, to run one step once."""

from __future__ import annotations

from enum import StrEnum

from rivers.lifecycle.states import AttemptOutcome, AttemptState
from rivers.lifecycle.table import Table


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    START = "start"
    STOP = "stop"
    FENCE = "fence"
    END = "end"
    CORRECT = "correct"


class Attempt:
    """One attempt. It binds one boot of one replica; `ingested` is its last committed event.

    `is_stopping` says that it was asked to end, `is_fencing` that its token counts no more while it may still run. Both
    follow from the rows of its run and step, and have none of their own.
    """

    __slots__ = (
        "boot",
        "home_id",
        "ingested",
        "is_fencing",
        "is_home",
        "is_stopping",
        "lease",
        "location",
        "number",
        "ordinal",
        "outcome",
        "run_id",
        "state",
        "token",
    )

    def __init__(
        self,
        *,
        token: int,
        run_id: str,
        ordinal: int,
        number: int,
        location: str,
        home_id: str,
        boot: int,
        lease: float,
        is_home: bool = False,
    ) -> None:
        self.token = token
        self.run_id = run_id
        self.ordinal = ordinal
        self.number = number
        self.location = location
        self.home_id = home_id
        self.boot = boot
        self.lease = lease
        self.is_home = is_home
        self.state = AttemptState.ASSIGNED
        self.outcome: AttemptOutcome | None = None
        self.ingested = 0
        self.is_stopping = False
        self.is_fencing = False

    def __repr__(self) -> str:
        return f"{self.token} (run {self.run_id}, step {self.ordinal})"


def _start(attempt: Attempt) -> None:
    """The location says that the body runs."""


def _stop(attempt: Attempt) -> None:
    """It is asked to end; a result still counts (A14)."""
    attempt.is_stopping = True


def _fence(attempt: Attempt) -> None:
    """Nothing from it counts any more. It keeps its place until its end is proven (A12, A13)."""
    attempt.is_fencing = True


def _end(attempt: Attempt, outcome: AttemptOutcome) -> None:
    """Its end is proven: by its last event, by a higher boot of its home, or by patience run out."""
    attempt.outcome = outcome


def _correct(attempt: Attempt, outcome: AttemptOutcome) -> None:
    """It was called lost, nobody superseded it, and its result arrived after all (A10)."""
    attempt.outcome = outcome


ATTEMPT = Table(
    "attempt",
    AttemptState.ASSIGNED,
    {
        (AttemptState.ASSIGNED, AttemptEvent.START): (AttemptState.RUNNING, _start),
        (AttemptState.ASSIGNED, AttemptEvent.STOP): (AttemptState.ASSIGNED, _stop),
        (AttemptState.ASSIGNED, AttemptEvent.FENCE): (AttemptState.ASSIGNED, _fence),
        (AttemptState.ASSIGNED, AttemptEvent.END): (AttemptState.ENDED, _end),
        (AttemptState.RUNNING, AttemptEvent.STOP): (AttemptState.RUNNING, _stop),
        (AttemptState.RUNNING, AttemptEvent.FENCE): (AttemptState.RUNNING, _fence),
        (AttemptState.RUNNING, AttemptEvent.END): (AttemptState.ENDED, _end),
        (AttemptState.ENDED, AttemptEvent.CORRECT): (AttemptState.ENDED, _correct),
    },
)
