"""Both clients and the commands against a real scheduler and a real location."""

import json
import os
import subprocess
import sys

import pytest

from rivers.errors import AssetNotFoundError, JobNotFoundError, LocationNotFoundError, RunNotFoundError
from rivers.lifecycle.states import EventType, RunKind, RunState, StepState
from rivers_client import RunRequest
from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack

SOURCE = """
    @rs.Asset
    def numbers():
        print("counting")
        return [1, 2, 3]

    @rs.Asset
    def total(numbers):
        print("adding", len(numbers))
        return sum(numbers)

    @rs.Asset
    def broken():
        raise ValueError("boom")

    @rs.Asset
    def endless():
        mark("endless")
        time.sleep(600)

    repo = rs.CodeRepository(
        assets=[numbers, total, broken, endless],
        jobs=[rs.Job("sums", [numbers, total]), rs.Job("breaks", [broken]), rs.Job("hangs", [endless])],
    )
"""


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def stack(request, tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack"), database_url(request)) as stack:
        stack.start_scheduler()
        stack.start_location("team", SOURCE)
        yield stack


@pytest.fixture
def real(connect, stack):
    return connect(f"127.0.0.1:{stack.port}")


def test_a_job_runs_to_its_end(real):
    run = real.runs.submit("team", job="sums", tags={"a": "1"}, request_id=None)
    ended = run.wait(timeout=60)
    assert (ended.state, ended.kind, ended.job, ended.location) == (RunState.SUCCEEDED, RunKind.JOB, "sums", "team")
    assert [(step.key, step.state, step.attempt) for step in ended.steps] == [
        ("numbers", StepState.SUCCEEDED, 1),
        ("total", StepState.SUCCEEDED, 1),
    ]
    assert ended.tags == (("a", "1"),)
    assert ended.submitted_at <= ended.started_at <= ended.ended_at


def test_events_are_dense_and_end_with_the_run(real):
    run = real.runs.submit("team", job="sums")
    events = list(run.events(timeout=60))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (events[0].type, events[-1].type) == (EventType.RUN_QUEUED, EventType.RUN_SUCCEEDED)
    assert {event.step_key for event in events} == {None, "numbers", "total"}
    assert [event.seq for event in run.events(after=3, timeout=60)] == [event.seq for event in events[3:]]
    assert run.refresh().last_seq == len(events)


def test_output_comes_with_its_step(real):
    run = real.runs.submit("team", job="sums")
    chunks = list(run.logs(timeout=60))
    assert {(chunk.step_key, chunk.text) for chunk in chunks} == {("numbers", "counting\n"), ("total", "adding 3\n")}
    assert [chunk.text for chunk in run.logs(step="total", follow=False)] == ["adding 3\n"]


def test_a_failure_comes_as_data(real):
    ended = real.runs.submit("team", job="breaks").wait(timeout=60)
    assert (ended.state, ended.failure.message) == (RunState.FAILED, "ValueError: boom")
    assert ended.steps[0].failure.exception_types[0] == "builtins.ValueError"


def test_a_selection_with_everything_upstream(real):
    ended = real.runs.submit("team", select=["total"], include_upstream=True).wait(timeout=60)
    assert (ended.state, ended.kind, ended.nodes) == (RunState.SUCCEEDED, RunKind.MATERIALIZATION, ("numbers", "total"))


def test_a_request_id_makes_one_run(real):
    request = RunRequest("team", job="sums")
    first = real.runs.submit("team", job="sums", request_id=request.request_id)
    again = real.runs.submit("team", job="sums", request_id=request.request_id)
    (many,) = real.runs.submit_many([request])
    assert again.run_id == many.run_id == first.run_id
    assert again.existed
    assert many.existed


def test_many_at_once_are_listed_newest_first(real):
    handles = real.runs.submit_many([RunRequest("team", job="sums") for _ in range(30)] + [RunRequest("team", job="x")])
    assert isinstance(handles.pop(), JobNotFoundError)
    for handle in handles:
        assert handle.wait(timeout=60).succeeded
    listed = [run.run_id for run in real.runs.list(location="team", job="sums", limit=30)]
    assert set(listed) == {handle.run_id for handle in handles}
    assert [run.submitted_at for run in real.runs.list(limit=30)] == sorted(
        (run.submitted_at for run in real.runs.list(limit=30)), reverse=True
    )


def test_a_run_is_canceled(real, stack):
    run = real.runs.submit("team", job="hangs")
    next(event for event in run.events(timeout=60) if event.type == EventType.STEP_STARTED)
    assert run.cancel("enough").state in (RunState.CANCELING, RunState.CANCELED)
    assert run.wait(timeout=60).state == RunState.CANCELED
    assert run.cancel().state == RunState.CANCELED


@pytest.mark.parametrize(
    ("submission", "cls", "named"),
    [
        ({"location": "team", "job": "sum"}, JobNotFoundError, "sum"),
        ({"location": "tea", "job": "sums"}, LocationNotFoundError, "tea"),
        ({"location": "team", "select": ["totals"]}, AssetNotFoundError, "totals"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_stored(real, submission, cls, named):
    before = [run.run_id for run in real.runs.list(limit=1)]
    with pytest.raises(cls, match=f"'{named}'"):
        real.runs.submit(**submission)
    assert [run.run_id for run in real.runs.list(limit=1)] == before


def test_an_unknown_run_is_the_same_error_everywhere(real):
    handle = real.runs.submit("team", job="sums")
    handle.wait(timeout=60)
    for ask in (real.runs.get, real.runs.cancel):
        with pytest.raises(RunNotFoundError, match="'nope'"):
            ask("nope")


def test_the_catalog_is_listed(real):
    (location,) = real.locations.list()
    assert (location.name, location.state.name, location.module) == ("team", "READY", "team")
    assert (location.asset_count, location.job_count) == (4, 3)
    assert {asset.name: asset.upstream for asset in real.assets.list(location="team")} == {
        "broken": (),
        "endless": (),
        "numbers": (),
        "total": ("numbers",),
    }
    assert sorted(job.name for job in real.jobs.list()) == ["breaks", "hangs", "sums"]


def test_watching_goes_on_over_a_restart(connect, stack):
    client = connect(f"127.0.0.1:{stack.port}", patience=60)
    run = client.runs.submit("team", job="hangs")
    events = run.events(timeout=90)
    seen = [next(events)]
    while seen[-1].type != EventType.STEP_STARTED:
        seen.append(next(events))
    stack.kill_scheduler()
    stack.start_scheduler()
    client.runs.cancel(run.run_id)
    seen += events
    assert [event.seq for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].type == EventType.RUN_CANCELED
    stack.await_location("team")


def rivers(stack, *arguments):
    environment = {**os.environ, "RIVERS_SCHEDULER": f"127.0.0.1:{stack.port}"}
    return subprocess.run(
        [sys.executable, "-m", "rivers.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_commands_show_a_run_from_submission_to_end(stack):
    done = rivers(stack, "runs", "submit", "team", "--job", "sums", "--wait")
    assert done.returncode == 0, done.stderr
    run_id, *lines, last = done.stdout.splitlines()
    assert last.startswith(f"Run {run_id} succeeded after ")
    assert any("total succeeded" in line for line in lines)
    assert rivers(stack, "runs", "logs", run_id).stdout == "numbers | counting\ntotal | adding 3\n"
    assert json.loads(rivers(stack, "runs", "show", run_id, "--json").stdout)["state"] == "succeeded"
    assert rivers(stack, "runs", "submit", "team", "--job", "breaks", "--wait").returncode == 1
