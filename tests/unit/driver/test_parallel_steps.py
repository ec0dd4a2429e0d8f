"""Which steps of a parallel run execute in workers, and when."""

from __future__ import annotations

import os
import threading
import time

import obstore.store

from rivers.definitions.asset import Asset
from rivers.definitions.bash_task import BashTask
from rivers.definitions.executor import Executor
from rivers.io_handlers import PickleIOHandler
from rivers.kernel.io_contexts import InputContext
from rivers.lifecycle.states import LogStream
from rivers.storage.database import Database
from tests.unit.driver.conftest import Here

PARALLEL = Executor.parallel(max_workers=2)


def test_independent_steps_run_in_workers(here, team):
    outcome = here.run(team.one_of_two, team.two_of_two, team.both_of_two, executor=PARALLEL)
    assert outcome.success, "each waits for the other, so they run at the same time"
    one, two = team.read("both_of_two")
    assert os.getpid() not in (one, two)
    assert one != two
    story, names = here.story(), ("one_of_two", "two_of_two")
    assert story.index("STEP_STARTED both_of_two") > max(story.index(f"STEP_SUCCEEDED {name}") for name in names)
    versions = tuple((name, here.asset(name).last_data_version) for name in names)
    assert here.asset("both_of_two").last_input_data_versions == versions


def test_workers_outlive_a_run(here, team):
    bound = here.bind(team.left, team.right, executor=PARALLEL)
    here.run(bound=bound)
    first = {team.read("left"), team.read("right")}
    here.run(bound=bound)
    assert {team.read("left"), team.read("right")} & first


def test_no_more_bodies_run_at_once_than_there_are_workers(here, team, tmp_path):
    def body():
        with open(tmp_path / "values" / "bodies", "ab", buffering=0) as bodies:
            bodies.write(b"+")
            bodies.write(b"-")

    here.run(*(Asset(name=f"a{n}", io_handler=team.shared)(body) for n in range(60)), executor=Executor.parallel(3))
    running = most = 0
    for sign in (tmp_path / "values" / "bodies").read_text():
        running += 1 if sign == "+" else -1
        most = max(most, running)
    assert running == 0
    assert 1 <= most <= 3


def test_runs_beside_one_another_have_workers_each(team):
    names, meet = ("a", "b", "c", "d"), team.meet

    def step(name):
        others = [other for other in names if other != name]
        return Asset(name=name, io_handler=team.shared)(lambda: meet(name, *others))

    outcomes = []

    def run(*steps):
        outcomes.append(Here(Database.memory()).run(*steps, executor=PARALLEL))

    beside = threading.Thread(target=run, args=[step("a"), step("b")])
    beside.start()
    run(step("c"), step("d"))
    beside.join()
    assert [outcome.success for outcome in outcomes] == [True, True], "all four wait for all the others"
    assert len({team.read(name) for name in names} - {os.getpid()}) == 4


def test_a_step_that_is_alone_runs_inline(here, team):
    here.run(team.left, executor=PARALLEL)
    assert team.read("left") == os.getpid()


def test_a_step_starts_as_soon_as_its_own_inputs_are_done(here, team):
    outcome = here.run(team.waits, team.left, team.opens_the_gate, executor=PARALLEL)
    assert outcome.success, "no barrier between levels: the gate opens while its sibling waits"


def test_multi_assets_in_workers(here, team):
    outcome = here.run(bound=here.bind(team.generated, team.left, executor=PARALLEL))
    assert outcome.success
    assert (team.read("g1"), team.read("g2")) == ("generated", 2)


def test_overrides_by_metadata(here, team):
    def step(name, executor):
        return Asset(name=name, io_handler=team.shared, metadata={"rivers/executor": executor})(lambda: os.getpid())

    here.run(step("w1", "parallel"), step("w2", "parallel"), step("home", "in_process"))
    assert os.getpid() not in (team.read("w1"), team.read("w2"))
    assert team.read("home") == os.getpid()
    here.run(step("h1", "in_process"), step("h2", "in_process"), executor=PARALLEL)
    assert team.read("h1") == team.read("h2") == os.getpid()


def test_a_command_runs_in_a_worker(made, here, tmp_path):
    handler = PickleIOHandler(store=obstore.store.LocalStore(str(tmp_path / "values"), mkdir=True))
    parents = [BashTask(f"t{n}", "echo $PPID; echo seen >&2", io_handler=handler) for n in range(2)]
    assert here.run(tasks=parents, executor=PARALLEL).success
    values = [handler.load_input(InputContext(task.name, "test")) for task in parents]
    assert str(os.getpid()) not in values
    assert [row.text for row in here.logs() if row.stream == LogStream.STDERR] == ["seen\n", "seen\n"]


def test_cancellation_lets_workers_finish(here, team, tmp_path):
    @Asset(io_handler=team.shared)
    def never(waits):
        return 1

    def cancel():
        deadline = time.monotonic() + 60
        while "STEP_STARTED waits" not in here.story("r"):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        here.cancel("r")
        (tmp_path / "values" / "go").touch()

    thread = threading.Thread(target=cancel)
    thread.start()
    outcome = here.run(team.waits, team.left, never, executor=PARALLEL, run_id="r")
    thread.join()
    assert outcome.state.name == "CANCELED"
    assert outcome.failed == ()
    assert "waits" in outcome.materialized
    assert "STEP_STARTED never" not in here.story("r")
