"""What evaluation functions ask for."""

import pytest

import rivers as rs
from rivers.exceptions import ResultDefinitionError


def test_a_run_request():
    empty = rs.RunRequest()
    assert (empty.run_key, empty.tags, empty.partition_key, empty.job_name) == (None, None, None, None)
    full = rs.RunRequest("k", {"a": "b"}, "2026-01-01", "j")
    assert (full.run_key, full.tags, full.partition_key, full.job_name) == ("k", {"a": "b"}, "2026-01-01", "j")
    assert full == rs.RunRequest(run_key="k", tags={"a": "b"}, partition_key="2026-01-01", job_name="j")
    assert full != empty
    assert repr(empty) == "RunRequest(run_key=None, tags=None, partition_key=None, job_name=None)"


def test_a_backfill_request():
    request = rs.BackfillRequest(["a"])
    assert request.selection == ["a"]
    assert request.max_concurrency == 4
    for name in ("partition_keys", "partition_range", "strategy", "failure_policy", "tags", "action"):
        assert getattr(request, name) is None


def test_a_skip_reason():
    assert rs.SkipReason().message == ""
    assert rs.SkipReason("why").message == "why"
    assert rs.SkipReason("why") == rs.SkipReason(message="why")


def test_a_sensor_result():
    empty = rs.SensorResult()
    assert (empty.run_requests, empty.skip_reason, empty.cursor) == (None, None, None)
    request = rs.RunRequest("k")
    assert rs.SensorResult([request], cursor="c").run_requests == [request]
    assert rs.SensorResult((request,)).run_requests == [request]
    assert rs.SensorResult(skip_reason="why").skip_reason == rs.SkipReason("why")
    assert rs.SensorResult([], skip_reason=rs.SkipReason("why"), cursor="c").skip_reason.message == "why"


def test_requests_and_a_reason_for_none_contradict_each_other():
    with pytest.raises(ResultDefinitionError) as caught:
        rs.SensorResult([rs.RunRequest()], skip_reason="why")
    assert str(caught.value) == "SensorResult cannot have both run_requests and skip_reason"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rs.RunRequest(partition_key=rs.PartitionKey.single("a")),
        lambda: rs.RunRequest(run_key=1),
        lambda: rs.RunRequest(tags={"a": 1}),
        lambda: rs.RunRequest(job_name=rs.Job),
        lambda: rs.BackfillRequest(),
        lambda: rs.BackfillRequest("a"),
        lambda: rs.BackfillRequest(None),
        lambda: rs.BackfillRequest(["a"], tags=[("a", "b")]),
        lambda: rs.BackfillRequest(["a"], max_concurrency="4"),
        lambda: rs.SkipReason(None),
        lambda: rs.SensorResult(rs.RunRequest()),
        lambda: rs.SensorResult(cursor=3),
        lambda: rs.SensorResult(skip_reason=3),
        rs.ScheduleTickResult,
        rs.SensorTickResult,
        rs.StepFailure,
        rs.RunStatusSensorContext,
    ],
)
def test_wrong_types_are_refused(make):
    with pytest.raises(TypeError):
        make()
