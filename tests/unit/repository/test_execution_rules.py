"""Rules of running that hold for every executor, as a caller sees them: precedence, failures, retries, records."""

import time

import pydantic
import pytest

import rivers as rs
from rivers.exceptions import ConfigurationError

EXECUTORS = {"in_process": rs.Executor.in_process(), "parallel": rs.Executor.parallel(max_workers=2)}
everywhere = pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)


@rs.Asset
def a() -> int:
    return 1


def failing(error, calls=None, times=10**9, name="fails", **options):
    """An asset that raises at its first calls."""

    def body():
        if calls is not None:
            calls.append(1)
        if calls is None or len(calls) <= times:
            raise error
        return 1

    return rs.Asset(name=name, **options)(body)


def types(storage, run_id, asset=None):
    return [event.event_type for event in storage.get_events_for_run(run_id) if asset in (None, event.asset_key)]


# -- the record --------------------------------------------------------------------------------------------------------


def test_the_record_of_a_run(repository, storage):
    tags = [("x", "1"), ("rivers/priority", "5"), ("x", "1")]
    before = time.time_ns()
    run = repository(a, storage=storage).materialize(tags=tags)
    record = storage.get_run(run.run_id)
    assert (record.job_name, record.launched_by, record.launched_by.kind) == (None, rs.LaunchedBy.manual(), "manual")
    assert (record.status, record.tags, record.priority, record.node_names) == ("Success", tags, 5, ["a"])
    assert before <= record.start_time <= record.end_time <= time.time_ns()
    assert storage.get_run_progress(run.run_id) == (1, 1)


@pytest.mark.parametrize(("text", "number"), [("high", 0), ("", 0), ("1.5", 0), ("-3", -3)])
def test_a_priority_is_integer_text(repository, text, number):
    repo = repository(a)
    run = repo.materialize(tags=[("rivers/priority", text)])
    assert repo.storage.get_run(run.run_id).priority == number


def test_a_result_shows_counts_only():
    repo = rs.CodeRepository([a, failing(ValueError("boom"))], default_executor=EXECUTORS["in_process"])
    assert repr(repo.materialize(raise_on_error=False)) == "RunResult(success=False, materialized=1, failed=1)"


def test_an_id_that_is_used_again_has_one_record_and_all_events(repository, storage):
    repo = repository(a, storage=storage)
    for _ in range(2):
        assert repo.materialize(run_id_override="x").run_id == "x"
    assert [run.run_id for run in storage.get_runs()] == ["x"]
    assert types(storage, "x") == ["StepStart", "Materialization", "StepSuccess"] * 2


def test_launch_documents_are_read_back_in_lists_too(repository, storage):
    class Config(pydantic.BaseModel):
        rows: int = 1

    @rs.Asset
    def configured(context: rs.AssetExecutionContext[Config]) -> int:
        return context.config.rows

    repo = repository(configured, storage=storage)
    run = repo.materialize(config={"configured": {"rows": 7}})
    document = {"assets": {"configured": {"config": {"rows": 7}}}}
    assert storage.get_run(run.run_id).config == storage.get_runs()[0].config == document


# -- precedence --------------------------------------------------------------------------------------------------------


class Attempts:
    """Counts the attempts of a step that always fails, under policies from several sides."""

    def __init__(self, repository, *, own=None, of_job=None, default=None):
        self.calls = []
        asset = failing(ValueError("boom"), self.calls, retry=own)
        self.repo = repository(
            asset,
            jobs=[rs.Job("job", [asset], retry=of_job)],
            retries={"two": rs.RetryPolicy(2)},
            default_retry_policy=default,
        )

    def of_job(self):
        self.repo.get_job("job").execute(raise_on_error=False)
        return len(self.calls)

    def of_materialize(self, retry=None):
        self.repo.materialize(retry=retry, raise_on_error=False)
        return len(self.calls)


@pytest.mark.parametrize(
    ("policies", "count"),
    [
        ({}, 1),
        ({"default": rs.RetryPolicy(1)}, 2),
        ({"default": "two"}, 3),
        ({"default": "two", "of_job": rs.RetryPolicy(1)}, 2),
        ({"default": "two", "of_job": rs.RetryPolicy(0)}, 1),
        ({"default": "two", "of_job": "two", "own": rs.RetryPolicy(1)}, 2),
        ({"of_job": rs.RetryPolicy(5), "own": "two"}, 3),
        ({"of_job": rs.RetryPolicy(5), "own": rs.RetryPolicy(3, retry_on=[])}, 1),
    ],
)
def test_the_nearest_policy_wins_whole(repository, policies, count):
    assert Attempts(repository, **policies).of_job() == count


@pytest.mark.parametrize(
    ("policies", "retry", "count"),
    [({"default": "two"}, rs.RetryPolicy(1), 2), ({"own": rs.RetryPolicy(0)}, "two", 1), ({}, "two", 3)],
)
def test_a_policy_of_a_launch_stands_where_a_jobs_does(repository, policies, retry, count):
    assert Attempts(repository, **policies).of_materialize(retry) == count


def test_unknown_policies_are_named_with_who_refers_to_them(repository):
    for options, text in [
        ({"default_retry_policy": "x"}, "unknown retry policy 'x' in default_retry_policy; registered: [\"p\"]"),
        (
            {"jobs": [rs.Job("j", [a], retry="x")]},
            "unknown retry policy 'x' referenced by job 'j'; registered: [\"p\"]",
        ),
    ]:
        with pytest.raises(ConfigurationError) as caught:
            repository(a, retries={"p": rs.RetryPolicy()}, **options).validate()
        assert str(caught.value) == text


@pytest.mark.parametrize(
    ("of_asset", "of_job", "default", "is_here"),
    [
        (None, None, EXECUTORS["in_process"], True),
        (None, EXECUTORS["in_process"], EXECUTORS["parallel"], True),
        (None, EXECUTORS["parallel"], EXECUTORS["in_process"], False),
        ("parallel", EXECUTORS["in_process"], EXECUTORS["in_process"], False),
        ("in_process", EXECUTORS["parallel"], EXECUTORS["parallel"], True),
    ],
)
def test_where_a_step_runs(repository, tmp_path, of_asset, of_job, default, is_here):
    import os

    import obstore.store

    handler = rs.PickleIOHandler(store=obstore.store.LocalStore(tmp_path))
    metadata = None if of_asset is None else {"rivers/executor": of_asset}
    steps = [rs.Asset(name=name, io_handler=handler, metadata=metadata)(os.getpid) for name in ("x", "y")]
    repo = repository(*steps, jobs=[rs.Job("job", steps, executor=of_job)], default_executor=default)
    assert repo.get_job("job").execute().success
    assert [repo.load_node(name) == os.getpid() for name in ("x", "y")] == [is_here, is_here]


# -- failures ----------------------------------------------------------------------------------------------------------


class Broken(rs.InMemoryIOHandler):
    """A handler that cannot store, or cannot load."""

    fails: str

    def handle_output(self, context, obj):
        if self.fails == "handle_output":
            raise OSError("disk full")
        super().handle_output(context, obj)

    def load_input(self, context):
        raise OSError("gone")


@everywhere
@pytest.mark.parametrize(
    ("fails", "step", "message"),
    [
        ("handle_output", "stored", "OSError: disk full"),
        ("load_input", "loads", "OSError: gone"),
    ],
)
def test_a_handler_that_raises_fails_the_step_that_called_it(repository, executor, fails, step, message):
    @rs.Asset(io_handler=Broken(fails=fails))
    def stored() -> int:
        return 1

    @rs.Asset
    def loads(stored: int) -> int:
        return stored

    result = repository(stored, loads, default_executor=executor).materialize(raise_on_error=False)
    assert dict(result.failed_assets)[step] == message


@everywhere
def test_a_diamond_with_a_failure(repository, storage, executor):
    f0, g0 = failing(ValueError("boom"), name="f0"), rs.Asset(name="g0")(lambda: 1)

    @rs.Asset
    def f1(f0): ...

    @rs.Asset
    def g1(g0): ...

    @rs.Asset
    def fg(f1, g1): ...

    repo = repository(fg, g1, f1, g0, f0, storage=storage, default_executor=executor)
    result = repo.materialize(raise_on_error=False, run_id_override="r")
    skipped = "ExecutionError: Skipped: upstream dependency failed"
    assert result.materialized_assets == ["g0", "g1"]
    assert result.failed_assets == [("f0", "ValueError: boom"), ("f1", skipped), ("fg", skipped)]
    assert types(storage, "r", "f1") == types(storage, "r", "fg") == ["StepFailure"]
    with pytest.raises(ValueError, match="boom"):
        repo.materialize()
    assert [run.status for run in storage.get_runs()] == ["Failure", "Failure"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out_of_memory"),
        (TimeoutError(), "timeout"),
        (ConnectionError(), "error"),
        (OSError(), "error"),
        (SystemExit(3), "error"),
        (KeyboardInterrupt(), "error"),
        (ValueError(), "error"),
    ],
)
def test_reasons_of_failures(repository, storage, error, reason):
    asset = failing(error, retry=rs.RetryPolicy(1))
    run = repository(asset, storage=storage).materialize(raise_on_error=False)
    events = storage.get_events_for_run(run.run_id)
    assert [event.event_type for event in events] == ["StepStart", "StepRetry", "StepStart", "StepFailure"]
    assert [dict(event.metadata)["rivers/failure_reason"] for event in events if event.metadata] == [reason, reason]


@pytest.mark.parametrize(
    ("error", "retry_on", "count"),
    [
        (ValueError(), None, 2),
        (SystemExit(3), rs.RetryOn.ALL, 2),
        (ValueError(), rs.RetryOn.TRANSIENT, 1),
        (MemoryError(), rs.RetryOn.TRANSIENT, 2),
        (TimeoutError(), rs.RetryOn.TRANSIENT, 2),
        (ConnectionError(), rs.RetryOn.TRANSIENT, 1),
        (KeyError(), [LookupError], 2),
        (LookupError(), [KeyError], 1),
        (TimeoutError(), [rs.FailureReason.TIMEOUT], 2),
        (ValueError(), [], 1),
    ],
)
def test_what_is_tried_again(repository, error, retry_on, count):
    calls = []
    asset = failing(error, calls, retry=rs.RetryPolicy(1, retry_on=retry_on))
    repository(asset).materialize(raise_on_error=False)
    assert len(calls) == count


def test_reasons_of_an_escalation_are_tried_again_although_the_filter_leaves_them_out(repository):
    calls = []
    policy = rs.RetryPolicy(1, retry_on=[ValueError], escalate=rs.ComputeEscalation(max_memory="4Gi"))
    repository(failing(MemoryError(), calls, retry=policy)).materialize(raise_on_error=False)
    assert len(calls) == 2


def test_downstream_waits_for_the_last_attempt(repository):
    asset = failing(ValueError("boom"), [], times=1, name="up", retry=rs.RetryPolicy(1))

    @rs.Asset
    def down(up): ...

    assert repository(asset, down).materialize().materialized_assets == ["up", "down"]


# -- cancellation and lives --------------------------------------------------------------------------------------------


def test_cancelling_a_finished_run_sets_the_flag_alone(repository, storage):
    run = repository(a, storage=storage).materialize()
    storage.request_cancellation(run.run_id)
    assert storage.is_cancelled(run.run_id)
    assert storage.get_run(run.run_id).status == "Success"


def test_a_canceled_run_does_not_raise(repository, storage):
    @rs.Asset
    def stops():
        storage.request_cancellation("r")
        raise ValueError("boom")

    result = repository(stops, rs.Asset(name="zz")(lambda: 1), storage=storage).materialize(run_id_override="r")
    assert (result.success, storage.get_run("r").status) == (False, "Canceled")
    assert types(storage, "r", "zz") == []


def test_validating_has_no_effects_and_can_be_repeated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []

    class Told(rs.Resource):
        def setup(self):
            seen.append("setup")

    repo = rs.CodeRepository([a], resources={"told": Told()})
    for _ in range(2):
        repo.validate()
    assert (seen, list(tmp_path.iterdir())) == ([], [])


def test_after_a_shutdown_materializing_still_works(repository):
    repo = repository(a)
    for _ in range(2):
        repo.shutdown()
    assert repo.materialize().success


def test_retry_on_a_text_is_refused():
    with pytest.raises(TypeError) as caught:
        rs.RetryPolicy(retry_on="timeout")
    assert str(caught.value) == "retry_on elements must be exception types or FailureReason values"
