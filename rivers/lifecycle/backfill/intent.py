"""What is wanted of a backfill: the transition table of its intent."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rivers.lifecycle.backfill.states import BackfillIntent
from rivers.lifecycle.table import Table

if TYPE_CHECKING:
    from rivers.lifecycle.backfill.progress import BackfillProgress


class BackfillVerb(StrEnum):
    """What can be asked of a backfill."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    CANCEL = "cancel"


def _pause(backfill: BackfillProgress, reason: str = "") -> None:
    """Nothing more is drawn and queued runs are held; runs that have started finish."""
    backfill.reason = reason


def _resume(backfill: BackfillProgress, reason: str = "") -> None:
    """It goes on where it was."""
    backfill.reason = ""


def _stop(backfill: BackfillProgress, reason: str = "") -> None:
    """A run failed and the policy is to stop: nothing more is drawn, runs that are drawn finish."""
    backfill.reason = reason


def _cancel(backfill: BackfillProgress, reason: str = "") -> None:
    """Somebody asked for it: nothing more is drawn, and runs that are drawn are canceled."""
    backfill.reason = reason


_I, _V = BackfillIntent, BackfillVerb

INTENT = Table(
    "intent of a backfill",
    BackfillIntent.RUN,
    {
        (_I.RUN, _V.PAUSE): (_I.PAUSE, _pause),
        (_I.RUN, _V.STOP): (_I.STOP, _stop),
        (_I.RUN, _V.CANCEL): (_I.CANCEL, _cancel),
        (_I.PAUSE, _V.PAUSE): (_I.PAUSE, _pause),
        (_I.PAUSE, _V.RESUME): (_I.RUN, _resume),
        (_I.PAUSE, _V.STOP): (_I.STOP, _stop),
        (_I.PAUSE, _V.CANCEL): (_I.CANCEL, _cancel),
        (_I.STOP, _V.CANCEL): (_I.CANCEL, _cancel),
    },
)
