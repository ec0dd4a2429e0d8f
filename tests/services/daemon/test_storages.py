"""A daemon over each kind of storage."""

from __future__ import annotations

import pytest

import rivers as rs
from tests.services.daemon.conftest import eventually

C = rs.AutomationCondition


@pytest.fixture(params=["embedded", "connect", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request, tmp_path):
    match request.param:
        case "embedded":
            return rs.Storage.embedded(str(tmp_path / "store"))
        case "postgres":
            return rs.Storage.connect(request.getfixturevalue("cluster").new_schema())
    return rs.Storage.connect(f"sqlite:///{tmp_path / 'rivers.db'}")


@pytest.mark.parametrize("queue", [None, rs.RunQueueConfig(dequeue_interval="20ms")], ids=["directly", "queue"])
def test_everything_ticks(daemon, place, queue):
    letters = rs.PartitionsDefinition.static_(["a", "b"])
    ended = []
    kinds = {"schedule", "sensor", "condition", "backfill"}

    @rs.Asset
    def up() -> int:
        return 1

    @rs.Asset(automation_condition=C.eager())
    def dn(up: int) -> int:
        return up

    @rs.Asset(automation_condition=C.on_missing(), partitions_def=letters)
    def parts() -> int:
        return 1

    schedule = rs.Schedule(
        name="times", cron_schedule="* * * * * *", job_name="j", default_status=rs.ScheduleStatus.Running
    )
    sensor = rs.Sensor(
        lambda context: rs.SensorResult([rs.RunRequest("k")], cursor="c"),
        name="looks",
        job_name="j",
        minimum_interval="100ms",
        default_status=rs.SensorStatus.Running,
    )
    alarm = rs.Sensor.run_status(
        rs.RunStatus.Success, name="ends", minimum_interval="100ms", default_status=rs.SensorStatus.Running
    )(lambda context: ended.append(context.run.launched_by))
    repo = rs.CodeRepository(
        [up, dn, parts],
        jobs=[rs.Job("j", [up])],
        schedules=[schedule],
        sensors=[sensor, alarm],
        default_executor=rs.Executor.in_process(),
        run_queue=queue,
    )
    one = daemon(repo, place)
    # What is asked for once may be over before the run-status sensor begins to watch; scheduled runs go on.
    eventually(lambda: ended and place.count_materialized_partitions("parts") == 2 and kinds == _that_succeeded(place))
    one.stop()
    for name in ("times", "looks", "ends", "dn", "parts"):
        assert place.get_ticks(name), name
    assert [run.launched_by for run in place.get_runs(limit=1000)].count(rs.LaunchedBy.sensor("looks")) == 1
    assert place.get_ticks("looks")[0].cursor == "c"


def _that_succeeded(place):
    return {run.launched_by.kind for run in place.get_runs(limit=1000, status="Success")}
