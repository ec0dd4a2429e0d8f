"""What both servers say of themselves."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.stack import RIVERS, Program, Stack


def events(program: Program) -> list[dict[str, object]]:
    """Its lines of JSON, all that are whole by now."""
    return [json.loads(line) for line in program.stderr().split("\n")[:-1]]


def named(program: Program, event: str) -> list[dict[str, object]]:
    """The events of a name."""
    return [found for found in events(program) if found["event"] == event]


def started(stack: Stack, *options: str) -> tuple[Program, Program]:
    """Both servers with these options."""
    stack.start_scheduler(*options)
    location = stack.start_location("team", options=options)
    assert stack.scheduler is not None
    return stack.scheduler, location


def test_a_run_is_followed_through_both_logs_by_its_ids(stack: Stack) -> None:
    scheduler, location = started(stack, "--log-level", "debug", "--log-format", "json")
    run = stack.client.runs.submit("team", job="totals").wait()
    stack.until(lambda: len(named(scheduler, "run_ended")) == 1, "the end of the run")
    for name in ("run_queued", "run_admitted", "run_ended"):
        assert [event["run_id"] for event in named(scheduler, name)] == [run.run_id], name
    assigned = named(scheduler, "attempt_assigned")
    assert [(event["step_key"], event["attempt"]) for event in assigned] == [("numbers", 1), ("total", 1)]
    for name in ("attempt_received", "attempt_started", "attempt_ended"):
        fields = ("run_id", "step_key", "attempt", "token")
        theirs = [[event[field] for field in fields] for event in named(location, name)]
        assert theirs == [[run.run_id, event["step_key"], 1, event["token"]] for event in assigned], name
    assert {event["location"] for event in events(location)} == {"team"}
    assert all({"event", "level", "timestamp"} <= event.keys() for event in events(scheduler) + events(location))


def test_info_is_sessions_and_runs_and_no_transitions(stack: Stack) -> None:
    scheduler, location = started(stack, "--log-level", "info", "--log-format", "json")
    stack.client.runs.submit("team", job="totals").wait()
    stack.until(lambda: named(scheduler, "run_ended"), "the end of the run")
    assert {"location_registered", "session_opened", "run_admitted", "run_ended"} <= {
        str(event["event"]) for event in events(scheduler)
    }
    assert {event["level"] for event in events(scheduler) + events(location)} == {"info"}
    (opened,) = named(location, "session_opened")
    assert opened["session"] == named(scheduler, "session_opened")[0]["session"]


def test_by_default_what_goes_well_is_not_spoken_of(stack: Stack) -> None:
    scheduler, location = started(stack)
    stack.client.runs.submit("team", job="totals").wait()
    assert (scheduler.stderr(), location.stderr()) == ("", "")


def test_a_worker_that_dies_and_an_attempt_that_is_lost_are_warned_of(stack: Stack) -> None:
    scheduler, location = started(stack, "--log-format", "json")
    run = stack.client.runs.submit("team", job="deadly").wait()
    deaths = named(location, "worker_ended")
    assert deaths
    assert all((event["level"], event["run_id"]) == ("warning", run.run_id) for event in deaths)
    assert "code 3" in str(deaths[0]["exit"])
    run = stack.client.runs.submit("team", job="slow")
    stack.until(lambda: stack.marks("team"), "the step")
    location.kill()
    stack.start_location("team", options=("--log-format", "json"))
    lost = stack.until(lambda: named(scheduler, "attempt_lost"), "the lost attempt")
    assert (lost[0]["level"], lost[0]["step_key"], lost[0]["attempt"]) == ("warning", "waiting", 1)
    (stack.directory / "go").touch()
    run.wait()


def test_text_for_people_is_an_event_where_lines_are_json(stack: Stack) -> None:
    stack.start_scheduler("--log-format", "json")
    stack.start_location("team")
    stack.write_module("other", 'print("loading")\nrepo = rs.CodeRepository(assets=[], jobs=[])')
    third = stack.start_location(
        "other", options=("--name", "team", "--data-dir", "data-third", "--log-format", "json"), await_ready=False
    )
    refused = stack.until(lambda: named(third, "registration_refused"), "the refusal")
    assert "already served" in str(refused[0]["text"])
    stack.until(lambda: any(one["text"] == "loading" for one in named(third, "text_written")), "what the module prints")
    assert stack.scheduler is not None
    assert named(stack.scheduler, "registration_refused")[0]["location"] == "team"


@pytest.mark.parametrize("command", [("scheduler",), ("serve", "json")])
@pytest.mark.parametrize("option", ["--log-level", "--log-format"])
def test_a_word_that_is_no_level_or_format_is_named(command: tuple[str, ...], option: str, tmp_path: Path) -> None:
    arguments = [RIVERS, *command, option, "loud"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert option in done.stderr
    assert "'loud'" in done.stderr
    assert "choose" in done.stderr
