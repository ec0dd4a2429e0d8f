"""Run-status sensors."""

from __future__ import annotations

import json

import pytest

import rivers as rs
from tests.services.daemon.conftest import eventually

OFTEN = {"minimum_interval": "50ms", "default_status": rs.SensorStatus.Running}


@rs.Asset
def fine() -> int:
    return 1


@rs.Asset
def broken() -> int:
    raise LookupError("nothing there")


@rs.Asset
def behind(broken: int) -> int:
    return broken


def repository(*sensors, **options):
    jobs = [rs.Job("good", [fine]), rs.Job("bad", [broken, behind]), rs.Job("worse", [broken])]
    options.setdefault("default_executor", rs.Executor.in_process())
    return rs.CodeRepository([fine, broken, behind], jobs=jobs, sensors=list(sensors), **options)


def watching(storage, name):
    """Returns once the sensor watches."""
    return eventually(lambda: storage.get_ticks(name))


def test_it_is_called_once_for_each_run(daemon, storage):
    told = []

    @rs.Sensor.run_failure(**OFTEN)
    def alarm(context: rs.RunStatusSensorContext):
        told.append(context)

    repo = repository(alarm)
    repo.resolve(storage=storage)
    repo.get_job("bad").execute(raise_on_error=False)  # before anybody watched
    daemon(repo)
    first = watching(storage, "alarm")[-1]
    assert (first.status, first.skip_reason) == ("Skipped", "Watching for Failure runs from now on")
    repo.get_job("good").execute()
    failed = [repo.get_job("bad").execute(raise_on_error=False).run_id for _ in range(7)]
    eventually(lambda: len(told) >= 7)
    eventually(lambda: storage.get_ticks("alarm")[0].skip_reason == "No new Failure runs")
    assert [context.run.run_id for context in told] == failed
    context = told[0]
    assert context.sensor_name == "alarm"
    assert (context.run.job_name, context.run.status, context.launch_error) == ("bad", "Failure", None)
    (failure,) = context.step_failures
    assert (failure.asset_name, failure.partition_key, failure.error) == (
        "broken",
        None,
        "LookupError: nothing there",
    )
    assert context.log.name == "rivers.sensors.alarm"
    assert {tick.status for tick in storage.get_ticks("alarm")} == {"Skipped", "Success"}
    assert set(json.loads(storage.get_ticks("alarm")[0].cursor)) == {"position"}


def test_at_most_five_runs_in_a_tick(daemon, storage):
    told = []
    sensor = rs.Sensor.run_status(
        rs.RunStatus.Success, name="s", minimum_interval="700ms", default_status=rs.SensorStatus.Running
    )
    repo = repository(sensor(lambda context: told.append(len(storage.get_ticks("s")))))
    daemon(repo)
    watching(storage, "s")
    for _ in range(7):
        repo.get_job("good").execute()
    eventually(lambda: len(told) == 7)
    assert max(told.count(tick) for tick in told) <= 5


@pytest.mark.parametrize(("jobs", "expected"), [(None, ["good", None, "good"]), (["good"], ["good", "good"])])
def test_which_jobs_are_watched(daemon, storage, jobs, expected):
    told = []
    sensor = rs.Sensor.run_status(rs.RunStatus.Success, name="s", monitored_jobs=jobs, **OFTEN)
    repo = repository(sensor(lambda context: told.append(context.run.job_name)))
    daemon(repo)
    watching(storage, "s")
    repo.get_job("good").execute()
    repo.materialize(["fine"])
    repo.get_job("good").execute()
    eventually(lambda: len(told) == len(expected))
    assert told == expected


def test_runs_that_are_canceled_in_the_queue(daemon, storage):
    told = []
    sensor = rs.Sensor.run_status(rs.RunStatus.Canceled, name="s", **OFTEN)
    repo = repository(
        sensor(lambda context: told.append(context.run.run_id)), run_queue=rs.RunQueueConfig(max_concurrent_runs=0)
    )
    daemon(repo)
    watching(storage, "s")
    handle = repo._submit_run(job_name="good")
    handle.cancel()
    eventually(lambda: told == [handle.run_id])


def test_a_run_that_could_not_be_launched(daemon, storage):
    told = []
    queue = rs.RunQueueConfig(dequeue_interval="20ms")
    other = rs.CodeRepository([rs.Asset(name="elsewhere")(lambda: 1)], run_queue=queue)
    alarm = rs.Sensor.run_failure(name="s", **OFTEN)(lambda context: told.append(context))
    daemon(repository(alarm, run_queue=queue))
    watching(storage, "s")
    run_id = other.opened(storage).submit(["elsewhere"]).run_id
    context = eventually(lambda: told)[0]
    assert (context.run.run_id, context.step_failures) == (run_id, [])
    assert "elsewhere" in context.launch_error


def test_failures_of_partitions(daemon, storage):
    told = []

    @rs.Asset(partitions_def=rs.PartitionsDefinition.static_(["a", "b"]))
    def parts(context: rs.AssetExecutionContext):
        raise LookupError(context.partition_key)

    alarm = rs.Sensor.run_failure(name="s", **OFTEN)(lambda context: told.extend(context.step_failures))
    repo = rs.CodeRepository([parts], sensors=[alarm], default_executor=rs.Executor.in_process())
    daemon(repo)
    watching(storage, "s")
    key = rs.PartitionKey.single("b")
    repo.materialize(partition_key=key, raise_on_error=False)
    (failure,) = eventually(lambda: told)
    assert (failure.asset_name, failure.partition_key, failure.error) == ("parts", key, "LookupError: b")


def test_a_call_that_fails_is_not_repeated(daemon, storage):
    told = []

    def fails(context):
        told.append(context.run.run_id)
        raise ValueError("no")

    repo = repository(rs.Sensor.run_status(rs.RunStatus.Success, name="s", **OFTEN)(fails))
    daemon(repo)
    watching(storage, "s")
    runs = [repo.get_job("good").execute().run_id for _ in range(3)]
    eventually(lambda: len(told) >= 3)
    eventually(lambda: storage.get_ticks("s")[0].status == "Skipped")
    assert told == runs
    assert {tick.error for tick in storage.get_ticks("s") if tick.status == "Failed"} == {"ValueError: no"}


def test_it_goes_on_where_it_was(tmp_path, daemon):
    told = []
    sensor = rs.Sensor.run_status(rs.RunStatus.Success, name="s", **OFTEN)(
        lambda context: told.append(context.run.run_id)
    )
    storage = rs.Storage.embedded(str(tmp_path / "store"))
    repo = repository(sensor)
    one = daemon(repo, storage)
    watching(storage, "s")
    one.stop()
    run_id = repo.get_job("good").execute().run_id  # while nobody watches
    assert told == []
    daemon(repository(sensor), storage)
    eventually(lambda: told == [run_id])


def test_resources_and_configuration(daemon, storage):
    told = []

    @rs.Sensor.run_status(rs.RunStatus.Success, **OFTEN)
    def s(context: rs.RunStatusSensorContext, mailbox):
        mailbox.append(context.config)

    repo = repository(s, resources={"mailbox": told})
    daemon(repo)
    watching(storage, "s")
    repo.get_job("good").execute()
    assert eventually(lambda: told) == [None]


def test_it_is_not_evaluated_by_a_program():
    sensor = rs.Sensor.run_failure(name="s")(lambda context: None)
    with pytest.raises(rs.exceptions.ExecutionError, match="Sensor 's' watches runs"):
        repository(sensor).evaluate_sensor("s")
