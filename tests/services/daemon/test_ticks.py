"""Schedules and sensors that tick in this process."""

from __future__ import annotations

import asyncio
import os
import threading
from itertools import pairwise

import pytest

import rivers as rs
from rivers.automation.ticks import AutomationKind
from rivers.storage import automations
from tests.services.daemon import definitions
from tests.services.daemon.conftest import eventually

EVERY_SECOND = {"cron_schedule": "* * * * * *", "job_name": "j", "default_status": rs.ScheduleStatus.Running}
OFTEN = {"job_name": "j", "minimum_interval": "50ms", "default_status": rs.SensorStatus.Running}


@rs.Asset
def a() -> int:
    return 1


def repository(schedules=(), sensors=(), **options):
    options.setdefault("default_executor", rs.Executor.in_process())
    return rs.CodeRepository([a], jobs=[rs.Job("j", [a])], schedules=list(schedules), sensors=list(sensors), **options)


def runs_of(storage):
    return sorted(storage.get_runs(), key=lambda run: run.start_time)


@pytest.mark.parametrize("queue", [None, rs.RunQueueConfig(dequeue_interval="20ms")], ids=["directly", "queue"])
def test_a_schedule_launches_its_job(daemon, storage, queue):
    daemon(repository([rs.Schedule(tags={"team": "x"}, **EVERY_SECOND)], run_queue=queue))
    done = eventually(lambda: [run for run in runs_of(storage) if run.status == "Success"])
    assert done[0].job_name == "j"
    assert done[0].launched_by == rs.LaunchedBy.schedule("j_schedule")
    assert ("team", "x") in done[0].tags
    tick = storage.get_ticks("j_schedule")[-1]
    assert (tick.automation_type, tick.status, tick.automation_name) == ("Schedule", "Success", "j_schedule")
    assert (tick.skip_reason, tick.error, tick.cursor, tick.backfill_ids) == (None, None, None, [])
    assert tick.run_ids == [done[0].run_id]


def test_a_schedule_fires_at_each_time_from_the_start_on(daemon, storage):
    times = []
    daemon(
        repository(
            [rs.Schedule(lambda context: times.append(context.scheduled_execution_time), name="s", **EVERY_SECOND)]
        )
    )
    eventually(lambda: len(times) >= 3)
    seconds = [int(time[-3:-1]) for time in times[:3]]
    assert [(later - sooner) % 60 for sooner, later in pairwise(seconds)] == [1, 1]
    assert storage.get_ticks("s")[0].status == "Skipped"


@pytest.mark.parametrize(
    ("function", "status", "reason", "error"),
    [
        (lambda: rs.RunRequest(), "Success", None, None),
        (list, "Success", None, None),
        (lambda: rs.SkipReason("why"), "Skipped", "why", None),
        (lambda: None, "Skipped", "Eval fn didn't return a RunRequest, no reason provided", None),
        (lambda: {}["gone"], "Failed", None, "KeyError: 'gone'"),
        (
            lambda: rs.RunRequest(job_name="nope"),
            "Failed",
            None,
            "JobNotFoundError: Job 'nope' not found",
        ),
    ],
    ids=["request", "empty list", "skip", "nothing", "exception", "unknown job"],
)
def test_what_ticks_record(daemon, storage, function, status, reason, error):
    wrapped = (list) if function is list else function
    daemon(
        repository([rs.Schedule(wrapped, name="at times", **EVERY_SECOND)], [rs.Sensor(wrapped, name="often", **OFTEN)])
    )
    for name, kind in (("at times", "Schedule"), ("often", "Sensor")):
        tick = eventually(lambda name=name: storage.get_ticks(name))[-1]
        assert (tick.automation_type, tick.status, tick.skip_reason, tick.error) == (kind, status, reason, error)


def test_a_failed_tick_stops_nothing(daemon, storage):
    daemon(repository(sensors=[rs.Sensor(lambda: 1 / 0, name="s", **OFTEN)]))
    eventually(lambda: len(storage.get_ticks("s")) >= 3)
    assert {tick.error for tick in storage.get_ticks("s")} == {"ZeroDivisionError: division by zero"}


def test_without_a_function(daemon, storage):
    apart = rs.EvalMode.Subprocess
    daemon(
        repository(
            [rs.Schedule(name="s", eval_mode=apart, **EVERY_SECOND)],
            [rs.Sensor(name="t", eval_mode=apart, **OFTEN), rs.Sensor(name="u", **OFTEN)],
        )
    )
    assert eventually(lambda: storage.get_ticks("s"))[0].status == "Success"
    for name in ("t", "u"):
        tick = eventually(lambda name=name: storage.get_ticks(name))[0]
        assert tick.error == "ConfigurationError: Sensor has no evaluation function"


async def leaves():
    raise SystemExit(3)


def stops():
    raise StopIteration("over")


def asks_to_leave():
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "error"), [(leaves, "SystemExit: 3"), (asks_to_leave, "SystemExit: 3"), (stops, "StopIteration: over")]
)
def test_what_would_end_a_program_fails_a_tick(daemon, storage, function, error):
    daemon(repository(sensors=[rs.Sensor(function, name="s", **OFTEN), rs.Sensor(list, name="t", **OFTEN)]))
    eventually(lambda: len(storage.get_ticks("s")) >= 2)
    assert {tick.error for tick in storage.get_ticks("s")} == {error}
    seen = len(storage.get_ticks("t"))
    eventually(lambda: len(storage.get_ticks("t")) > seen)


def test_what_is_stopped_does_not_tick_until_somebody_starts_it(daemon, storage):
    stopped = {**OFTEN, "default_status": rs.SensorStatus.Stopped}
    daemon(
        repository(
            sensors=[rs.Sensor(list, name="off", **stopped), rs.Sensor(list, name="on", **OFTEN)],
            schedules=[rs.Schedule(**{**EVERY_SECOND, "default_status": rs.ScheduleStatus.Stopped})],
        )
    )
    eventually(lambda: len(storage.get_ticks("on")) >= 3)
    assert storage.get_ticks("off") == []
    for name in ("off", "on"):
        with storage.database.transaction() as connection:
            automations.set_running(connection, AutomationKind.SENSOR, name, name == "off")
    eventually(lambda: storage.get_ticks("off"))
    last = eventually(lambda: storage.get_ticks("on"))[0].id
    eventually(lambda: len(storage.get_ticks("off")) >= 4)
    assert storage.get_ticks("on")[0].id == last
    assert storage.get_ticks("j_schedule") == []


def test_a_run_key_launches_once_for_each_automation(daemon, tmp_path):
    place = str(tmp_path / "store")

    def asks():
        return [rs.RunRequest(run_key="same"), rs.RunRequest(run_key="same")]

    for _ in range(2):  # what a daemon launched is known to the next one
        storage = rs.Storage.embedded(place)
        sensors = [rs.Sensor(asks, name=name, **OFTEN) for name in ("one", "two")]
        ticks = len(storage.get_ticks("one")) + 3
        one = daemon(repository(sensors=sensors), storage)
        eventually(lambda s=storage, n=ticks: min(len(s.get_ticks("one")), len(s.get_ticks("two"))) >= n)
        one.stop()
        runs = runs_of(storage)
        assert sorted(run.launched_by.name for run in runs) == ["one", "two"]
        assert [tick.run_ids for tick in storage.get_ticks("one")][:-1] == [[]] * (len(storage.get_ticks("one")) - 1)
        assert storage.get_ticks("one")[-1].run_ids == [run.run_id for run in runs if run.launched_by.name == "one"]
        storage.database.close()


def test_without_a_run_key_each_request_launches(daemon, storage):
    daemon(repository(sensors=[rs.Sensor(lambda: rs.RunRequest(), name="s", **OFTEN)]))
    eventually(lambda: len(runs_of(storage)) >= 3)


def test_tags_and_priority_of_a_request(daemon, storage):
    def asks():
        return rs.RunRequest(run_key="k", tags={"own": "request", "rivers/priority": "7"})

    daemon(repository(sensors=[rs.Sensor(asks, name="s", tags={"own": "sensor", "other": "x"}, **OFTEN)]))
    run = eventually(lambda: runs_of(storage))[0]
    assert dict(run.tags) == {"own": "request", "other": "x", "rivers/priority": "7"}
    assert run.priority == 7


def test_a_sensor_about_assets_launches_them(daemon, storage):
    about = {"minimum_interval": "50ms", "default_status": rs.SensorStatus.Running, "asset_selection": ["a"]}
    daemon(repository(sensors=[rs.Sensor(lambda: rs.RunRequest("k"), name="s", **about)]))
    run = eventually(lambda: runs_of(storage))[0]
    assert (run.job_name, run.node_names, run.launched_by) == (None, ["a"], rs.LaunchedBy.sensor("s"))


def test_cursors_are_kept(daemon, tmp_path):
    told = []
    answers = iter(
        [
            lambda: rs.SensorResult(cursor="1"),
            lambda: None,
            lambda: rs.SkipReason("x"),
            lambda: 1 / 0,
            lambda: rs.SensorResult([rs.RunRequest()], cursor="2"),
            lambda: rs.SensorResult(skip_reason="y", cursor="3"),
        ]
    )

    def asks(context: rs.SensorEvaluationContext):
        told.append((context.cursor, context.last_tick_time))
        return next(answers, list)()

    storage = rs.Storage.embedded(str(tmp_path / "store"))
    one = daemon(repository(sensors=[rs.Sensor(asks, name="s", **OFTEN)]), storage)
    eventually(lambda: len(storage.get_ticks("s")) >= 7)
    one.stop()
    assert [cursor for cursor, _ in told[:7]] == [None, "1", "1", "1", "1", "2", "3"]
    ticks = storage.get_ticks("s")[::-1]
    assert [tick.cursor for tick in ticks[:7]] == ["1", "1", "1", "1", "2", "3", "3"]
    assert told[0][1] is None
    assert told[1][1] == pytest.approx(ticks[0].timestamp / 1e9)
    storage.database.close()
    storage = rs.Storage.embedded(str(tmp_path / "store"))
    before = len(told)
    daemon(repository(sensors=[rs.Sensor(asks, name="s", **OFTEN)]), storage)
    eventually(lambda: len(told) > before)
    assert told[before][0] == "3"


def test_only_so_many_ticks_are_kept(daemon, storage):
    daemon(repository(sensors=[rs.Sensor(list, name="s", **OFTEN)]), max_ticks_retained=3)
    newest = eventually(lambda: storage.get_ticks("s"))[0].id
    eventually(lambda: int(storage.get_ticks("s")[0].id) > int(newest) + 4)
    assert len(storage.get_ticks("s")) == 3


def test_evaluations_of_one_sensor_never_overlap(daemon, storage):
    inside, most = [], []
    release = threading.Event()

    def slow():
        inside.append(1)
        most.append(len(inside))
        release.wait(0.2)
        inside.pop()

    daemon(repository(sensors=[rs.Sensor(slow, name="s", eval_timeout="50ms", **OFTEN)]))
    eventually(lambda: len(most) >= 4)
    release.set()
    assert max(most) == 1


def test_a_slow_sensor_holds_nobody_up(daemon, storage):
    release = threading.Event()
    daemon(
        repository(
            sensors=[
                rs.Sensor(lambda: release.wait(60) and None, name="slow", **OFTEN),
                rs.Sensor(list, name="quick", **OFTEN),
            ]
        )
    )
    eventually(lambda: len(storage.get_ticks("quick")) >= 3)
    assert storage.get_ticks("slow") == []
    release.set()


@pytest.mark.parametrize("mode", [rs.EvalMode.Auto, rs.EvalMode.InProcess])
def test_coroutines_run_on_the_loop_and_functions_on_threads(daemon, storage, mode):
    places = {}

    async def later():
        await asyncio.sleep(0)
        places["coroutine"] = threading.current_thread().name
        return rs.RunRequest("k")

    def now():
        places["function"] = threading.current_thread().name

    daemon(
        repository(
            sensors=[
                rs.Sensor(later, name="later", eval_mode=mode, **OFTEN),
                rs.Sensor(now, name="now", eval_mode=mode, **OFTEN),
            ]
        )
    )
    eventually(lambda: len(storage.get_ticks("later")) and len(storage.get_ticks("now")))
    assert places == {"coroutine": "rivers-daemon", "function": "rivers-evaluation"}
    assert storage.get_ticks("later")[-1].status == "Success"


async def forever():
    await asyncio.sleep(3600)


@pytest.mark.parametrize("function", [forever, lambda: threading.Event().wait(1.0)], ids=["coroutine", "function"])
def test_an_evaluation_that_takes_too_long_fails(daemon, storage, function):
    daemon(
        repository(
            [rs.Schedule(function, name="s", eval_timeout="50ms", **EVERY_SECOND)],
            [rs.Sensor(function, name="t", eval_timeout="50ms", **OFTEN)],
        )
    )
    for noun, name in (("Schedule", "s"), ("Sensor", "t")):
        tick = eventually(lambda name=name: storage.get_ticks(name))[-1]
        assert tick.status == "Failed"
        assert tick.error == f"TimeoutError: {noun} '{name}' eval timed out after 50ms"


def test_evaluations_in_worker_processes(daemon, storage):
    sensors = [definitions.apart, definitions.failing_apart, definitions.later_apart, definitions.endless_apart]
    sensors.append(definitions.configured_apart)
    repo = repository(sensors=sensors)
    daemon(repo)
    run = eventually(lambda: runs_of(storage))[0]
    tags = dict(run.tags)
    assert tags["told"] == "apart"
    assert int(tags["pid"]) != os.getpid()
    ticks = {one.name: eventually(lambda name=one.name: storage.get_ticks(name))[-1] for one in sensors}
    assert ticks["failing_apart"].error == "LookupError: over there"
    assert ticks["later_apart"].skip_reason == "not now"
    assert ticks["configured_apart"].skip_reason == "None"
    assert repo.evaluate_sensor("configured_apart").skip_reason.message == "Settings(rows=7)"
    assert ticks["endless_apart"].error == "TimeoutError: Sensor 'endless_apart' eval timed out after 500ms"


@pytest.mark.parametrize(
    ("function", "text"),
    [(lambda: None, "needs an importable function"), (lambda db: None, "has no resources: parameter 'db'")],
)
def test_what_a_worker_process_cannot_evaluate(daemon, storage, function, text):
    sensor = rs.Sensor(function, name="s", eval_mode=rs.EvalMode.Subprocess, **OFTEN)
    daemon(repository(sensors=[sensor], resources={"db": 1}))
    tick = eventually(lambda: storage.get_ticks("s"))[0]
    assert tick.status == "Failed"
    assert text in tick.error


def test_resources_are_given(daemon, storage):
    daemon(repository(sensors=[rs.Sensor(lambda db: rs.SkipReason(db), name="s", **OFTEN)], resources={"db": "here"}))
    assert eventually(lambda: storage.get_ticks("s"))[0].skip_reason == "here"
