"""What an assignment tells a step of the keys of dynamic definitions; after every batch the indexes equal the rows."""

from __future__ import annotations

import pytest

from rivers.definitions.kinds import HandlerKind, StepKind
from rivers.definitions.snapshot import OutputDefinition, Snapshot, StepDefinition
from rivers.errors import StorageError
from rivers.lifecycle.backfill.selection import Wanted
from rivers.lifecycle.states import AttemptOutcome, RunState
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey
from rivers.partitions.mapping import PartitionMapping
from rivers.storage import backfills, partitions, runs
from rivers_server.core import dynamic_partitions
from rivers_server.core.inputs import ChangePartitions, Reported
from rivers_server.core.reports import PartitionsChanged
from tests.unit.server.backfills import create, step
from tests.unit.server.world import Answer, Location, World

DAYS = PartitionsDefinition.static_(["mon", "tue"])
CELLS = PartitionsDefinition.multi({"day": DAYS, "shop": PartitionsDefinition.dynamic("shops")})
ALL = PartitionMapping.multi({"day": PartitionMapping.all_partitions(), "shop": PartitionMapping.all_partitions()})
STOCK = StepDefinition(
    "stock", StepKind.EXTERNAL_ASSET, (OutputDefinition("stock", partitions=CELLS, handler=HandlerKind.SHARED),),
    is_runnable=False,
)  # fmt: skip


def changing(world: World, *keys: str, added: bool = True) -> ChangePartitions:
    return ChangePartitions("shops", keys, added, Answer())


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def location(world: World) -> Location:
    """`report` has no partitions and reads every key."""
    return world.add_location("team", Snapshot((STOCK, step("report", None, stock=ALL))), places=1)


def told(location: Location) -> list[object]:
    return [None if item.assign.registered is None else dict(item.assign.registered) for item in location.held.values()]


def test_a_step_is_told_the_keys_that_there_are_when_it_is_sent(world: World, location: Location) -> None:
    world.put(changing(world, "b", "a"))
    world.submit("team", None)
    assert told(location) == [{"shops": ["a", "b"]}]
    waiting = world.submit("team", None)
    world.put(changing(world, "c"), changing(world, "a", added=False))
    location.start_all()
    location.end_all()
    assert told(location) == [{"shops": ["b", "c"]}]
    location.work()
    assert world.state_of(waiting) == RunState.SUCCEEDED


def test_a_change_that_is_decided_together_with_the_run_counts(world: World, location: Location) -> None:
    world.submit("team", None)
    world.submit("team", None)
    location.start_all()
    (item,) = location.held.values()
    session, location.session = location.session, 0
    location.end(item, AttemptOutcome.SUCCEEDED)
    location.session = session
    world.put(changing(world, "new"), Reported("team", session, item.spool[1:]))
    assert told(location) == [{"shops": ["new"]}]


def test_W3_what_was_not_committed_is_not_told(world: World, location: Location) -> None:
    world.put(changing(world, "a"))
    world.submit("team", None)
    location.start_all()
    (item,) = location.held.values()
    session, location.session = location.session, 0
    location.end(item, AttemptOutcome.SUCCEEDED)
    location.session = session
    world.submit("team", None)
    refused = changing(world, "b")
    world.fail_next_commit = StorageError("the disk is full")
    world.put(refused)
    assert isinstance(refused.reply, Answer)
    assert refused.reply.error is not None
    world.put(Reported("team", session, item.spool[1:]))
    assert told(location) == [{"shops": ["a"]}]


def test_an_assignment_is_the_same_after_a_crash(world: World, location: Location) -> None:
    world.put(changing(world, "a"))
    location.cut()
    run_id = world.submit("team", None)
    location.attach()
    location.held.clear()  # it never came
    world.crash()
    assert told(location) == [{"shops": ["a"]}]
    location.work()
    assert world.state_of(run_id) == RunState.SUCCEEDED


def test_steps_that_need_no_keys_are_told_none(world: World) -> None:
    location = world.add_location("team", Snapshot((step("stock", CELLS),)))
    world.put(changing(world, "a"))
    world.submit("team", None)
    assert told(location) == [None]


@pytest.mark.parametrize(("most_keys", "most_bytes"), [(1, 1 << 20), (10, 3)])
def test_more_than_an_assignment_holds_fails_the_step(
    monkeypatch: pytest.MonkeyPatch, world: World, location: Location, most_keys: int, most_bytes: int
) -> None:
    monkeypatch.setattr(dynamic_partitions, "MOST_KEYS", most_keys)
    monkeypatch.setattr(dynamic_partitions, "MOST_BYTES", most_bytes)
    world.put(changing(world, "aa", "bb"))
    run_id = world.submit("team", None)
    assert world.state_of(run_id) == RunState.FAILED
    assert not location.bodies
    with world.database.read() as connection:
        row = runs.get(connection, run_id)
    assert row is not None
    assert row.failure is not None
    assert "the step reads every key of the dynamic partitions 'shops'" in row.failure.message


def test_B1_runs_of_a_backfill_are_told_the_keys_that_it_pinned(world: World) -> None:
    mapping = PartitionMapping.multi_to_single("day")
    location = world.add_location("team", Snapshot((STOCK, step("daily", DAYS, stock=mapping))), places=1)
    world.put(changing(world, "a"))
    backfill_id = create(world, Wanted(keys=[PartitionKey.single("mon"), PartitionKey.single("tue")]), location="team",
                         registered={"shops": ["a"]})  # fmt: skip
    world.put(changing(world, "b"))
    world.submit("team", None)  # of no backfill
    seen = []
    while location.held:
        seen += told(location)
        location.start_all()
        location.end_all()
        world.crash()
    assert seen == [{"shops": ["a"]}, {"shops": ["a"]}, {"shops": ["a", "b"]}]
    with world.database.read() as connection:
        assert backfills.pinned_keys(connection, backfill_id) == {"shops": ["a"]}


def stored(world: World) -> list[str]:
    with world.database.read() as connection:
        return partitions.keys(connection, "shops")


def test_A10_keys_that_a_step_changes_count_as_long_as_its_attempt_does(world: World, location: Location) -> None:
    world.put(changing(world, "old"))
    world.submit("team", None)
    location.start_all()
    (item,) = location.held.values()
    location._say(item, PartitionsChanged("shops", ("new",), is_added=True))
    location._say(item, PartitionsChanged("shops", ("old",), is_added=False))
    assert stored(world) == ["new"]
    world.crash()
    assert stored(world) == ["new"]
    waiting = world.submit("team", None)
    location.end_all()
    assert told(location) == [{"shops": ["new"]}]
    (item,) = location.held.values()
    location.start_all()
    location.restart()  # the attempt is lost, and another one takes its place
    location.attach()
    location.start_all()
    assert len([held for held in location.held.values() if not held.is_ended]) >= 1
    location._say(item, PartitionsChanged("shops", ("late",), is_added=True))
    assert stored(world) == ["new"]
    location.work()
    assert world.state_of(waiting) == RunState.SUCCEEDED
