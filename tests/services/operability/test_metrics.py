"""What both servers measure agrees with what happened."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.stack import RIVERS, Program, Stack

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(program: Program) -> Values:
    """All samples of a server, by name and labels."""
    address = program.line_with("metrics on ").split()[-1]
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(values: Values, name: str, **labels: str) -> float:
    """One of them."""
    return values[name, frozenset(labels.items())]


def started(stack: Stack) -> tuple[Program, Program]:
    """Both servers, measured."""
    stack.start_scheduler("--metrics-port", "0", "--beat-interval", "0.2")
    location = stack.start_location("team", options=("--metrics-port", "0", "--step-lease", "60"))
    assert stack.scheduler is not None
    return stack.scheduler, location


def test_the_scheduler_counts_what_happened(stack: Stack) -> None:
    scheduler, location = started(stack)
    for _ in range(3):
        stack.client.runs.submit("team", job="totals").wait()
    stack.client.runs.submit("team", job="doomed").wait()
    stack.client.runs.submit("team", job="deadly").wait()
    found = scrape(scheduler)
    assert value(found, "rivers_scheduler_runs_submitted_total") == 5
    assert value(found, "rivers_scheduler_runs_ended_total", state="succeeded") == 3
    assert value(found, "rivers_scheduler_runs_ended_total", state="failed") == 2
    assert value(found, "rivers_scheduler_attempts_total", outcome="succeeded") == 6
    assert value(found, "rivers_scheduler_attempts_total", outcome="failed") == 1
    crashed = value(found, "rivers_scheduler_attempts_total", outcome="crashed")
    assert crashed >= 1
    for histogram in ("admission", "start"):
        assert value(found, f"rivers_scheduler_{histogram}_seconds_count") == 5
        assert 0 <= value(found, f"rivers_scheduler_{histogram}_seconds_sum") < 60
    admission, start = (value(found, f"rivers_scheduler_{name}_seconds_sum") for name in ("admission", "start"))
    assert admission <= start
    commits = value(found, "rivers_scheduler_commit_seconds_count")
    assert commits > 0
    assert value(found, "rivers_scheduler_commit_messages_count") == commits
    assert value(found, "rivers_scheduler_commit_messages_sum") >= commits
    assert value(found, "rivers_scheduler_commit_rows_sum") > value(found, "rivers_scheduler_commit_messages_sum")
    assert value(found, "rivers_scheduler_core_seconds_count") >= commits
    assert value(found, "rivers_scheduler_location_state", location="team", state="ready") == 1
    assert value(found, "rivers_scheduler_session_open", location="team") == 1
    assert value(found, "rivers_scheduler_heard_age_seconds", location="team") < 10
    assert value(found, "rivers_scheduler_queue_depth", location="team") == 0
    assert value(found, "rivers_scheduler_runs_in_flight", location="team") == 0
    stack.until(
        lambda: value(scrape(location), "rivers_location_workers_died_total", location="team") == crashed, "the deaths"
    )


def test_what_runs_and_what_waits_is_seen_while_it_does(stack: Stack) -> None:
    stack.start_scheduler("--metrics-port", "0", "--max-concurrent-runs", "1", "--beat-interval", "0.2")
    location = stack.start_location("team", options=("--metrics-port", "0", "--step-lease", "60"))
    scheduler = stack.scheduler
    assert scheduler is not None
    runs = [stack.client.runs.submit("team", job="slow") for _ in range(3)]
    stack.until(lambda: stack.marks("team"), "the first step")
    found = scrape(scheduler)
    assert value(found, "rivers_scheduler_queue_depth", location="team") == 2
    assert value(found, "rivers_scheduler_runs_in_flight", location="team") == 1
    assert value(found, "rivers_scheduler_attempts_in_flight", location="team") == 1
    there = scrape(location)
    assert value(there, "rivers_location_session_open", location="team") == 1
    assert value(there, "rivers_location_held_attempts", location="team") == 1
    assert value(there, "rivers_location_live_attempts", location="team") == 1
    assert value(there, "rivers_location_workers_busy", location="team") == 1
    assert value(there, "rivers_location_free_places", location="team") == 33
    assert value(there, "rivers_location_spool_bytes", location="team") > 0
    assert 30 < value(there, "rivers_location_lease_margin_seconds", location="team") <= 60
    began = time.monotonic()
    while time.monotonic() - began < 0.2:
        stack.client.runs.list(limit=1)
    waited = time.monotonic() - began
    (stack.directory / "go").touch()
    for run in runs:
        run.wait()
    # Two of them waited all that time, to be admitted and so to be started.
    for name in ("admission", "start"):
        assert value(scrape(scheduler), f"rivers_scheduler_{name}_seconds_sum") >= 2 * waited
    stack.until(
        lambda: value(scrape(location), "rivers_location_held_attempts", location="team") == 0, "the acknowledgements"
    )
    after = scrape(location)
    assert value(after, "rivers_location_live_attempts", location="team") == 0
    assert value(after, "rivers_location_workers_died_total", location="team") == 0
    assert ("rivers_location_lease_margin_seconds", frozenset({("location", "team")})) not in after


def test_a_location_that_went_away_is_seen(stack: Stack) -> None:
    scheduler, location = started(stack)
    location.kill()
    stack.until(
        lambda: value(scrape(scheduler), "rivers_scheduler_session_open", location="team") == 0, "the closed session"
    )
    assert value(scrape(scheduler), "rivers_scheduler_location_state", location="team", state="ready") == 0


def test_only_metrics_are_served_and_only_on_loopback(stack: Stack) -> None:
    scheduler, _ = started(stack)
    address = scheduler.line_with("metrics on ").split()[-1]
    assert address.startswith("127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{address}/", timeout=10)
    assert refused.value.code == 404
    refused.value.close()
    assert scheduler.stop() == 0
    assert scheduler.stderr() == ""


@pytest.mark.parametrize("command", [("scheduler", "--port", "0"), ("serve", "json", "--grpc-port", "0")])
def test_a_port_of_metrics_that_is_taken_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = [RIVERS, *command, "--metrics-port", port]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done
    assert port in done.stderr
    assert "--metrics-port" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_the_option_the_library_is_not_loaded() -> None:
    code = "import sys, rivers_server.app, codeloc.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "prometheus_client" not in done.stdout.split()
