"""Sensors as authors declare them."""

import pytest

import rivers as rs
from rivers.exceptions import ConfigurationError, NodeNotFoundError, SensorDefinitionError


@rs.Asset
def a() -> int:
    return 1


JOB = rs.Job("j", [a])


def files(context: rs.SensorEvaluationContext):
    return None


def repository(*sensors, **options):
    return rs.CodeRepository(assets=[a], jobs=[JOB], sensors=list(sensors), **options)


@pytest.mark.parametrize(
    "make",
    [lambda: rs.Sensor(files), lambda: rs.Sensor()(files), lambda: rs.Sensor(job_name="j")(files)],
    ids=["bare", "empty", "keywords"],
)
def test_with_a_function(make):
    sensor = make()
    assert sensor.name == "files"
    assert sensor.evaluation_fn is files
    assert repr(sensor) == "Sensor('files')"


def test_what_is_not_given():
    sensor = rs.Sensor(files)
    for name in ("job_name", "minimum_interval", "description", "tags", "asset_selection", "eval_timeout"):
        assert getattr(sensor, name) is None
    assert sensor.default_status == rs.SensorStatus.Stopped
    assert sensor.eval_mode == rs.EvalMode.Auto
    assert sensor.monitored_status is None
    assert sensor.monitored_jobs is None


def test_it_reads_back_what_it_was_given():
    sensor = rs.Sensor(
        files,
        name="s",
        job_name="j",
        minimum_interval="sometimes",
        default_status=rs.SensorStatus.Running,
        description="Looks",
        tags={"k": "v"},
        asset_selection=["a"],
        eval_mode=rs.EvalMode.InProcess,
        eval_timeout="10s",
    )
    assert (sensor.name, sensor.job_name, sensor.minimum_interval) == ("s", "j", "sometimes")
    assert sensor.default_status == rs.SensorStatus.Running
    assert (sensor.description, sensor.tags, sensor.asset_selection) == ("Looks", {"k": "v"}, ["a"])
    assert (sensor.eval_mode, sensor.eval_timeout) == (rs.EvalMode.InProcess, "10s")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.Sensor(files, name=""), SensorDefinitionError, "sensor name cannot be empty"),
        (lambda: rs.Sensor(files, "s"), TypeError, "positional"),
        (lambda: rs.Sensor(files, asset_selection="a"), TypeError, "asset_selection must be a list of str or None"),
        (lambda: rs.Sensor(files, default_status=rs.ScheduleStatus.Running), TypeError, "must be a SensorStatus"),
        (lambda: rs.Sensor(files, tags={"a": 1}), TypeError, "tags must be a dict[str, str]"),
        (lambda: rs.Sensor(files, minimum_interval=5), TypeError, "minimum_interval must be a str or None"),
        (lambda: rs.Sensor(3), SensorDefinitionError, "Sensor wraps a function, not int"),
        (lambda: rs.Sensor(files)(files), SensorDefinitionError, "sensor 'files' already wraps a function"),
        (lambda: rs.Sensor(files, cron="x"), TypeError, "cron"),
    ],
)
def test_wrong_sensors_are_refused(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("sensor", "text"),
    [
        (
            rs.Sensor(files, job_name="gone"),
            "Sensor 'files' references unknown job 'gone'. Define the job and add it to `CodeRepository(jobs=...)`.",
        ),
        (
            rs.Sensor(files, asset_selection=["a", "b"]),
            "Sensor 'files' references unknown asset 'b' in `asset_selection`.",
        ),
        (
            rs.Sensor(files),
            "Sensor 'files' must declare either `job_name` or `asset_selection` — "
            "the daemon has no target to dispatch against.",
        ),
        (
            rs.Sensor.run_failure(name="s", monitored_jobs=["j", "gone"])(files),
            "Sensor 's' monitors unknown job 'gone'. Define the job and add it to `CodeRepository(jobs=...)`.",
        ),
    ],
)
def test_what_is_found_when_the_repository_is_resolved(sensor, text):
    repo = repository(sensor)
    for check in (repo.validate, repo.resolve):
        with pytest.raises(SensorDefinitionError) as caught:
            check()
        assert str(caught.value) == text


def test_an_unknown_parameter_is_found_when_the_repository_is_resolved():
    with pytest.raises(ConfigurationError, match="Sensor 's': parameter 'db' does not match any known resource"):
        repository(rs.Sensor(lambda db: None, name="s", job_name="j")).validate()


@pytest.mark.parametrize("field", ["minimum_interval", "eval_timeout"])
def test_what_is_no_duration_is_found_when_the_repository_is_resolved(field):
    with pytest.raises(ValueError, match=f"invalid duration for '{field}'"):
        repository(rs.Sensor(files, job_name="j", **{field: "soon"})).validate()


def test_a_repository_shows_its_sensors():
    first = rs.Sensor(files, job_name="j")
    second = rs.Sensor.run_failure(name="alarm")(lambda context: None)
    repo = repository(first, second)
    assert repo.sensors == [first, second]
    assert repo.get_sensor("alarm") is second
    with pytest.raises(NodeNotFoundError, match=r"^Sensor 'nope' not found"):
        repo.get_sensor("nope")


@pytest.mark.parametrize("status", [rs.RunStatus.Success, rs.RunStatus.Failure, rs.RunStatus.Canceled])
def test_run_status_sensors(status):
    @rs.Sensor.run_status(status, monitored_jobs=["j"], minimum_interval="5s")
    def alarm(context: rs.RunStatusSensorContext):
        return None

    assert alarm.name == "alarm"
    assert alarm.monitored_status == status
    assert alarm.monitored_jobs == ["j"]
    assert alarm.minimum_interval == "5s"
    (definition,) = repository(alarm).bound.snapshot.sensors
    assert definition.watch.status.name == status.name.upper()
    assert definition.watch.jobs == ("j",)
    assert definition.interval == 5.0


@pytest.mark.parametrize("make", [rs.Sensor.run_failure, lambda f: rs.Sensor.run_failure(name="alarm")(f)])
def test_run_failure_is_a_run_status_sensor(make):
    def alarm(context: rs.RunStatusSensorContext):
        return None

    sensor = make(alarm)
    assert sensor.name == "alarm"
    assert sensor.monitored_status == rs.RunStatus.Failure
    assert sensor.monitored_jobs is None


@pytest.mark.parametrize("status", [rs.RunStatus.Queued, rs.RunStatus.NotStarted, rs.RunStatus.Started])
def test_unfinished_runs_are_not_watched(status):
    with pytest.raises(SensorDefinitionError) as caught:
        rs.Sensor.run_status(status)
    assert str(caught.value) == f"a run-status sensor watches Success, Failure or Canceled; got {status.name}"


def test_an_empty_list_of_jobs_is_refused():
    with pytest.raises(SensorDefinitionError, match="monitored_jobs is empty; pass None to watch every run"):
        rs.Sensor.run_failure(monitored_jobs=[])


def test_without_an_interval_it_is_thirty_seconds():
    (definition,) = repository(rs.Sensor(files, asset_selection=["a"])).bound.snapshot.sensors
    assert definition.interval == 30.0
    assert definition.assets == ("a",)
