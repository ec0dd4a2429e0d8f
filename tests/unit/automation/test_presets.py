"""The presets, told as stories."""

import pytest

import rivers as rs
from rivers.partitions.key import PartitionKey
from tests.unit.automation.world import World

C = rs.AutomationCondition
P, Q = PartitionKey.single("p"), PartitionKey.single("q")
NONE = frozenset({None})


class Story:
    """One condition on `dn`, which depends on `up`."""

    def __init__(self, condition, graph=None):
        self.world = World(graph or {"up": [], "dn": ["up"]})
        self.condition = condition

    def quiet(self, times=1, **options):
        for _ in range(times):
            assert self.world.sweep({"dn": self.condition}, **options) == {}

    def fires(self, **options):
        assert self.world.sweep({"dn": self.condition}, **options) == {"dn": NONE}


@pytest.mark.parametrize("condition", [C.eager(), C.on_missing()])
def test_waits_for_a_dependency_and_fires_once(condition):
    story = Story(condition)
    story.quiet(3)
    story.world.run("up")
    story.fires()
    story.quiet()
    story.world.run("dn")
    story.quiet(3)


def test_eager_follows_each_update_of_a_dependency():
    story = Story(C.eager())
    story.world.run("up", "dn")
    story.quiet(2)
    for _ in range(3):
        story.world.run("up")
        story.fires()
        story.quiet()
        story.world.run("dn")
        story.quiet()


def test_eager_does_not_follow_a_run_that_made_both():
    story = Story(C.eager())
    story.quiet()
    story.world.run("up", "dn")
    story.quiet(2)


def test_eager_waits_while_it_runs_and_fires_afterwards():
    story = Story(C.eager())
    story.world.run("up", "dn")
    story.quiet()
    story.world.running["dn"] = NONE
    story.world.run("up")
    story.quiet(2)
    story.world.running["dn"] = frozenset()
    story.fires()


@pytest.mark.parametrize("guard", ["running", "covered"])
def test_eager_waits_while_something_is_under_way(guard):
    story = Story(C.eager())
    story.world.run("up")
    getattr(story.world, guard)["dn"] = NONE
    story.quiet(2)
    getattr(story.world, guard)["dn"] = frozenset()
    story.fires()


@pytest.mark.parametrize("guard", ["running", "covered"])
def test_eager_is_content_with_what_was_under_way_when_it_found_the_asset_missing(guard):
    story = Story(C.eager())
    story.world.run("up")
    getattr(story.world, guard)["dn"] = NONE
    story.quiet(2)
    story.world.run("dn")
    getattr(story.world, guard)["dn"] = frozenset()
    story.quiet(2)


def test_eager_fires_again_for_an_update_that_came_while_the_missing_asset_was_made():
    story = Story(C.eager())
    story.world.run("up")
    story.world.running["dn"] = NONE
    story.quiet(2)
    story.world.run("up")
    story.quiet()
    story.world.run("dn")
    story.world.running["dn"] = frozenset()
    story.fires()


def test_eager_waits_for_a_dependency_in_progress():
    story = Story(C.eager())
    story.world.run("up")
    story.world.running["up"] = NONE
    story.quiet(2)
    story.world.running["up"] = frozenset()
    story.fires()


def test_eager_fires_once_for_a_failing_asset_until_it_is_run_by_other_means():
    story = Story(C.eager())
    story.world.run("up")
    story.fires()
    story.world.fail("dn")
    story.quiet(3)
    story.world.run("up")
    story.quiet(2)
    story.world.run("dn")
    story.quiet()
    story.world.run("up")
    story.fires()


def test_eager_takes_a_chain_in_one_evaluation():
    world = World({"a": [], "b": ["a"], "c": ["b"]})
    chain = dict.fromkeys(("a", "b", "c"), C.eager())
    assert world.sweep(chain) == dict.fromkeys("abc", NONE)
    world.run("a", "b", "c")
    assert world.sweep(chain) == {}
    world.run("a")
    assert world.sweep(chain) == {"b": NONE, "c": NONE}


def test_eager_for_each_partition():
    world = World({"up": [], "dn": ["up"]}, {"up": (P, Q), "dn": (P, Q)})
    eager = {"dn": C.eager()}
    assert world.sweep(eager) == {}
    world.run("up", cells=[P])
    assert world.sweep(eager) == {"dn": {P}}
    world.run("dn", cells=[P])
    assert world.sweep(eager) == {}
    world.run("up", cells=[Q])
    assert world.sweep(eager) == {"dn": {Q}}


def test_on_missing_fires_only_once_for_each_time_of_being_missing():
    story = Story(C.on_missing(), {"dn": []})
    story.fires()
    story.quiet(3)


def test_a_bare_missing_fires_at_every_evaluation():
    story = Story(C.missing(), {"dn": []})
    for _ in range(3):
        story.fires()
        story.world.fail("dn")


def test_on_cron_fires_once_in_each_period_after_its_dependencies():
    story = Story(C.on_cron("* * * * *"))
    story.quiet(2, seconds=20)
    story.quiet(seconds=25)  # a time has come, `up` was not updated since
    story.world.run("up")
    story.fires()
    story.quiet(3)
    story.world.run("dn")
    story.quiet(3)
    story.world.run("up")
    story.quiet()
    story.quiet(seconds=60)
    story.world.run("up")
    story.fires()


def test_on_cron_without_dependencies_fires_after_each_time():
    story = Story(C.on_cron("* * * * *"), {"dn": []})
    story.quiet(seconds=30)
    story.quiet(seconds=20)
    for _ in range(3):
        story.fires(seconds=20)
        story.quiet(seconds=20)
        story.quiet(seconds=19)


def test_on_cron_is_content_with_an_update_by_other_means():
    story = Story(C.on_cron("* * * * *"))
    story.quiet(seconds=50)
    story.quiet(seconds=20)
    story.world.run("up", "dn")
    story.quiet(3)
