"""What each leaf of a condition asks for."""

import pytest

import rivers as rs
from rivers.partitions.key import PartitionKey
from tests.unit.automation.world import World

C = rs.AutomationCondition
P, Q = PartitionKey.single("p"), PartitionKey.single("q")
WHOLE = {"a": frozenset({None})}


def world():
    return World({"up": [], "a": ["up"]})


def parted():
    return World({"up": [], "a": ["up"]}, {"up": (P, Q), "a": (P, Q)})


def fires(there, condition, **options):
    return "a" in there.sweep({"a": condition}, **options)


def test_missing_until_it_is_materialized():
    there = world()
    assert fires(there, C.missing())
    there.fail("a")
    assert fires(there, C.missing())
    there.run("a")
    assert not fires(there, C.missing())


def test_a_partition_that_failed_is_not_missing():
    there = parted()
    there.fail("a", P)
    assert there.sweep({"a": C.missing()}) == {"a": {Q}}
    there.run("a", cells=[Q])
    assert there.sweep({"a": C.missing()}) == {}


def test_in_progress():
    there = world()
    assert not fires(there, C.in_progress())
    there.running["a"] = frozenset({None})
    assert fires(there, C.in_progress())
    assert fires(there, C.in_flight())
    assert not fires(there, C.backfill_in_progress())


def test_backfill_in_progress():
    there = parted()
    there.covered["a"] = frozenset({Q})
    assert there.sweep({"a": C.backfill_in_progress()}) == {"a": {Q}}
    assert there.sweep({"a": C.in_flight()}) == {"a": {Q}}
    assert there.sweep({"a": ~C.in_flight()}) == {"a": {P}}


def test_execution_failed_until_it_succeeds():
    there = world()
    assert not fires(there, C.execution_failed())
    there.fail("a")
    assert fires(there, C.execution_failed())
    assert fires(there, C.execution_failed())
    there.run("a")
    assert not fires(there, C.execution_failed())


def test_newly_updated_since_the_previous_evaluation():
    there = world()
    there.run("a")
    assert not fires(there, C.newly_updated())
    there.run("a")
    assert fires(there, C.newly_updated())
    assert not fires(there, C.newly_updated())


def test_newly_requested_by_the_previous_evaluation():
    there = world()
    condition = C.missing() | C.newly_requested()
    assert fires(there, condition)
    there.run("a")
    assert fires(there, condition)
    assert fires(there, condition)
    assert not fires(there, C.missing() & C.missing())
    assert not fires(there, C.newly_requested())


def test_newly_requested_of_a_dependency():
    there = world()
    conditions = {"up": C.missing(), "a": C.any_deps_match(C.newly_requested())}
    assert set(there.sweep(conditions)) == {"up"}
    there.run("up")
    assert set(there.sweep(conditions)) == {"a"}
    assert there.sweep(conditions) == {}


def test_code_version_changed_until_it_is_materialized_again():
    there = world()
    there.declared["a"] = "1"
    assert not fires(there, C.code_version_changed())
    there.run("a")
    assert not fires(there, C.code_version_changed())
    there.declared["a"] = "2"
    assert fires(there, C.code_version_changed())
    assert fires(there, C.code_version_changed())
    there.run("a")
    assert not fires(there, C.code_version_changed())


def test_data_version_changed_since_the_previous_evaluation():
    there = world()
    there.run("a")
    assert not fires(there, C.data_version_changed())
    assert not fires(there, C.data_version_changed())
    there.run("a")
    assert fires(there, C.data_version_changed())
    there.run("a")
    there.versions["a"][None] = "same"
    assert fires(there, C.data_version_changed())
    there.run("a")
    there.versions["a"][None] = "same"
    assert not fires(there, C.data_version_changed())


def test_cron_tick_passed():
    there = world()
    tick = C.cron_tick_passed("* * * * *")
    assert not fires(there, tick, seconds=90)
    assert not fires(there, tick, seconds=10)
    assert fires(there, tick, seconds=20)
    assert not fires(there, tick, seconds=20)
    assert fires(there, tick, seconds=300)


def test_cron_tick_passed_in_a_time_zone():
    there = world()  # midnight, UTC
    tick = C.cron_tick_passed("0 0 * * *", timezone="Asia/Kolkata")
    assert not fires(there, tick)
    assert not fires(there, tick, seconds=18 * 3600)
    assert fires(there, tick, seconds=1800)


def test_in_latest_time_window():
    there = parted()
    there.windows["a"] = frozenset({Q})
    assert there.sweep({"a": C.in_latest_time_window()}) == {"a": {Q}}


def test_initial_evaluation_of_each_tree():
    there = world()
    assert fires(there, C.initial_evaluation())
    assert not fires(there, C.initial_evaluation())
    assert not fires(there, C.initial_evaluation().with_label("another name"))
    assert fires(there, C.initial_evaluation() & C.missing())
    assert not fires(there, C.initial_evaluation() & C.missing())


def test_will_be_requested_of_a_dependency():
    there = world()
    conditions = {"up": C.missing(), "a": C.any_deps_match(C.will_be_requested())}
    assert set(there.sweep(conditions)) == {"up", "a"}
    there.run("up")
    assert there.sweep(conditions) == {}


def test_will_be_requested_only_of_what_is_launched_together():
    there = World({"up": [], "a": ["up"]}, {"a": (P, Q)})
    assert set(there.sweep({"up": C.missing(), "a": C.any_deps_match(C.will_be_requested())})) == {"up"}


def test_last_run_includes_target():
    there = world()
    condition = C.any_deps_match(C.last_run_includes_target())
    assert not fires(there, condition)
    there.run("up")
    assert not fires(there, condition)
    there.run("up", "a")
    assert fires(there, condition)
    there.run("a")
    assert fires(there, condition)
    there.run("up")
    assert not fires(there, condition)


@pytest.mark.parametrize(
    ("filters", "tags", "expected"),
    [
        ({"tag_keys": ["k"]}, {"k": "v"}, True),
        ({"tag_keys": ["k"]}, {"other": "v"}, False),
        ({"tag_keys": ["k", "l"]}, {"k": "v"}, False),
        ({"tag_keys": ["k", "l"]}, {"k": "v", "l": ""}, True),
        ({"tag_values": [("k", "v")]}, {"k": "v"}, True),
        ({"tag_values": [("k", "v")]}, {"k": "w"}, False),
        ({"tag_keys": ["l"], "tag_values": [("k", "v")]}, {"k": "v"}, False),
        ({"tag_keys": ["l"], "tag_values": [("k", "v")]}, {"k": "v", "l": "x"}, True),
    ],
)
def test_tags(filters, tags, expected):
    there = world()
    made = (C.last_executed_with_tags(**filters), C.has_run_with_tags(**filters), C.all_runs_have_tags(**filters))
    for condition in made:
        fires(there, condition)
        there.run("a", **tags)
        assert fires(there, condition) is expected


def test_tags_of_the_latest_run_and_of_new_ones():
    there = world()
    last, some, every = (
        make(tag_keys=["k"]) for make in (C.last_executed_with_tags, C.has_run_with_tags, C.all_runs_have_tags)
    )
    assert not fires(there, last)
    assert not fires(there, some)
    assert fires(there, every)
    assert fires(there, every)
    there.run("a", k="1")
    there.run("a")
    assert not fires(there, last)
    fires(there, some)
    there.run("a", k="1")
    there.run("a")
    assert fires(there, some)
    assert not fires(there, some)
    fires(there, every)
    there.run("a", k="1")
    there.run("a")
    assert not fires(there, every)
    assert fires(there, every)
