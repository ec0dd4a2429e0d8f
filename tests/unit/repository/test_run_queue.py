"""The run queue in process: submitting, admission, reasons, handles; on every kind of storage."""

import subprocess
import sys
import threading
import time

import pytest

import rivers as rs
from rivers.exceptions import AssetNotFoundError, ConfigurationError, ExecutionError, JobNotFoundError
from rivers.storage import runs

CLOSED = rs.RunQueueConfig(max_concurrent_runs=0)


@rs.Asset
def a() -> int:
    return 1


@rs.Asset
def b(a: int) -> int:
    return a + 1


@rs.Asset
def bad() -> int:
    raise ValueError("boom")


def queue(most=10, *limits, **options):
    return rs.RunQueueConfig(most, list(limits), "5ms", **options)


def types(storage, run_id):
    return [event.event_type for event in storage.get_events_for_run(run_id)]


def priority(number):
    return [("rivers/priority", str(number))]


class Valve:
    """An asset that runs until it is opened, and says when it has begun."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.opened = threading.Event()

        @rs.Asset(name="valve")
        def valve():
            self.begun.release()
            self.opened.wait(60)

        self.asset = valve


@pytest.fixture
def valve():
    valve = Valve()
    yield valve
    valve.opened.set()


def until(is_so):
    pause = threading.Event()
    for _ in range(3000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to that")


def test_a_submitted_run_is_queued_then_runs(repository, storage):
    repo = repository(a, b, storage=storage, run_queue=rs.RunQueueConfig())
    handle = repo._submit_run()
    assert (handle.status, storage.get_run(handle.run_id).status) == ("Queued", "Queued")
    assert [run.run_id for run in storage.get_queued_runs()] == [handle.run_id]
    (event,) = storage.get_events_for_run(handle.run_id)
    assert (event.event_type, event.asset_key, event.metadata) == ("RunQueued", None, [("rivers/priority", "0")])
    result = handle.wait(30)
    assert (result.success, result.run_id, result.materialized_assets) == (True, handle.run_id, ["a", "b"])
    assert handle.status == "Success"
    assert types(storage, handle.run_id) == [
        "RunQueued",
        "RunDequeued",
        *["StepStart", "Materialization", "StepSuccess"] * 2,
    ]
    assert storage.get_events_for_run(handle.run_id)[1].metadata == [("priority", "0")]
    assert repo.load_node("b") == 2


def test_a_run_keeps_what_it_was_submitted_with(repository, storage):
    job = rs.Job("nightly", [a, b])
    repo = repository(a, b, storage=storage, run_queue=CLOSED, jobs=[job])
    tags = [("team", "x"), *priority(7), ("team", "x")]
    of_job = storage.get_run(repo._submit_run(job_name="nightly", tags=tags).run_id)
    assert (of_job.job_name, of_job.tags, of_job.priority, of_job.node_names) == ("nightly", tags, 7, ["a", "b"])
    assert (of_job.launched_by, of_job.block_reason, of_job.end_time) == (rs.LaunchedBy.manual(), None, None)
    of_selection = storage.get_run(repo._submit_run(["a"]).run_id)
    assert (of_selection.job_name, of_selection.node_names) == (None, ["a"])


def test_the_context_of_a_queued_run_has_its_id(repository):
    seen = []

    @rs.Asset
    def looks(context: rs.AssetExecutionContext) -> None:
        seen.append(context.run_id)

    handle = repository(looks, run_queue=queue())._submit_run()
    handle.wait(30)
    assert seen == [handle.run_id]


def test_without_a_queue_nothing_can_be_submitted(repository, storage):
    repo = repository(a, storage=storage)
    with pytest.raises(ExecutionError) as caught:
        repo._submit_run()
    assert str(caught.value) == "Cannot submit run: no RunQueueConfig set"
    assert storage.get_runs() == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"selection": ["nope"]}, AssetNotFoundError),
        ({"selection": "a"}, TypeError),
        ({"job_name": "nope"}, JobNotFoundError),
        ({"job_name": "nightly", "selection": ["a"]}, ExecutionError),
        ({"config": {"assets": {"nope": {}}}}, ConfigurationError),
        ({"tags": {"team": "x"}}, TypeError),
        ({"partition_key": "x"}, TypeError),
    ],
)
def test_bad_submissions_are_refused_before_anything_is_stored(repository, arguments, error):
    repo = repository(a, run_queue=CLOSED, jobs=[rs.Job("nightly", [a])])
    with pytest.raises(error):
        repo._submit_run(**arguments)
    assert repo.storage.get_runs() == []


def test_direct_runs_never_wait(repository, storage):
    repo = repository(a, storage=storage, run_queue=CLOSED, jobs=[rs.Job("nightly", [a])])
    assert repo.materialize().success
    result = repo.get_job("nightly").execute()
    assert types(storage, result.run_id)[0] == "StepStart"


def test_a_failed_run_tells_what_failed(repository, storage):
    handle = repository(a, bad, storage=storage, run_queue=queue())._submit_run()
    result = handle.wait(30)
    assert (result.success, result.materialized_assets) == (False, ["a"])
    assert result.failed_assets == [("bad", "ValueError: boom")]
    assert handle.status == "Failure"


def test_cancelling_a_queued_run_twice(repository, storage):
    handle = repository(a, storage=storage, run_queue=CLOSED)._submit_run()
    assert storage.cancel_queued_run(handle.run_id) is True
    assert storage.cancel_queued_run(handle.run_id) is False
    assert storage.cancel_queued_run("none") is False
    record = storage.get_run(handle.run_id)
    assert (record.status, record.end_time is not None) == ("Canceled", True)
    assert storage.get_queued_runs() == []
    result = handle.wait(5)
    assert (result.success, result.materialized_assets, result.failed_assets) == (False, [], [])


def test_a_handle_cancels_a_queued_run(repository):
    handle = repository(a, run_queue=CLOSED)._submit_run()
    handle.cancel()
    assert handle.status == "Canceled"
    handle.cancel()
    assert not repository(a).storage.is_cancelled(handle.run_id)
    assert handle.wait().success is False


def test_a_handle_asks_a_running_run_to_stop(repository, valve):
    @rs.Asset(deps=[rs.AssetDef.dep("valve")])
    def after() -> int:
        return 1

    repo = repository(valve.asset, after, run_queue=queue())
    handle = repo._submit_run()
    assert valve.begun.acquire(timeout=30)
    assert repo.storage.cancel_queued_run(handle.run_id) is False
    handle.cancel()
    assert repo.storage.is_cancelled(handle.run_id)
    valve.opened.set()
    result = handle.wait(30)
    assert (result.success, result.materialized_assets, handle.status) == (False, ["valve"], "Canceled")
    handle.cancel()


@pytest.mark.parametrize(("timeout", "text"), [(0.05, "0.05"), (0, "0"), (0.2, "0.2")])
def test_waiting_has_an_end(repository, timeout, text):
    handle = repository(a, run_queue=CLOSED)._submit_run()
    with pytest.raises(TimeoutError) as caught:
        handle.wait(timeout)
    assert str(caught.value) == f"Timed out waiting for run '{handle.run_id}' after {text}s"
    assert handle.status == "Queued"


def test_Q03_reasons_are_told_and_blocked_runs_hold_nobody_up(repository, storage, valve):
    limits = [rs.TagConcurrencyLimit("env", 1, value="prod")]
    repo = repository(valve.asset, storage=storage, run_queue=queue(3, *limits))
    session = repo._resolved()
    prod = (("env", "prod"),)
    handles = [session.submit(tags=tags) for tags in (prod, prod, ())]

    def seen():
        return [(handle.status, storage.get_run(handle.run_id).block_reason) for handle in handles]

    session.start_queue()
    for _ in range(2):
        assert valve.begun.acquire(timeout=30)
    assert seen() == [
        ("Started", None),
        ("Queued", "tag limit: env=prod (1/1)"),
        ("Started", None),
    ]
    valve.opened.set()
    assert all(handle.wait(30).success for handle in handles)
    assert [reason for _, reason in seen()] == [None] * 3


def test_a_wait_in_the_queue_is_a_status_of_its_own(repository, storage):
    repo = repository(a, storage=storage, run_queue=CLOSED)
    handle = repo._submit_run()
    assert storage.get_runs(status="Queued")[0].run_id == handle.run_id
    assert storage.get_runs(status="NotStarted") == []


def test_higher_priorities_go_first_then_older_runs(repository, storage):
    order = []

    @rs.Asset
    def notes(context: rs.AssetExecutionContext) -> None:
        order.append(context.run_id)

    repo = repository(notes, storage=storage, run_queue=rs.RunQueueConfig(1))
    numbers = [0, -10, 5, 5, "x"]
    handles = [repo._submit_run(tags=priority(number)) for number in numbers]
    for handle in handles:
        assert handle.wait(30).success
    assert order == [handles[n].run_id for n in (2, 3, 0, 4, 1)]


def test_Q01_two_coordinators_never_admit_the_same_run_nor_exceed_a_limit(repository, tmp_path):
    lock, now, most, ran = threading.Lock(), [0], [0], []

    @rs.Asset
    def counts(context: rs.AssetExecutionContext) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
            ran.append(context.run_id)
        threading.Event().wait(0.005)
        with lock:
            now[0] -= 1

    stores = [rs.Storage.embedded(tmp_path) for _ in range(2)]
    repos = [repository(counts, storage=store, run_queue=queue(3)) for store in stores]
    handles = [repo._submit_run() for _ in range(10) for repo in repos]
    for handle in handles:
        assert handle.wait(60).success
    assert sorted(ran) == sorted(handle.run_id for handle in handles)
    assert most[0] <= 3


PROGRAM = """
import sys
import rivers as rs
kind, where = sys.argv[1:]
storage = rs.Storage.embedded(where) if kind == "embedded" else rs.Storage.connect(where)
@rs.Asset
def a(context: rs.AssetExecutionContext) -> None: BODY
repo = rs.CodeRepository([a], run_queue=rs.RunQueueConfig(2, [], "5ms"), default_executor=rs.Executor.in_process())
repo.resolve(storage=storage)
repo._resolved().start_queue()
sys.stdin.read()
repo.shutdown()
"""


@pytest.mark.parametrize("kind", ["embedded", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_runs_of_one_process_are_executed_by_others_each_once(repository, kind, request, tmp_path):
    where = str(tmp_path) if kind == "embedded" else request.getfixturevalue("cluster").new_schema()
    storage = rs.Storage.embedded(where) if kind == "embedded" else rs.Storage.connect(where)

    @rs.Asset(name="a")
    def other() -> None: ...

    repo = repository(other, storage=storage, run_queue=rs.RunQueueConfig())
    session = repo._resolved()
    handles = [session.submit() for _ in range(12)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    program = PROGRAM.replace("BODY", 'print(context.run_id + "\\n", end="", flush=True)')  # whole lines of two threads
    programs = [subprocess.Popen([sys.executable, "-c", program, kind, where], **pipes) for _ in range(2)]
    for handle in handles:
        assert handle.wait(60).success
    ran = [line for program in programs for line in program.communicate(timeout=60)[0].split()]
    assert sorted(ran) == sorted(handle.run_id for handle in handles)


def test_a_run_that_cannot_be_launched_fails(repository, storage):
    before = repository(a, storage=storage, run_queue=queue(0))
    handle = before._submit_run(["a"])
    before.shutdown()
    after = repository(bad, storage=storage, run_queue=queue())
    after._resolved().start_queue()
    result = handle.wait(30)
    assert (result.success, handle.status) == (False, "Failure")
    assert types(storage, handle.run_id) == ["RunQueued", "RunDequeued", "RunLaunchFailed"]
    facts = dict(storage.get_events_for_run(handle.run_id)[-1].metadata)
    assert facts["error"] == "ExecutionError: step 'a' is not defined by this repository"
    assert storage.get_run(handle.run_id).end_time is not None


def crashed(storage, run_id, *, started_at):
    """As a process leaves a run that ends between taking it from the queue and starting it."""
    from rivers.lifecycle.states import RunState
    from rivers.storage.rows import WriteSet

    def decide(connection):
        row = runs.get(connection, run_id)
        row.state, row.started_at, row.version = RunState.DEQUEUED, started_at, row.version + 1
        return WriteSet(changed_runs={run_id: row})

    storage.database.decide(decide)


def test_a_run_that_nobody_starts_fails_in_time_and_holds_its_place_until_then(repository, storage):
    repo = repository(a, storage=storage, run_queue=queue(1, start_timeout="1h"))
    session = repo._resolved()
    lost, later, next_one = (session.submit() for _ in range(3))
    crashed(storage, lost.run_id, started_at=time.time_ns())
    session.queue.coordinator.tick()
    assert lost.status == "NotStarted"
    assert storage.get_run(later.run_id).block_reason == "global run limit (1/1)"
    storage.cancel_queued_run(next_one.run_id)
    crashed(storage, lost.run_id, started_at=time.time_ns() - 3_601_000_000_000)
    session.start_queue()
    assert later.wait(30).success
    assert lost.status == "Failure"
    assert types(storage, lost.run_id)[-1] == "RunLaunchFailed"
    assert dict(storage.get_events_for_run(lost.run_id)[-1].metadata)["error"] == (
        "ExecutionError: the run was not started within 3600s of leaving the queue"
    )


def test_runs_of_a_process_that_is_gone_make_room(repository, tmp_path):
    program = PROGRAM.replace("BODY", "(print('on', flush=True), sys.stdin.read())")
    storage = rs.Storage.embedded(tmp_path)
    repo = repository(a, storage=storage, run_queue=queue(1))
    session = repo._resolved()
    handle = session.submit()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, "-c", program, "embedded", str(tmp_path)], **pipes)
    assert other.stdout.readline() == "on\n"
    other.kill()
    other.communicate()
    with storage.database.transaction() as connection:  # its lease, too
        connection.exec_driver_sql("UPDATE runs SET owner_expires_at = 1")
    later = repo._submit_run()
    assert later.wait(30).success
    assert handle.status == "Failure"
    assert handle.wait(0).success is False


def test_an_idle_coordinator_forgets_expired_leases(repository, storage):
    repo = repository(a, storage=storage, run_queue=CLOSED)
    storage.set_pool_limit("db", 1)
    storage._claim_concurrency_slots([("db", 1)], "r", "s", lease_duration="0s")
    repo._resolved().queue.coordinator.tick()
    assert storage._free_expired_leases() == 0


def test_shutting_down_ends_what_the_queue_runs(repository, valve):
    @rs.Asset(deps=[rs.AssetDef.dep("valve")])
    def after() -> int:
        return 1

    repo = repository(valve.asset, after, run_queue=queue(1))
    running, waiting = repo._submit_run(), repo._submit_run()
    assert valve.begun.acquire(timeout=30)
    ending = threading.Thread(target=repo.shutdown)
    ending.start()
    until(lambda: repo.storage.is_cancelled(running.run_id))
    valve.opened.set()
    ending.join(30)
    assert (running.status, waiting.status) == ("Canceled", "Queued")
    assert repo._submit_run(["valve"]).wait(30).success  # and it can go on
    repo.shutdown()


LEAVING = """
import sys
import rivers as rs
storage = rs.Storage.embedded(sys.argv[1])
storage.set_pool_limit("full", 0)
@rs.Asset(pool="full")
def waits() -> None: ...
repo = rs.CodeRepository([waits], run_queue=rs.RunQueueConfig(2, [], "5ms"), default_executor=rs.Executor.in_process())
repo.resolve(storage=storage)
handle = repo._submit_run()
while not any(event.event_type == "StepSlotWaiting" for event in storage.get_events_for_run(handle.run_id)):
    try:
        handle.wait(0.01)
    except TimeoutError:
        pass
print(handle.run_id)
"""


def test_a_program_that_ends_leaves_no_run_in_the_middle(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LEAVING, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert rs.Storage.embedded(tmp_path).get_run(done.stdout.strip()).status == "Canceled"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            {"run_backend": rs.RunBackendConfig.kubernetes(image="x")},
            "ExecutionError: RunBackendConfig.kubernetes() launches runs as jobs of a cluster",
        ),
        ({"default_executor": rs.Executor.kubernetes()}, "ConfigurationError: Executor.kubernetes()"),
    ],
)
def test_runs_for_a_cluster_fail_to_launch_and_say_why(repository, options, error):
    repo = repository(a, run_queue=queue(1), **options)
    handles = [repo._submit_run() for _ in range(2)]
    for handle in handles:  # neither stays in flight
        assert handle.wait(30).success is False
        assert types(repo.storage, handle.run_id) == ["RunQueued", "RunDequeued", "RunLaunchFailed"]
        (text,) = [
            value for key, value in repo.storage.get_events_for_run(handle.run_id)[-1].metadata if key == "error"
        ]
        assert text.startswith(error)
