"""Runs of the parallel executor, with real worker processes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import obstore.store
import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.bash_task import BashTask
from rivers.definitions.executor import Executor
from rivers.definitions.failure_reason import FailureReason
from rivers.definitions.results import Output
from rivers.definitions.retry_policy import RetryOn, RetryPolicy
from rivers.io_handlers import PickleIOHandler
from rivers.kernel.io_contexts import InputContext
from rivers.lifecycle.states import EventType, LogStream
from rivers.lifecycle.states import FailureReason as Reason
from rivers.storage.database import Database
from tests.unit.driver.conftest import Here

PARALLEL = Executor.parallel(max_workers=2)

SOURCE = """
import os, signal, sys, threading, time
from dataclasses import dataclass
from pathlib import Path
import obstore.store
from pydantic import BaseModel
from rivers.definitions.asset import Asset
from rivers.definitions.dependency import AssetDef
from rivers.definitions.results import Output
from rivers.definitions.task import Task
from rivers.io_handlers import PickleIOHandler
from rivers.kernel.contexts import AssetExecutionContext, TaskExecutionContext
from rivers.resources import Resource

FOLDER = Path({folder!r})
shared = PickleIOHandler(store=obstore.store.LocalStore(str(FOLDER), mkdir=True))

class Level(BaseModel):
    level: int = 1

class Db(Resource):
    url: str
    password: str = "secret"
    _state: str = "new"

    def setup(self):
        self._state = f"up in {{os.getpid()}}"
        with open(FOLDER / "lives", "a") as lives:
            lives.write(f"up {{os.getpid()}}\\n")

    def teardown(self):
        with open(FOLDER / "lives", "a") as lives:
            lives.write(f"down {{os.getpid()}}\\n")

def asset(function):
    return Asset(io_handler=shared)(function)

@asset
def left():
    return os.getpid()

@asset
def right():
    return os.getpid()

@asset
def both(left: int, right: int):
    return [left, right]

@Asset(io_handler=shared, tags=["t"], metadata={{"m": "1"}})
def told(context: AssetExecutionContext[Level]):
    print("out")
    print("err", file=sys.stderr)
    context.log.info("noted")
    context.add_output_metadata({{"pid": os.getpid()}})
    shown = context.asset_name, context.tags, context.asset_metadata, context.config.level, context.run_id
    return Output(shown, metadata={{"n": 2}}, data_version="v1")

@Task(io_handler=shared)
def chore(context: TaskExecutionContext):
    return context.task_name

@asset
def uses(db):
    return db.url, db.password, db._state, os.getpid()

@asset
def raises():
    raise KeyError("mine")

class OwnError(Exception):
    def __init__(self, first, second):
        super().__init__(first)
        self.second = second
        self.lock = threading.Lock()

@dataclass(frozen=True)
class FrozenError(Exception):
    number: int

class StubbornError(Exception):
    def __reduce__(self):
        raise TypeError("this one stays")

@asset
def raises_odd():
    raise OwnError("a", "b") from KeyError("c")

@asset
def raises_frozen():
    raise FrozenError(4)

@asset
def raises_stubborn():
    raise StubbornError("a")

@asset
def exits():
    os._exit(7)

@asset
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@asset
def waits():
    deadline = time.monotonic() + 10
    while not (FOLDER / "go").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return os.getpid()

@asset
def opens_the_gate(left):
    (FOLDER / "go").touch()
    return os.getpid()

@asset
def after(exits):
    return 1

@asset
def learns():
    path = FOLDER / "tries"
    tries = int(path.read_text()) if path.exists() else 0
    path.write_text(str(tries + 1))
    if tries == 0:
        os._exit(1)
    return tries

pair = Asset.from_multi(
    lambda: {{"x": os.getpid(), "z": 0}}, name="pair", output_defs=[AssetDef("x", io_handler=shared), AssetDef("y")]
)

def _generate(context: AssetExecutionContext):
    yield Output(context.asset_name, output_name="g1")
    yield Output(2, output_name="g2")

generated = Asset.from_multi(
    _generate, name="generated", output_defs=[AssetDef(n, io_handler=shared) for n in ("g1", "g2")]
)

@asset
def surroundings():
    return os.getcwd(), os.environ.get("DRIVER_TEST_WORD"), os.environ.get("DRIVER_TEST_GONE")
"""


@pytest.fixture
def team(made, tmp_path):
    """The module of an author; `read` loads what was stored."""
    module = made(SOURCE.format(folder=str(tmp_path / "values")))
    module.read = lambda node: __import__("pickle").loads((tmp_path / "values" / f"{node}.pkl").read_bytes())
    return module


def test_independent_steps_run_in_workers(here, team):
    outcome = here.run(team.left, team.right, team.both, executor=PARALLEL)
    assert outcome.success
    left, right = team.read("both")
    assert os.getpid() not in (left, right)
    assert left != right
    story = here.story()
    assert story.index("STEP_STARTED both") > max(story.index(f"STEP_SUCCEEDED {n}") for n in ("left", "right"))
    assert here.asset("both").last_input_data_versions == (
        ("left", here.asset("left").last_data_version),
        ("right", here.asset("right").last_data_version),
    )


def test_workers_outlive_a_run(here, team):
    bound = here.bind(team.left, team.right, executor=PARALLEL)
    here.run(bound=bound)
    first = {team.read("left"), team.read("right")}
    here.run(bound=bound)
    assert {team.read("left"), team.read("right")} & first


def test_a_step_that_is_alone_runs_inline(here, team):
    here.run(team.left, executor=PARALLEL)
    assert team.read("left") == os.getpid()


def test_what_a_worker_tells_arrives(here, team):
    bound = here.bind(team.told, team.left, tasks=(team.chore,), executor=PARALLEL)
    outcome = here.run(bound=bound, config={"assets": {"told": {"config": {"level": 3}, "metadata": {"k": "2"}}}})
    assert outcome.success
    assert team.read("told") == ("told", ["t"], {"m": "1", "k": "2"}, 3, outcome.run_id)
    assert team.read("chore") == "chore"
    event = next(event for event in here.events() if event.node == "told" and event.type == EventType.MATERIALIZED)
    entries = {entry.key: entry.value for entry in event.metadata}
    assert list(entries) == ["pid", "n", "path", "serializer", "size_bytes", "write_duration_s"]
    assert entries["pid"].int_value != os.getpid()
    assert event.data_version == "v1"
    rows = {row.stream: row.text for row in here.logs() if row.step_key == "told"}
    assert (rows[LogStream.STDOUT], rows[LogStream.STDERR]) == ("out\n", "err\n")
    assert "INFO rivers.assets.told: noted" in rows[LogStream.LOGGING]


def test_resources_live_in_the_worker_for_one_call(here, team, tmp_path):
    db = team.Db(url="u")
    db.setup()
    here.run(team.uses, team.left, resources={"db": db}, executor=PARALLEL)
    url, password, state, pid = team.read("uses")
    assert (url, password, state) == ("u", "secret", f"up in {pid}")
    lives = (tmp_path / "values" / "lives").read_text().split("\n")
    assert lives[1:3] == [f"up {pid}", f"down {pid}"]


def test_exceptions_keep_their_type(here, team):
    outcome = here.run(team.raises, team.left, executor=PARALLEL)
    assert outcome.failed == (("raises", "KeyError: 'mine'"),)
    assert type(outcome.error) is KeyError
    assert outcome.error.args == ("mine",)
    (trace,) = [row.text for row in here.logs() if row.stream == LogStream.TRACEBACK]
    assert "in raises" in trace


def test_exceptions_that_their_class_could_not_make_again_arrive(here, team):
    outcome = here.run(team.raises_odd, team.left, executor=PARALLEL)
    assert outcome.failed == (("raises_odd", "OwnError: a"),)
    assert type(outcome.error) is team.OwnError
    assert (str(outcome.error), outcome.error.second, type(outcome.error.__cause__)) == ("a", "b", KeyError)


@pytest.mark.parametrize("executor", [PARALLEL, Executor.in_process()], ids=["parallel", "in_process"])
def test_exceptions_that_let_nobody_change_them(here, team, executor):
    outcome = here.run(team.raises_frozen, team.left, executor=executor)
    assert (type(outcome.error), outcome.error.number) == (team.FrozenError, 4)
    assert outcome.materialized == ("left",)


def test_exceptions_that_cannot_travel_are_described(here, team):
    outcome = here.run(team.raises_stubborn, team.left, executor=PARALLEL)
    assert str(outcome.error) == "StubbornError: a"
    failed = next(event for event in here.events() if event.type == EventType.STEP_FAILED)
    assert failed.failure.exception_types[0] == f"{team.__name__}.StubbornError"


def test_the_death_of_a_worker_fails_its_step_alone(here, team):
    outcome = here.run(team.exits, team.waits, team.left, team.opens_the_gate, team.after, executor=PARALLEL)
    assert outcome.failed == (
        ("exits", "TerminatedWorkerError: the worker process of step 'exits' ended by exit code 7"),
        ("after", "ExecutionError: Skipped: upstream dependency failed"),
    )
    assert type(outcome.error).__name__ == "TerminatedWorkerError"
    assert set(outcome.materialized) == {"waits", "left", "opens_the_gate"}
    failed = next(event for event in here.events() if event.type == EventType.STEP_FAILED)
    assert (failed.failure.reason, failed.failure.exit_code) == (Reason.INFRASTRUCTURE, 7)
    assert here.story().count("STEP_STARTED exits") == 1


def test_the_signal_of_a_dead_worker_is_named(here, team):
    outcome = here.run(team.killed, team.left, executor=PARALLEL)
    assert outcome.failed[0][1].endswith("ended by signal 9 (SIGKILL)")
    failed = next(event for event in here.events() if event.type == EventType.STEP_FAILED)
    assert failed.failure.signal == 9


@pytest.mark.parametrize("retry_on", [RetryOn.TRANSIENT, [FailureReason.INFRASTRUCTURE], RetryOn.ALL])
def test_a_dead_worker_is_paid_for_by_the_retry_policy(here, team, retry_on):
    outcome = here.run(team.learns, team.left, executor=PARALLEL, retry=RetryPolicy(1, retry_on=retry_on))
    assert outcome.success
    assert [line for line in here.story() if line.endswith(" learns")] == [
        "STEP_STARTED learns",
        "STEP_RETRIED learns",
        "STEP_STARTED learns",
        "MATERIALIZED learns",
        "STEP_SUCCEEDED learns",
    ]


def test_a_step_starts_as_soon_as_its_own_inputs_are_done(here, team):
    outcome = here.run(team.waits, team.left, team.opens_the_gate, executor=PARALLEL)
    assert outcome.success, "no barrier between levels: the gate opens while its sibling waits"


def test_multi_assets_in_workers(here, team):
    outcome = here.run(bound=here.bind(team.generated, team.left, executor=PARALLEL))
    assert outcome.success
    assert (team.read("g1"), team.read("g2")) == ("generated", 2)


def test_a_part_in_memory_keeps_the_whole_step_here(here, team, caplog):
    outcome = here.run(team.pair, team.left, executor=PARALLEL)
    assert outcome.failed == (("y", "KeyError: 'y'"),)
    assert team.read("x") == os.getpid()


def test_surroundings_are_those_of_the_run(here, team, tmp_path, monkeypatch):
    bound = here.bind(team.surroundings, team.left, executor=PARALLEL)
    monkeypatch.setenv("DRIVER_TEST_GONE", "there")
    here.run(bound=bound)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setenv("DRIVER_TEST_WORD", "now")
    monkeypatch.delenv("DRIVER_TEST_GONE")
    here.run(bound=bound)
    assert team.read("surroundings") == (str(tmp_path / "below"), "now", None)


def test_closures_and_lambdas_travel_as_code(here, team):
    word = "enclosed"

    @Asset(io_handler=team.shared)
    def closure():
        return word, os.getpid()

    nameless = Asset(name="nameless", io_handler=team.shared)(lambda: os.getpid())
    assert here.run(closure, nameless, executor=PARALLEL).success
    assert team.read("closure")[0] == "enclosed"
    assert os.getpid() not in (team.read("closure")[1], team.read("nameless"))


def test_code_that_changed_since_a_worker_loaded_it(here, made, team, tmp_path):
    source = (
        "import obstore.store\nfrom rivers.definitions.asset import Asset\n"
        "from rivers.io_handlers import PickleIOHandler\n"
        f"shared = PickleIOHandler(store=obstore.store.LocalStore({str(tmp_path / 'values')!r}))\n"
        "@Asset(io_handler=shared)\ndef one():\n    return {}\n@Asset(io_handler=shared)\ndef two():\n    return {}\n"
    )
    for answer in ("first", "second"):
        module = made(source.format(repr(answer), repr(answer)), "changes_over_time")
        assert here.run(module.one, module.two, executor=PARALLEL).success
        assert (team.read("one"), team.read("two")) == (answer, answer)


def test_what_cannot_travel_runs_inline(here, caplog, tmp_path):
    handler = PickleIOHandler(store=obstore.store.LocalStore(str(tmp_path / "values"), mkdir=True))
    pids, lock = [], threading.Lock()

    def step(name):
        return Asset(name=name, io_handler=handler)(lambda: pids.append(os.getpid()) if lock else None)

    assert here.run(step("one"), step("two"), executor=PARALLEL).success
    assert pids == [os.getpid()] * 2
    assert "cannot be sent to a worker process" in caplog.text


def test_everything_in_memory_simply_works_and_says_so_once(here, caplog):
    threads = []

    def step(name):
        return Asset(name=name)(lambda: threads.append(threading.current_thread()))

    last = Asset(name="last")(lambda s1, s2: 1)
    with caplog.at_level(logging.WARNING, "rivers.driver"):
        assert here.run(step("s1"), step("s2"), step("s3"), last, executor=Executor.parallel()).success
    assert threads == [threading.main_thread()] * 3
    (record,) = caplog.records
    assert record.getMessage().startswith("Steps s1, s2, s3, last run inline, one at a time")
    assert "PickleIOHandler" in record.getMessage()


def test_a_chain_in_memory_loses_nothing_and_says_nothing(here, caplog):
    one = Asset(name="one")(lambda: 1)
    two = Asset(name="two")(lambda one: 2)
    assert here.run(one, two, executor=Executor.parallel()).success
    assert caplog.records == []


def test_overrides_by_metadata(here, team):
    def step(name, executor):
        return Asset(name=name, io_handler=team.shared, metadata={"rivers/executor": executor})(lambda: os.getpid())

    here.run(step("w1", "parallel"), step("w2", "parallel"), step("home", "in_process"))
    assert os.getpid() not in (team.read("w1"), team.read("w2"))
    assert team.read("home") == os.getpid()
    here.run(step("h1", "in_process"), step("h2", "in_process"), executor=PARALLEL)
    assert team.read("h1") == team.read("h2") == os.getpid()


def test_coroutines_run_side_by_side_up_to_their_limit(here):
    running, most = [0], [0]

    async def body():
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.02)
        running[0] -= 1

    steps = [Asset(name=f"c{n}")(body) for n in range(6)]
    assert here.run(*steps, executor=Executor.parallel(max_async_concurrent=2)).success
    assert most == [2]
    assert here.run(*steps, executor=Executor.parallel()).success
    assert most == [6]


def test_a_coroutine_and_a_plain_step_overlap(here):
    began, ended = threading.Event(), threading.Event()

    @Asset
    async def slow():
        began.set()
        assert await asyncio.to_thread(ended.wait, 5)

    @Asset
    def plain():
        assert began.wait(5)
        ended.set()

    assert here.run(slow, plain, executor=Executor.parallel()).success


def test_captured_output_of_coroutines_is_kept_apart(here):
    def speaker(word):
        async def body():
            for _ in range(3):
                print(word)
                await asyncio.sleep(0)

        return Asset(name=word)(body)

    here.run(speaker("one"), speaker("two"), executor=Executor.parallel())
    assert {(row.step_key, row.text) for row in here.logs()} == {("one", "one\n" * 3), ("two", "two\n" * 3)}


def test_consumers_start_while_a_generator_goes_on(here):
    consumed = threading.Event()

    async def consume(g1):
        consumed.set()

    def produce():
        yield Output(1, output_name="g1")
        assert consumed.wait(5)
        yield Output(2, output_name="g2")

    from rivers.definitions.dependency import AssetDef

    generator = Asset.from_multi(produce, name="g", output_defs=[AssetDef("g1"), AssetDef("g2")])
    assert here.run(generator, Asset(name="c")(consume), executor=Executor.parallel()).success


def test_cancellation_lets_workers_finish(here, team, tmp_path):
    @Asset(io_handler=team.shared)
    def never(waits):
        return 1

    def cancel():
        deadline = time.monotonic() + 10
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


def test_a_second_ctrl_c_ends_busy_workers(tmp_path, made):
    """In a process of its own, because it ends by KeyboardInterrupt."""
    made(SOURCE.format(folder=str(tmp_path / "values")), "team_to_interrupt")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import rivers as rs, team_to_interrupt as team\n"
        "repo = rs.CodeRepository([team.waits, team.left], default_executor=rs.Executor.parallel(2))\n"
        "repo.resolve(storage=rs.Storage.embedded(sys.argv[2]))\n"
        "repo.materialize(run_id_override='r')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), str(tmp_path / "store")], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "values" / "left.pkl").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "press Ctrl-C again" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
    assert Here(Database.embedded(tmp_path / "store", read_only=True)).row("r").state.name == "CANCELED"
    assert not (tmp_path / "values" / "waits.pkl").exists()


def test_values_in_a_memory_store_stay_in_this_process(here, caplog):
    handler = PickleIOHandler(store=obstore.store.MemoryStore())
    pids = [Asset(name=f"a{n}", io_handler=handler)(os.getpid) for n in range(2)]
    assert here.run(*pids, executor=PARALLEL).success
    assert [handler.load_input(InputContext(f"a{n}", "test")) for n in range(2)] == [os.getpid()] * 2
    assert "Steps a0, a1 run inline" in caplog.text


def test_a_command_runs_in_a_worker(made, here, tmp_path):
    handler = PickleIOHandler(store=obstore.store.LocalStore(str(tmp_path / "values"), mkdir=True))
    parents = [BashTask(f"t{n}", "echo $PPID; echo seen >&2", io_handler=handler) for n in range(2)]
    assert here.run(tasks=parents, executor=PARALLEL).success
    values = [handler.load_input(InputContext(task.name, "test")) for task in parents]
    assert str(os.getpid()) not in values
    assert [row.text for row in here.logs() if row.stream == LogStream.STDERR] == ["seen\n", "seen\n"]
