"""A worker stands still: its lease is the location's to renew, and ends it when nobody renews it any more (A4, A5)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.stack import Stack, frozen, is_alive

SOURCE = """
    @rs.Asset
    def body() -> int:
        mark(f"begin {os.getpid()}")
        while not os.path.exists("go"):
            time.sleep(0.01)
        mark("end"); return 1
    repo = rs.CodeRepository(assets=[body], jobs=[rs.Job("all", [body])])
"""


def beats(stack: Stack, count: int) -> None:
    """Waits until the location was heard so often."""

    def heard() -> object:
        (location,) = stack.client.locations.list()
        return location.heard_at

    for _ in range(count):
        before = heard()
        stack.until(lambda before=before: heard() != before, "another beat")  # type: ignore[misc]


def test_A4_a_worker_that_is_frozen_past_its_lease_goes_on_when_it_thaws(stack: Stack) -> None:
    stack.start_location("team", SOURCE, options=("--step-lease", "2"))
    run = stack.client.runs.submit(location="team", job="all")
    body = int(stack.until(lambda: stack.marks("team"), "the body")[0].split()[1])
    with frozen(body):
        (stack.directory / "go").touch()
        beats(stack, 15)  # 3 s of beats that renew its lease
        assert is_alive(body)
        assert stack.marks("team") == [f"begin {body}"]
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == [f"begin {body}", "end"]
    assert "ATTEMPT_LOST" not in {event.type.name for event in run.events()}


def test_A4_a_frozen_worker_whose_lease_nobody_renews_is_killed_and_the_step_run_again(stack: Stack) -> None:
    stack.start_location("team", SOURCE, options=("--step-lease", "2"))
    run = stack.client.runs.submit(location="team", job="all")
    body = int(stack.until(lambda: stack.marks("team"), "the body")[0].split()[1])
    os.kill(body, signal.SIGSTOP)
    stack.kill_scheduler()
    stack.until(lambda: not is_alive(body), "the end of the frozen body by its lease")
    assert len(stack.marks("team")) == 1
    (stack.directory / "go").touch()
    stack.start_scheduler("--beat-interval", "0.2")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    first, second, end = stack.marks("team")
    assert (first, end) == (f"begin {body}", "end")
    assert second != first
    assert [event.type.name for event in run.events()].count("ATTEMPT_LOST") == 1


def test_A4_a_lease_that_is_shorter_than_a_beat_is_renewed_in_time(tmp_path: Path, database: str | None) -> None:
    with Stack(tmp_path, database) as stack:
        stack.start_scheduler()  # which asks for a beat every 2 s
        stack.start_location("team", SOURCE, options=("--step-lease", "1"))
        run = stack.client.runs.submit(location="team", job="all")
        stack.until(lambda: stack.marks("team"), "the body")
        beats(stack, 30)  # three leases
        (stack.directory / "go").touch()
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert [mark.split()[0] for mark in stack.marks("team")] == ["begin", "end"]
