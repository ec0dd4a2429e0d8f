"""The life of a run: its transition table."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rivers.lifecycle.states import RunState
from rivers.lifecycle.table import Table

if TYPE_CHECKING:
    from rivers.lifecycle.events import Failure
    from rivers.lifecycle.progress import RunProgress


class RunVerb(StrEnum):
    """What can happen to a run."""

    DEQUEUE = "dequeue"
    ADMIT = "admit"
    CANCEL = "cancel"
    SUCCEED = "succeed"
    FAIL = "fail"
    END_CANCELED = "end canceled"


def _dequeue(run: RunProgress) -> None:
    """It was given a place, and waits for whoever executes it; a scheduler does both at once."""


def _admit(run: RunProgress) -> None:
    """A place is free and every gate is open."""


def _cancel(run: RunProgress) -> None:
    """Somebody asked for it: no new attempts, no retries."""


def _succeed(run: RunProgress) -> None:
    """Every step succeeded."""


def _fail(run: RunProgress, failure: Failure | None) -> None:
    """A step failed, or the run cannot go on; none of its attempts is live."""
    run.failure = failure


def _end_canceled(run: RunProgress) -> None:
    """It was canceled, and none of its attempts is live."""


_S, _V = RunState, RunVerb

RUN = Table(
    "run",
    RunState.QUEUED,
    {
        (_S.QUEUED, _V.ADMIT): (_S.STARTED, _admit),
        (_S.QUEUED, _V.FAIL): (_S.FAILED, _fail),
        (_S.QUEUED, _V.END_CANCELED): (_S.CANCELED, _end_canceled),
        (_S.QUEUED, _V.DEQUEUE): (_S.DEQUEUED, _dequeue),
        (_S.DEQUEUED, _V.ADMIT): (_S.STARTED, _admit),
        (_S.DEQUEUED, _V.FAIL): (_S.FAILED, _fail),
        (_S.DEQUEUED, _V.END_CANCELED): (_S.CANCELED, _end_canceled),
        (_S.STARTED, _V.CANCEL): (_S.CANCELING, _cancel),
        (_S.STARTED, _V.SUCCEED): (_S.SUCCEEDED, _succeed),
        (_S.STARTED, _V.FAIL): (_S.FAILED, _fail),
        (_S.CANCELING, _V.END_CANCELED): (_S.CANCELED, _end_canceled),
        (_S.CANCELING, _V.FAIL): (_S.FAILED, _fail),
    },
)
