"""How conditions are combined, and what they remember."""

import rivers as rs
from rivers.partitions.key import PartitionKey
from tests.unit.automation.world import World

C = rs.AutomationCondition
P, Q = PartitionKey.single("p"), PartitionKey.single("q")


def world():
    return World({"x": [], "y": [], "a": ["x", "y"]})


def fires(there, condition, **options):
    return "a" in there.sweep({"a": condition}, **options)


def test_and_or_not():
    there = world()
    there.fail("a")
    assert fires(there, C.missing() & C.execution_failed())
    assert not fires(there, C.missing() & C.in_progress())
    assert fires(there, C.missing() | C.in_progress())
    assert not fires(there, ~C.missing())
    assert fires(there, ~~C.missing())


def test_newly_true_at_the_first_evaluation_and_at_each_rise():
    there = world()
    rise = C.in_progress().newly_true()
    there.running["a"] = frozenset({None})
    assert fires(there, rise)
    assert not fires(there, rise)
    there.running["a"] = frozenset()
    assert not fires(there, rise)
    there.running["a"] = frozenset({None})
    assert fires(there, rise)


def test_newly_true_for_each_partition():
    there = World({"a": []}, {"a": (P, Q)})
    rise = C.in_progress().newly_true()
    there.running["a"] = frozenset({P})
    assert there.sweep({"a": rise}) == {"a": {P}}
    there.running["a"] = frozenset({P, Q})
    assert there.sweep({"a": rise}) == {"a": {Q}}


def test_since_is_set_and_reset_and_the_reset_wins():
    there = world()
    latch = C.newly_updated().since(C.execution_failed())
    assert not fires(there, latch)
    there.run("a")
    assert fires(there, latch)
    assert fires(there, latch)
    there.fail("a")
    assert not fires(there, latch)
    there.run("a")
    there.fail("a")
    assert not fires(there, latch)
    there.run("a")
    assert fires(there, latch)


def test_an_update_after_a_tick_counts_though_both_are_new():
    there = world()
    updated = C.newly_updated().since(C.cron_tick_passed("* * * * *"))
    assert not fires(there, updated, seconds=30)
    there.pass_time(10)
    there.run("a")
    assert not fires(there, updated, seconds=25)  # a tick came later
    there.pass_time(57)
    there.run("a")
    assert fires(there, updated)  # a tick came before
    assert fires(there, updated)
    assert not fires(there, updated, seconds=60)


def test_since_last_handled_until_it_is_requested():
    there = world()
    handled = C.any_deps_updated().since_last_handled()
    condition = handled & ~C.in_progress()
    assert not fires(there, condition)
    there.running["a"] = frozenset({None})
    there.run("x")
    assert not fires(there, condition)
    assert not fires(there, condition)
    there.running["a"] = frozenset()
    assert fires(there, condition)
    assert not fires(there, condition)


def test_since_last_handled_is_set_again_right_after_a_request():
    there = world()
    condition = C.any_deps_updated().since_last_handled()
    latch = C.any_deps_updated().since(C.newly_requested())
    for one, again in ((condition, True), (latch, False)):
        fires(there, one)
        there.run("x")
        assert fires(there, one)
        there.run("x")
        assert fires(there, one) is again


def test_since_last_handled_is_reset_when_the_asset_is_made_by_other_means():
    there = world()
    condition = C.missing().newly_true().since_last_handled() & ~C.any_deps_missing()
    assert not fires(there, condition)
    there.run("x", "y", "a")
    assert not fires(there, condition)


def test_an_update_by_an_earlier_run_does_not_reset_since_last_handled():
    there = world()
    condition = C.any_deps_updated().since_last_handled() & ~C.in_progress()
    fires(there, condition)
    there.running["a"] = frozenset({None})
    there.run("x")  # after the run in progress has read it
    assert not fires(there, condition)
    there.run("a")
    there.running["a"] = frozenset()
    assert fires(there, condition)


def test_any_and_all_dependencies():
    there = world()
    conditions = {
        "any": C.any_deps_match(C.missing()),
        "all": C.all_deps_match(C.missing()),
        "none": C.all_deps_match(~C.missing()),
    }
    seen = []
    for made in ([], ["x"], ["y"]):
        if made:
            there.run(*made)
        seen.append([name for name, condition in conditions.items() if fires(there, condition)])
    assert seen == [["any", "all"], ["any"], ["none"]]


def test_of_no_dependencies_all_match_and_none_does():
    there = World({"a": []})
    assert fires(there, C.all_deps_match(C.missing()))
    assert not fires(there, C.any_deps_match(C.missing()))


def test_dependencies_of_partitions():
    there = World({"x": [], "a": ["x"]}, {"x": (P, Q), "a": (P, Q)})
    there.run("x", cells=[P])
    assert there.sweep({"a": C.any_deps_match(C.missing())}) == {"a": {Q}}
    assert there.sweep({"a": C.all_deps_match(~C.missing())}) == {"a": {P}}
    fires(there, C.any_deps_updated())
    there.run("x", cells=[Q])
    assert there.sweep({"a": C.any_deps_updated()}) == {"a": {Q}}


def test_what_is_remembered_of_a_dependency_is_its_own():
    there = world()
    condition = C.any_deps_match(C.missing().newly_true())
    assert fires(there, condition)
    assert not fires(there, condition)


def test_selected_assets():
    there = World({"x": [], "y": [], "a": []})
    condition = (~C.missing()).on_selected(["x", "y"])
    assert not fires(there, condition)
    there.run("y")
    assert fires(there, condition)
    assert not fires(there, (~C.missing()).on_selected("x"))


def test_upstreams_come_first():
    there = World({"x": [], "y": ["x"], "z": ["y"]})
    eager = C.eager()
    assert list(there.sweep({"x": eager, "y": eager, "z": eager})) == ["x", "y", "z"]
