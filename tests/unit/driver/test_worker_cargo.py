"""What travels to a worker and back, and what cannot."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.shared_memory import SharedMemory

import obstore.store
import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.executor import Executor
from rivers.definitions.retry_policy import RetryPolicy
from rivers.driver import crew
from rivers.io_handlers import PickleIOHandler
from rivers.kernel.contexts import AssetExecutionContext
from rivers.lifecycle.states import EventType, LogStream

PARALLEL = Executor.parallel(max_workers=2)


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


def test_what_code_encloses_is_copied_for_each_call(here, team):
    seen = ["here"]

    def step(name):
        def body():
            seen.append(os.getpid())
            return seen

        return Asset(name=name, io_handler=team.shared)(body)

    bound = here.bind(step("one"), step("two"), executor=PARALLEL)
    for _ in range(2):
        assert here.run(bound=bound).success
        assert [len(team.read(name)) for name in ("one", "two")] == [1 + len(seen)] * 2, "what other calls did is gone"
        seen.append("changed")


def test_a_retry_in_a_worker_starts_from_the_same(here, team):
    tries = [0]

    @Asset(io_handler=team.shared, retry=RetryPolicy(2))
    def counts():
        tries[0] += 1
        raise ValueError(str(tries[0]))

    outcome = here.run(counts, team.left, executor=PARALLEL)
    assert outcome.failed == (("counts", "ValueError: 1"),)
    assert here.story().count("STEP_STARTED counts") == 3


def test_large_errands_and_large_answers(here, team):
    load = os.urandom(3_000_000)

    def step(name):
        def body(context: AssetExecutionContext):
            context.add_output_metadata({"load": load.hex()})
            return len(load), os.getpid()

        return Asset(name=name, io_handler=team.shared)(body)

    assert here.run(step("one"), step("two"), executor=PARALLEL).success
    assert team.read("one")[0] == len(load)
    assert os.getpid() not in (team.read("one")[1], team.read("two")[1])
    noted = [entry for event in here.events() for entry in event.metadata if entry.key == "load"]
    assert [entry.value.string_value == load.hex() for entry in noted] == [True, True]


def test_a_value_that_cannot_be_pickled_fails_its_step(here, team):
    outcome = here.run(team.unpicklable, team.left, executor=PARALLEL)
    ((node, message),) = outcome.failed
    assert node == "unpicklable"
    assert "pickle" in message
    assert outcome.materialized == ("left",)


def test_managers_of_the_parent_answer_its_workers(here, team):
    with multiprocessing.get_context("spawn").Manager() as manager:
        pids = manager.list()

        def step(name):
            return Asset(name=name, io_handler=team.shared)(lambda: pids.append(os.getpid()))

        assert here.run(step("one"), step("two"), executor=PARALLEL).success
        assert len(pids) == 2
        assert os.getpid() not in pids


def test_shared_memory_outlives_the_workers_that_looked_at_it(here, team):
    memory = SharedMemory(create=True, size=8)
    try:
        memory.buf[:4] = b"seen"

        def step(name, of=memory.name):
            def body():
                there = SharedMemory(of)
                try:
                    return bytes(there.buf[:4])
                finally:
                    there.close()

            return Asset(name=name, io_handler=team.shared)(body)

        assert here.run(step("one"), step("two"), executor=PARALLEL).success
        assert team.read("one") == team.read("two") == b"seen"
        crew.crew.leave()
        SharedMemory(memory.name).close()
    finally:
        memory.close()
        memory.unlink()


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
