"""The scheduler's database is restored from a backup: locations that have seen more of it refuse to work for it."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.postgresql import on_sqlite
from tests.stack import Stack

BEATS = ("--beat-interval", "0.2")


TEAM = """
    @rs.Asset
    def only() -> int:
        mark("only"); return 1
    @rs.Asset
    def slow() -> int:
        mark("slow")
        while not os.path.exists("go"):
            time.sleep(0.02)
        return 2
    @rs.Asset
    def after(slow: int) -> int:
        mark("after"); return slow + 1
    repo = rs.CodeRepository(assets=[only, slow, after], jobs=[rs.Job("all", [only]), rs.Job("slow", [slow, after])])
"""


def back_up(stack: Stack) -> None:
    """Copies the database of a scheduler that has stopped."""
    assert stack.scheduler is not None
    stack.scheduler.stop()
    shutil.copytree(stack.directory / "scheduler", stack.directory / "backup")


def restore(stack: Stack) -> None:
    """Puts the copy back."""
    assert stack.scheduler is not None
    stack.scheduler.stop()
    shutil.rmtree(stack.directory / "scheduler")
    shutil.copytree(stack.directory / "backup", stack.directory / "scheduler")


def raise_term(stack: Stack) -> subprocess.CompletedProcess[str]:
    """What an operator does."""
    command = [sys.executable, "-m", "rivers.cli", "db", "raise-term", "--storage-path", "scheduler"]
    return subprocess.run(command, cwd=stack.directory, capture_output=True, text=True, timeout=60)


@on_sqlite
def test_a_location_refuses_a_database_that_is_older_than_what_it_has_seen(stack: Stack) -> None:
    stack.start_location("team", TEAM)
    back_up(stack)
    for _ in range(2):  # two leaderships that the backup knows nothing of
        stack.start_scheduler(*BEATS)
        stack.await_location("team")
        assert stack.scheduler is not None
        stack.client.runs.submit(location="team", job="all").wait(timeout=30)
        stack.scheduler.stop()
    restore(stack)
    stack.start_scheduler(*BEATS)
    said = stack.until(lambda: [one.message for one in stack.client.locations.list() if one.message], "the refusal")
    assert (
        "was the database restored from a backup? If so, stop the scheduler and run `rivers db raise-term`" in said[0]
    )
    assert not any(one.state.name == "READY" for one in stack.client.locations.list())
    assert stack.marks("team") == ["only", "only"]


@on_sqlite
def test_a_restored_database_whose_term_was_raised_is_taken_and_its_runs_go_on(stack: Stack) -> None:
    stack.start_location("team", TEAM)
    done = stack.client.runs.submit(location="team", job="slow")
    stack.until(lambda: "slow" in stack.marks("team"), "the body")
    back_up(stack)
    stack.start_scheduler(*BEATS)
    (stack.directory / "go").touch()
    assert done.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.client.runs.submit(location="team", job="all").wait(timeout=30).state.name == "SUCCEEDED"
    restore(stack)
    raised = raise_term(stack)
    assert raised.returncode == 0, raised.stderr
    assert "1 attempts were in flight in the backup" in raised.stdout
    stack.start_scheduler(*BEATS)
    stack.await_location("team")
    assert stack.client.runs.get(done.run_id).wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.client.runs.submit(location="team", job="all").wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["slow", "after", "only", "slow", "after", "only"]


@on_sqlite
def test_a_body_that_still_runs_when_its_scheduler_is_restored_goes_on(stack: Stack) -> None:
    stack.start_location("team", TEAM)
    run = stack.client.runs.submit(location="team", job="slow")
    stack.until(lambda: "slow" in stack.marks("team"), "the body")
    back_up(stack)
    stack.start_scheduler(*BEATS)
    stack.await_location("team")
    restore(stack)
    assert raise_term(stack).returncode == 0
    stack.start_scheduler(*BEATS)
    stack.await_location("team")
    (stack.directory / "go").touch()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["slow", "after"]


@on_sqlite
def test_numbers_are_not_raised_under_a_running_scheduler_or_where_there_is_none(stack: Stack) -> None:
    refused = raise_term(stack)
    assert refused.returncode != 0
    assert "is owned by the scheduler with pid" in refused.stderr
    assert stack.scheduler is not None
    stack.scheduler.stop()
    shutil.rmtree(stack.directory / "scheduler")
    missing = raise_term(stack)
    assert missing.returncode != 0
    assert "no database at scheduler/rivers.db" in missing.stderr
    assert not (stack.directory / "scheduler").exists()
