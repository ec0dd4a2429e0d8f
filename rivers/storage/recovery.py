"""What a scheduler loads when it starts, and whenever it rebuilds its indexes: all that is unfinished."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.states import RunOwner, RunState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import RunPlan
from rivers.storage import attempts, backfill_units, backfills, events, locations, plans, runs, steps
from rivers.storage.backfill_rows import BackfillRow, UnitRow
from rivers.storage.events import Mark
from rivers.storage.rows import LocationRow, RunRow

_OWNER = int(RunOwner.SCHEDULER)
_STARTED = [int(RunState.STARTED), int(RunState.CANCELING)]


@dataclass(frozen=True, slots=True)
class Recovered:
    """Unfinished runs of the scheduler; plans and moved steps of the started ones, by run; attempts that may count.

    Those are the live ones, and lost ones that nobody has superseded (A10). A queued run's plan is read when it starts.
    Of unfinished backfills it holds what is pinned, the units that have not ended, and what their runs have marked.
    """

    runs: list[RunRow]
    plans: dict[str, RunPlan]
    steps: dict[str, list[StepProgress]]
    attempts: list[Attempt]
    locations: list[LocationRow]
    backfills: list[BackfillRow] = field(default_factory=list)
    units: list[UnitRow] = field(default_factory=list)
    pinned: dict[str, PinnedBackfill] = field(default_factory=dict)
    marks: dict[str, list[Mark]] = field(default_factory=dict)


def load(connection: Connection) -> Recovered:
    """All of it, as of one moment."""
    unfinished = backfills.unfinished(connection, RunOwner.SCHEDULER)
    return Recovered(
        runs=runs.unfinished(connection, RunOwner.SCHEDULER),
        plans=plans.of_runs(connection, states=_STARTED, owner=_OWNER),
        steps=steps.of_runs(connection, states=_STARTED, owner=_OWNER),
        attempts=[
            *attempts.live(connection, owner=_OWNER),
            *attempts.lost(connection, states=_STARTED, owner=_OWNER),
        ],
        locations=locations.all(connection),
        backfills=unfinished,
        units=backfill_units.open_units(connection, RunOwner.SCHEDULER),
        marks=events.marks(connection, states=_STARTED, owner=_OWNER),
        pinned={row.backfill_id: backfills.pinned(connection, row.backfill_id) for row in unfinished},
    )
