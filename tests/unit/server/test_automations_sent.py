"""Schedules, sensors and conditions as a location sends them: taken, or refused with what is wrong with them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

import rivers as rs
from rivers.definitions.automation_snapshot import RunStatusWatch, ScheduleDefinition, SensorDefinition
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.kinds import ConditionKind, WatchedStatus
from rivers.definitions.snapshot import Snapshot
from rivers.errors import InvalidRequestError
from rivers.wire.definitions import encode_snapshot
from rivers_server.links.definitions import take_definitions

C = rs.AutomationCondition


@rs.Asset(automation_condition=C.on_cron("@daily", "Europe/Madrid") & ~C.missing().on_selected("a"))
def a() -> int:
    return 1


SNAPSHOT = rs.CodeRepository(
    [a],
    jobs=[rs.Job("j", [a])],
    schedules=[rs.Schedule(cron_schedule="0 6 * * 1-5", job_name="j", timezone="Europe/Madrid")],
    sensors=[
        rs.Sensor(lambda: None, name="s", job_name="j"),
        rs.Sensor(lambda: None, name="t", asset_selection=["a"]),
        rs.Sensor.run_failure(name="u", monitored_jobs=["j"])(lambda context: None),
    ],
).bound.snapshot


def take(snapshot: Snapshot) -> Snapshot:
    header, *slices = encode_snapshot(snapshot)
    return take_definitions("team", header.header, [part.slice for part in slices])


def schedule(**fields: object) -> Snapshot:
    return replace(SNAPSHOT, schedules=(replace(ScheduleDefinition("s", "@daily", "j"), **fields),))  # type: ignore[arg-type]


def sensor(**fields: object) -> Snapshot:
    return replace(SNAPSHOT, sensors=(replace(SensorDefinition("s", "j"), **fields),))  # type: ignore[arg-type]


def condition(**fields: object) -> Snapshot:
    node = replace(ConditionDefinition(ConditionKind.CRON_TICK_PASSED, cron="@daily"), **fields)  # type: ignore[arg-type]
    inner = ConditionDefinition(ConditionKind.NOT, (node,))
    return replace(SNAPSHOT, steps=(replace(SNAPSHOT.steps[0], automation=inner),))


def test_what_a_repository_declares_is_taken() -> None:
    taken = take(SNAPSHOT)
    assert (taken.schedules, taken.sensors, taken.steps) == (SNAPSHOT.schedules, SNAPSHOT.sensors, SNAPSHOT.steps)
    for made in (schedule(), sensor(), condition()):
        take(made)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (schedule(name=""), "a schedule has a name of 0 characters"),
        (schedule(name="x" * 501), "a schedule has a name of 501 characters"),
        (sensor(name="a\0b"), "a sensor has a name of 3 characters"),
        (schedule(job="gone"), "schedule 's' is for job 'gone', which is not defined"),
        (sensor(job="gone"), "sensor 's' is for job 'gone', which is not defined"),
        (schedule(timeout=math.nan), "schedule 's' may take nan seconds"),
        (schedule(cron="60 * * * *"), "schedule 's' has the cron expression '60 * * * *'"),
        (schedule(cron="1," * 1000 + "1 * * * *"), "200 are possible"),
        (schedule(timezone="Mars/Olympus"), "schedule 's' has the time zone 'Mars/Olympus'"),
        (sensor(interval=-1.0), "sensor 's' is evaluated every -1.0 seconds"),
        (sensor(interval=math.inf), "every inf seconds"),
        (sensor(assets=("gone",)), "sensor 's' is about 'gone', which is not defined"),
        (sensor(watch=RunStatusWatch(WatchedStatus.FAILURE, ("gone",))), "watches job 'gone'"),
        (condition(cron="nonsense"), "the condition of 'a' has the cron expression 'nonsense'"),
        (condition(cron=""), "the condition of 'a' has the cron expression ''"),
        (condition(timezone="x"), "the condition of 'a' has the time zone 'x'"),
        (condition(lookback=-1.0), "the condition of 'a' looks -1.0 seconds back"),
        (condition(keys=("gone",)), "the condition of 'a' selects 'gone'"),
    ],
)
def test_what_no_tick_could_be_made_of_is_refused(snapshot: Snapshot, words: str) -> None:
    with pytest.raises(InvalidRequestError, match="location 'team' sent definitions that cannot be taken") as raised:
        take(snapshot)
    assert words in str(raised.value)
