"""Evaluating schedules and sensors from a program."""

from __future__ import annotations

import logging
import re

import pydantic
import pytest

import rivers as rs
from rivers.exceptions import ConfigurationError, ExecutionError, NodeNotFoundError

HOURLY = {"cron_schedule": "0 * * * *", "job_name": "j"}
BACKFILL = rs.BackfillRequest(["a"])


@rs.Asset
def a() -> int:
    return 1


class Limits(pydantic.BaseModel):
    rows: int = 7


@pytest.fixture
def schedule():
    """Evaluates a function as the schedule `s`, with resources."""

    def evaluate(function, time=None, **resources):
        repo = rs.CodeRepository(
            [a], jobs=[rs.Job("j", [a])], schedules=[rs.Schedule(function, name="s", **HOURLY)], resources=resources
        )
        result = repo.evaluate_schedule("s", time)
        assert repo.storage.get_runs() == []
        assert repo.storage.get_ticks("s") == []
        return result

    return evaluate


@pytest.fixture
def sensor():
    """Evaluates a function as the sensor `s`, with resources."""

    def evaluate(function, cursor=None, last_tick_time=None, resources=None, **options):
        made = rs.Sensor(function, name="s", **(options or {"job_name": "j"}))
        repo = rs.CodeRepository([a], jobs=[rs.Job("j", [a])], sensors=[made], resources=resources)
        return repo.evaluate_sensor("s", cursor, last_tick_time)

    return evaluate


def yields(*items):
    def function():
        yield from items

    return function


RETURNS = [
    pytest.param(lambda: rs.RunRequest("k"), [rs.RunRequest("k", job_name="j")], None, id="one"),
    pytest.param(lambda: rs.RunRequest(job_name="x"), [rs.RunRequest(job_name="x")], None, id="another job"),
    pytest.param(lambda: BACKFILL, [BACKFILL], None, id="backfill"),
    pytest.param(
        lambda: [rs.RunRequest("1"), BACKFILL, rs.RunRequest("2")],
        [rs.RunRequest("1", job_name="j"), BACKFILL, rs.RunRequest("2", job_name="j")],
        None,
        id="list",
    ),
    pytest.param(
        yields(rs.RunRequest("1"), rs.RunRequest("2")),
        [rs.RunRequest("1", job_name="j"), rs.RunRequest("2", job_name="j")],
        None,
        id="generator",
    ),
    pytest.param(list, [], None, id="empty list"),
    pytest.param(lambda: rs.SkipReason("why"), [], rs.SkipReason("why"), id="skip"),
    pytest.param(lambda: rs.SkipReason(), [], rs.SkipReason(""), id="skip without a message"),
    pytest.param(
        lambda: None, [], rs.SkipReason("Eval fn didn't return a RunRequest, no reason provided"), id="nothing"
    ),
]


@pytest.mark.parametrize(("function", "requests", "reason"), RETURNS)
def test_what_a_schedule_returns(schedule, function, requests, reason):
    result = schedule(function)
    assert result.schedule_name == "s"
    assert result.run_requests == requests
    assert result.skip_reason == reason


@pytest.mark.parametrize(("function", "requests", "reason"), RETURNS)
def test_what_a_sensor_returns(sensor, function, requests, reason):
    result = sensor(function, cursor="old")
    assert result.sensor_name == "s"
    assert result.run_requests == requests
    assert result.skip_reason == reason
    assert result.cursor is None


@pytest.mark.parametrize(
    ("result", "requests", "reason", "cursor"),
    [
        (rs.SensorResult(), [], None, None),
        (rs.SensorResult(cursor="5"), [], None, "5"),
        (rs.SensorResult([rs.RunRequest("k")], cursor="5"), [rs.RunRequest("k", job_name="j")], None, "5"),
        (rs.SensorResult([], skip_reason="why", cursor="5"), [], rs.SkipReason("why"), "5"),
    ],
)
def test_results_of_a_sensor(sensor, result, requests, reason, cursor):
    found = sensor(lambda: result)
    assert (found.run_requests, found.skip_reason, found.cursor) == (requests, reason, cursor)


def test_a_sensor_about_assets_asks_for_runs_without_a_job(sensor):
    assert sensor(lambda: rs.RunRequest("k"), asset_selection=["a"]).run_requests == [rs.RunRequest("k")]


async def later():
    return rs.RunRequest()


async def drawn():
    yield rs.RunRequest()


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda: 3, "int"),
        (lambda: "x", "str"),
        (lambda: {1: 2}, "dict"),
        (later, "coroutine"),
        (drawn, "async_generator"),
    ],
)
def test_what_a_function_must_not_return(schedule, sensor, function, got):
    with pytest.raises(ExecutionError) as caught:
        schedule(function)
    assert str(caught.value) == (
        f"Schedule evaluation function must return RunRequest, BackfillRequest, SkipReason, list, or None; got {got}"
    )
    with pytest.raises(ExecutionError) as caught:
        sensor(function)
    assert re.fullmatch(f"Sensor evaluation function must return .*; got {got}", str(caught.value))


def test_a_schedule_returns_no_sensor_result(schedule):
    with pytest.raises(ExecutionError, match="got SensorResult"):
        schedule(lambda: rs.SensorResult())


@pytest.mark.parametrize(("item", "kind"), [(rs.SkipReason("x"), "SkipReason"), (None, "NoneType"), (1, "int")])
@pytest.mark.parametrize("wrap", [lambda item: [item], lambda item: iter([rs.RunRequest(), item])])
def test_what_a_list_must_not_hold(schedule, sensor, wrap, item, kind):
    with pytest.raises(ExecutionError) as caught:
        schedule(lambda: wrap(item))
    assert str(caught.value) == (f"Schedule evaluation function returned a list containing unsupported item: {kind}")
    with pytest.raises(ExecutionError) as caught:
        sensor(lambda: wrap(item))
    assert str(caught.value) == f"Sensor evaluation function returned a list containing unsupported item: {kind}"
    with pytest.raises(ExecutionError, match=f"Sensor .* unsupported item: {kind}"):
        sensor(lambda: rs.SensorResult([item]))


def test_without_a_function_a_schedule_asks_for_its_job():
    repo = rs.CodeRepository([a], jobs=[rs.Job("j", [a])], schedules=[rs.Schedule(**HOURLY)])
    assert repo.evaluate_schedule("j_schedule").run_requests == [rs.RunRequest(job_name="j")]


def test_without_a_function_a_sensor_cannot_be_evaluated():
    repo = rs.CodeRepository([a], jobs=[rs.Job("j", [a])], sensors=[rs.Sensor(name="s", job_name="j")])
    with pytest.raises(ConfigurationError, match=r"^Sensor has no evaluation function$"):
        repo.evaluate_sensor("s")


def test_what_a_schedule_is_told(schedule, caplog):
    seen = []

    def function(context: rs.ScheduleEvaluationContext):
        context.log.warning("looked")
        seen.append((context.scheduled_execution_time, context.schedule_name, context.config, context.log.name))

    schedule(function, "whenever")
    schedule(function)
    assert seen[0] == ("whenever", "s", None, "rivers.schedules.s")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen[1][0])
    assert [record.name for record in caplog.records] == ["rivers.schedules.s"] * 2


def test_what_a_sensor_is_told(sensor, caplog):
    seen = []

    def function(context: rs.SensorEvaluationContext):
        context.log.warning("looked")
        seen.append((context.sensor_name, context.cursor, context.last_tick_time, context.config, context.log.name))

    sensor(function)
    sensor(function, "c", 12.5)
    assert seen == [("s", None, None, None, "rivers.sensors.s"), ("s", "c", 12.5, None, "rivers.sensors.s")]
    assert caplog.records[0].levelno == logging.WARNING


def test_configuration_is_typed(schedule, sensor):
    seen = []

    def at_a_time(context: rs.ScheduleEvaluationContext[Limits]):
        seen.append(context.config)

    def on_change(context: rs.SensorEvaluationContext[Limits]):
        seen.append(context.config)

    schedule(at_a_time)
    sensor(on_change)
    assert seen == [Limits(rows=7), Limits(rows=7)]


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda context: seen_names.append(context.schedule_name), id="by its name"),
        pytest.param(lambda context, db: seen_names.append(context.schedule_name), id="before a resource"),
    ],
)
def test_a_context_is_known_by_its_name(schedule, function):
    seen_names.clear()
    schedule(function, db=1)
    assert seen_names == ["s"]


seen_names: list[str] = []


def test_resources_are_given_by_name(schedule, sensor):
    seen = []

    def function(db, /, *, api, other=3):
        seen.append((db, api, other))

    schedule(function, db=1, api=2)
    sensor(function, resources={"db": 4, "api": 5, "other": 6})
    assert seen == [(1, 2, 3), (4, 5, 6)]


def test_resources_are_set_up_first():
    log = []

    class Db(rs.Resource):
        def setup(self) -> None:
            log.append("setup")

    def function(db: Db):
        log.append("evaluated")

    repo = rs.CodeRepository(
        [a], jobs=[rs.Job("j", [a])], schedules=[rs.Schedule(function, name="s", **HOURLY)], resources={"db": Db()}
    )
    repo.evaluate_schedule("s")
    assert log == ["setup", "evaluated"]


def test_exceptions_pass_through(schedule, sensor):
    def fails():
        raise KeyError("mine")

    def fails_late():
        yield rs.RunRequest()
        raise KeyError("mine")

    for evaluate in (schedule, sensor):
        for function in (fails, fails_late):
            with pytest.raises(KeyError, match="mine"):
                evaluate(function)


def test_unknown_names():
    repo = rs.CodeRepository([a], jobs=[rs.Job("j", [a])], schedules=[rs.Schedule(name="nightly", **HOURLY)])
    with pytest.raises(NodeNotFoundError, match=r"^Schedule 'nightyl' not found") as caught:
        repo.evaluate_schedule("nightyl")
    assert caught.value.remedy == "did you mean 'nightly'?"
    with pytest.raises(NodeNotFoundError, match=r"^Sensor 's' not found"):
        repo.evaluate_sensor("s")


def test_contexts_can_be_made_for_tests():
    context = rs.ScheduleEvaluationContext("2026-01-01T00:00:00Z", "s", config=Limits())
    assert (context.scheduled_execution_time, context.schedule_name) == ("2026-01-01T00:00:00Z", "s")
    assert context.config.rows == 7
    sensor = rs.SensorEvaluationContext("s", cursor="c", last_tick_time=1.0)
    assert (sensor.sensor_name, sensor.cursor, sensor.last_tick_time, sensor.config) == ("s", "c", 1.0, None)
