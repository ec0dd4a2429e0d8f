"""Backfills in a world on a virtual clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rivers.definitions.kinds import HandlerKind, StepKind
from rivers.definitions.snapshot import EdgeDefinition, OutputDefinition, StepDefinition
from rivers.lifecycle.backfill.build import build_backfill
from rivers.lifecycle.backfill.selection import Wanted
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.states import AttemptOutcome
from rivers.partitions.definition import PartitionsDefinition
from rivers.storage import backfill_units, backfills
from rivers.storage.backfill_rows import BackfillRow, UnitRow
from rivers.wire.backfill_plans import encode_backfill_plan
from rivers_server.core.inputs import CreateBackfill, Tick
from tests.unit.server.world import Answer, Location, World

NOW = datetime(2024, 6, 15, 12).astimezone()
DAILY = PartitionsDefinition.daily(datetime(2024, 1, 1), datetime(2024, 5, 1))
MONTHLY = PartitionsDefinition.time_window(datetime(2024, 1, 1), "0 0 1 * *", end=datetime(2024, 5, 1), fmt="%Y-%m")


def step(name: str, partitions: Any = DAILY, **upstreams: Any) -> StepDefinition:
    """A partitioned asset, whose values others can load; upstreams with their mappings."""
    edges = tuple(EdgeDefinition(upstream, upstream, mapping=mapping) for upstream, mapping in upstreams.items())
    output = OutputDefinition(name, partitions=partitions, handler=HandlerKind.SHARED)
    return StepDefinition(name, StepKind.ASSET, (output,), edges)


def create(
    world: World,
    wanted: Wanted | None = None,
    *,
    location: str = "weather",
    max_concurrency: int = 4,
    policy: FailurePolicy = FailurePolicy.CONTINUE,
    registered: Mapping[str, Sequence[str]] | None = None,
    **fields: Any,
) -> str:
    """Makes a backfill of everything that a location has, and returns its id."""
    snapshot = world.snapshots[location]
    pinned = build_backfill(
        snapshot,
        None,
        wanted or Wanted(all=True),
        now=NOW,
        registered=registered,
        max_concurrency=max_concurrency,
        policy=policy,
    )
    row = BackfillRow(
        "",
        location,
        pinned.nodes,
        fields.pop("tags", ()),
        0,
        pinned.plan.partitions,
        pinned.plan.units,
        max_concurrency=max_concurrency,
        failure_policy=policy,
        digest=snapshot.digest,
        **fields,
    )
    answer = Answer()
    world.put(CreateBackfill(row, pinned, encode_backfill_plan(pinned).SerializeToString(), answer))
    if answer.error is not None:
        raise answer.error
    made: BackfillRow = answer.result[0]
    return made.backfill_id


def ask(world: World, message: Any, *details: Any) -> BackfillRow:
    """Asks something of a backfill."""
    answer = Answer()
    world.put(message(*details, answer))
    if answer.error is not None:
        raise answer.error
    row: BackfillRow = answer.result
    return row


def read(world: World, backfill_id: str) -> BackfillRow:
    """The backfill as its row says."""
    with world.database.read() as connection:
        row = backfills.get(connection, backfill_id)
    assert row is not None
    return row


def units(world: World, backfill_id: str) -> list[UnitRow]:
    """The units that something happened to."""
    with world.database.read() as connection:
        return backfill_units.page(connection, backfill_id, limit=100_000)


def work(world: World, location: Location, backfill_id: str, most: int = 10_000) -> None:
    """Bodies run, a few at a time, until the backfill is over or nothing runs any more."""
    for _ in range(most):
        settle(world)
        if read(world, backfill_id).status.is_terminal or not location.held:
            return
        location.start_all()
        item = next(iter(location.held.values()))
        location.end(item, AttemptOutcome.SUCCEEDED)


def settle(world: World) -> None:
    """Whatever the core wants to do at once is done."""
    while world.core.next_due() == 0.0 and world.core.state.stirred:
        world.put(Tick())
