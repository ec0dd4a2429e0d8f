"""The scheduler dies at every transition of a run, before and after its commit, and is started again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rivers_client import RunHandle
from rivers_server.failpoints.failpoint import Moment
from rivers_server.failpoints.transition import Transition
from tests.faults.dying import BEATS, meets
from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack

CHAIN = """
    @rs.Asset
    def a() -> int:
        mark("a"); print("a"); return 1
    @rs.Asset
    def b(a: int) -> int:
        mark("b"); time.sleep(0.3); print("b"); return a + 1
    @rs.Asset
    def c(b: int) -> int:
        mark("c"); print("c"); return b + 1
    @rs.Asset
    def endless() -> int:
        mark("endless"); time.sleep(60); mark("woke"); return 1
    @rs.Asset
    def never(endless: int) -> int:
        mark("never"); return 1
    repo = rs.CodeRepository(
        assets=[a, b, c, endless, never], jobs=[rs.Job("all", [a, b, c]), rs.Job("endless", [endless, never])]
    )
"""

#: Every transition of a run that goes well; the second of a kind where there is one, so that all is in motion.
POINTS = [
    *((Transition.SUBMIT, moment, 1) for moment in Moment),
    *((Transition.DISPATCH, moment, 2) for moment in Moment),
    *((Transition.STARTED, moment, 2) for moment in Moment),
    *((Transition.OUTPUT, moment, 2) for moment in Moment),
    *((Transition.ENDED, moment, 2) for moment in Moment),
    *((Transition.RUN_END, moment, 1) for moment in Moment),
]


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A location that stays while schedulers come and go."""
    with Stack(tmp_path_factory.mktemp("failpoints"), database_url(request)) as running:
        running.start_scheduler(*BEATS)
        running.start_location("chain", CHAIN)
        yield running


def bodies(stack: Stack, before: int) -> list[str]:
    """The bodies that ran since."""
    return stack.marks("chain")[before:]


@pytest.mark.parametrize(("transition", "moment", "count"), POINTS, ids=str)
def test_S01_dead_at_a_transition_every_body_runs_once(
    shared: Stack, transition: Transition, moment: Moment, count: int
) -> None:
    before = len(shared.marks("chain"))

    def submit() -> RunHandle:
        shared.await_location("chain")
        return shared.client.runs.submit(location="chain", job="all")

    run = meets(shared, f"{transition}.{moment}:{count}", submit)
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert bodies(shared, before) == ["a", "b", "c"]
    assert sorted("".join(chunk.text for chunk in run.logs()).split()) == ["a", "b", "c"]


@pytest.mark.parametrize("moment", Moment)
def test_S01_dead_while_a_run_that_waited_is_admitted(shared: Stack, moment: Moment) -> None:
    before = len(shared.marks("chain"))
    shared.kill_scheduler()
    shared.start_scheduler(*BEATS, "--max-concurrent-runs", "0")
    shared.await_location("chain")
    run = shared.client.runs.submit(location="chain", job="all")
    assert meets(shared, f"{Transition.ADMIT}.{moment}", lambda: run) is run
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert bodies(shared, before) == ["a", "b", "c"]


@pytest.mark.parametrize("moment", [Moment.BEFORE_DELIVERY, Moment.AFTER_DELIVERY])
def test_S01_dead_while_an_attempt_is_adopted(shared: Stack, moment: Moment) -> None:
    before = len(shared.marks("chain"))
    run = shared.client.runs.submit(location="chain", job="all")
    shared.until(lambda: "b" in bodies(shared, before), "the second body")
    meets(shared, f"{Transition.ADOPT}.{moment}", lambda: run)
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert bodies(shared, before) == ["a", "b", "c"]


@pytest.mark.parametrize("moment", Moment)
def test_S01_dead_while_a_run_is_canceled(shared: Stack, moment: Moment) -> None:
    before = len(shared.marks("chain"))
    run = shared.client.runs.submit(location="chain", job="endless")
    shared.until(lambda: bodies(shared, before), "the body")

    def cancel() -> RunHandle:
        run.cancel()
        return run

    meets(shared, f"{Transition.CANCEL}.{moment}", cancel)
    assert run.wait(timeout=30).state.name == "CANCELED"
    assert bodies(shared, before) == ["endless"]


@pytest.mark.parametrize("moment", Moment)
def test_S01_dead_while_a_location_registers(shared: Stack, moment: Moment) -> None:
    name = f"late_{moment}"
    source = """
        @rs.Asset
        def ASSET() -> int:
            mark("body"); return 1
        repo = rs.CodeRepository(assets=[ASSET], jobs=[rs.Job("all", [ASSET])])
    """
    location = meets(
        shared,
        f"{Transition.REGISTER}.{moment}",
        lambda: shared.start_location(name, source.replace("ASSET", name), await_ready=False),
    )
    shared.await_location(name)
    assert shared.client.runs.submit(location=name, job="all").wait(timeout=30).state.name == "SUCCEEDED"
    assert shared.marks(name) == ["body"]
    location.stop()


@pytest.mark.parametrize("moment", Moment)
def test_S01_dead_while_a_location_leaves(shared: Stack, moment: Moment) -> None:
    name = f"leaving_{moment}"
    location = shared.start_location(name, "repo = rs.CodeRepository(assets=[])")

    def leave() -> None:
        shared.await_location(name)
        assert location.stop() == 0

    meets(shared, f"{Transition.DEREGISTER}.{moment}", leave)
    listed = {one.name: one.state.name for one in shared.client.locations.list()}
    assert listed.get(name) in (None, "CONNECTING")
    shared.start_location(name)
    shared.locations[name].stop()


@pytest.mark.parametrize("moment", Moment)
def test_S01_dead_while_partitions_are_added_and_removed(shared: Stack, moment: Moment) -> None:
    name, partitions = f"customers {moment}", shared.client.partitions
    meets(shared, f"{Transition.PARTITIONS}.{moment}", lambda: partitions.add(name, ["acme", "best"]))
    assert list(partitions.keys(name)) == ["acme", "best"]
    meets(shared, f"{Transition.PARTITIONS}.{moment}", lambda: partitions.remove(name, "acme"))
    assert list(partitions.keys(name)) == ["best"]
