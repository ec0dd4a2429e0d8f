"""`RunService` against a real scheduler and location."""

from __future__ import annotations

import pytest

from rivers.errors import ConfigurationError
from tests.stack import Stack


def test_a_job_runs_and_tells_its_story(stack: Stack) -> None:
    run = stack.client.runs.submit("team", job="totals", tags={"team": "a"})
    ended = run.wait(timeout=30)
    assert ended.state.name == "SUCCEEDED"
    assert ended.nodes == ("numbers", "total")
    assert (ended.completed_steps, ended.total_steps) == (2, 2)
    events = list(run.events())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    positions = [event.position for event in events]
    assert positions == sorted(positions)
    assert [event.type.name for event in events] == [
        "RUN_QUEUED",
        "RUN_DEQUEUED",
        "RUN_STARTED",
        *["STEP_STARTED", "MATERIALIZED", "STEP_SUCCEEDED"] * 2,
        "RUN_SUCCEEDED",
    ]
    assert [step.state.name for step in run.refresh().steps] == ["SUCCEEDED", "SUCCEEDED"]


def test_watching_starts_after_any_event(stack: Stack) -> None:
    run = stack.client.runs.submit("team", job="totals")
    run.wait(timeout=30)
    everything = list(run.events())
    assert list(run.events(after=4)) == everything[4:]


def test_logs_are_complete_when_the_run_is_over(stack: Stack) -> None:
    run = stack.client.runs.submit("team", job="totals")
    run.wait(timeout=30)
    chunks = list(run.logs())
    assert {(chunk.step_key, chunk.stream.name) for chunk in chunks} == {("total", "STDOUT")}
    assert "".join(chunk.text for chunk in chunks) == "summing\n"


def test_a_failed_step_tells_type_and_message_and_skips_what_follows(stack: Stack) -> None:
    run = stack.client.runs.submit("team", job="doomed")
    ended = run.wait(timeout=30)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert ended.failure.message == "ValueError: no such thing"
    assert ended.failure.exception_types[0] == "builtins.ValueError"
    assert [step.state.name for step in run.refresh().steps] == ["FAILED", "SKIPPED"]
    skipped = next(event for event in run.events() if event.type.name == "STEP_SKIPPED")
    assert skipped.failure is not None
    assert skipped.failure.reason.name == "UPSTREAM_FAILED"
    assert "raise ValueError" in "".join(chunk.text for chunk in run.logs())


def test_a_selection_runs_what_is_named_and_what_it_needs(stack: Stack) -> None:
    run = stack.client.runs.submit("team", select=["total"], include_upstream=True)
    assert run.wait(timeout=30).nodes == ("numbers", "total")


def test_a_request_id_makes_one_run(stack: Stack) -> None:
    first = stack.client.runs.submit("team", job="totals", request_id="the-same")
    second = stack.client.runs.submit("team", job="totals", request_id="the-same")
    assert first.run_id == second.run_id
    assert (first.existed, second.existed) == (False, True)


def test_pages_hold_every_run_once_newest_first(stack: Stack) -> None:
    made = [stack.client.runs.submit("team", job="totals").run_id for _ in range(7)]
    listed = [run.run_id for run in stack.client.runs.list(limit=200)]
    assert len(listed) == len(set(listed))
    assert [run_id for run_id in listed if run_id in made] == made[::-1]


def test_assets_and_jobs_are_listed_with_what_was_stored_last(stack: Stack) -> None:
    run = stack.client.runs.submit("team", job="totals")
    run.wait(timeout=30)
    assets = {asset.name: asset for asset in stack.client.assets.list(location="team")}
    assert sorted(assets) == ["after", "broken", "configured", "numbers", "total"]
    assert assets["total"].upstream == ("numbers",)
    assert assets["total"].last_run_id
    assert assets["broken"].last_run_id in (None, "")
    assert [job.name for job in stack.client.jobs.list()] == ["doomed", "pods", "totals"]


def test_config_reaches_the_step_in_both_of_its_forms(stack: Stack) -> None:
    for config in ({"configured": {"count": 3}}, {"assets": {"configured": {"config": {"count": 3}}}}):
        run = stack.client.runs.submit("team", select=["configured"], config=config)
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert "".join(chunk.text for chunk in run.logs()) == "count 3\n"


def test_config_that_names_what_does_not_run_is_refused(stack: Stack) -> None:
    with pytest.raises(ConfigurationError, match="'total'"):
        stack.client.runs.submit("team", select=["configured"], config={"assets": {"total": {"config": {}}}})
