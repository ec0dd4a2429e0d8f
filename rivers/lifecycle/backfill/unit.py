"""The life of a unit of a backfill: its row and its transition table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rivers.lifecycle.backfill.states import UnitReason, UnitState
from rivers.lifecycle.table import Table


@dataclass(slots=True)
class UnitProgress:
    """A unit that something happened to.

    `remaining` counts the upstream units that have not ended, `failed` its partitions that failed; `marked` holds, when
    only some did, their places within the unit.
    """

    segment: int
    unit: int
    size: int
    state: UnitState = UnitState.UNDRAWN
    remaining: int = 0
    failed: int = 0
    reason: UnitReason = UnitReason.NONE
    marked: tuple[int, ...] = ()
    has_run: bool = False


class UnitEvent(StrEnum):
    """What can happen to a unit."""

    BLOCK = "block"
    BECOME_READY = "become ready"
    DRAW = "draw"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"


def _block(unit: UnitProgress, remaining: int) -> None:
    """The first unit that it depends on has ended, and others have not."""
    unit.remaining = remaining


def _become_ready(unit: UnitProgress) -> None:
    """All that it depends on has ended well."""


def _draw(unit: UnitProgress) -> None:
    """A place of the backfill is free: it gets a run."""
    unit.has_run = True


def _complete(unit: UnitProgress, marked: Sequence[int] = ()) -> None:
    """Its run succeeded; partitions that the function marked as failed count as failed."""
    unit.marked = tuple(marked)
    unit.failed = len(unit.marked)


def _fail(unit: UnitProgress, reason: UnitReason = UnitReason.NONE) -> None:
    """Its run failed, or what it depends on did: all of its partitions count as failed."""
    unit.reason = reason
    unit.failed = unit.size


def _cancel(unit: UnitProgress, reason: UnitReason = UnitReason.NONE) -> None:
    """Its run was canceled, what it depends on was, or its partitions exist no more."""
    unit.reason = reason
    if reason != UnitReason.NONE:
        unit.has_run = False


_S, _E = UnitState, UnitEvent

UNIT = Table(
    "unit of a backfill",
    UnitState.UNDRAWN,
    {
        (_S.UNDRAWN, _E.BLOCK): (_S.BLOCKED, _block),
        (_S.UNDRAWN, _E.DRAW): (_S.DRAWN, _draw),
        (_S.UNDRAWN, _E.FAIL): (_S.FAILED, _fail),
        (_S.UNDRAWN, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.BLOCKED, _E.BECOME_READY): (_S.READY, _become_ready),
        (_S.BLOCKED, _E.FAIL): (_S.FAILED, _fail),
        (_S.BLOCKED, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.READY, _E.DRAW): (_S.DRAWN, _draw),
        (_S.READY, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.DRAWN, _E.COMPLETE): (_S.COMPLETED, _complete),
        (_S.DRAWN, _E.FAIL): (_S.FAILED, _fail),
        (_S.DRAWN, _E.CANCEL): (_S.CANCELED, _cancel),
    },
)
