"""Workers, supervisors and home processes are killed: only what ran on them is tried again."""

from __future__ import annotations

import os
import signal

from codeloc.spool_records import RecordKind, decode_records
from tests.stack import Stack, children, is_alive

PAIR = """
    @rs.Asset
    def dies() -> int:
        first = not os.path.exists("died")
        mark("dies")
        if first:
            open("died", "w").close()
            {death}
        return 1
    @rs.Asset
    def lives() -> int:
        mark("lives start"); time.sleep(0.5); mark("lives end"); return 2
    repo = rs.CodeRepository(assets=[dies, lives], jobs=[rs.Job("all", [dies, lives])])
"""


def test_S02_a_step_that_calls_os_exit_is_retried_and_its_sibling_runs_on(stack: Stack) -> None:
    stack.start_location("pair", PAIR.format(death="os._exit(3)"))
    run = stack.client.runs.submit(location="pair", job="all")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("pair").count("lives start") == 1
    assert stack.marks("pair").count("dies") == 2
    lost = [event for event in run.events() if event.type.name == "ATTEMPT_LOST"]
    assert [event.failure.exit_code for event in lost if event.failure] == [3]


def test_S02_a_step_that_is_killed_is_retried_and_its_sibling_runs_on(stack: Stack) -> None:
    stack.start_location("pair", PAIR.format(death="os.kill(os.getpid(), 9)"))
    run = stack.client.runs.submit(location="pair", job="all")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("pair").count("lives start") == 1
    lost = [event for event in run.events() if event.type.name == "ATTEMPT_LOST"]
    assert [event.failure.signal for event in lost if event.failure] == [signal.SIGKILL]


def test_A16_a_step_that_always_dies_fails_with_the_reason(stack: Stack) -> None:
    stack.start_location(
        "mortal",
        """
        @rs.Asset
        def dies() -> int:
            mark("dies"); os._exit(7)
        repo = rs.CodeRepository(assets=[dies], jobs=[rs.Job("all", [dies])])
        """,
    )
    run = stack.client.runs.submit(location="mortal", job="all")
    ended = run.wait(timeout=60)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert "7" in ended.failure.message
    assert stack.marks("mortal") == ["dies"] * 4


def test_S02_a_killed_supervisor_loses_only_what_ran_and_keeps_what_is_spooled(stack: Stack) -> None:
    location = stack.start_location(
        "team",
        """
        @rs.Asset
        def first() -> int:
            mark("first"); return 1
        @rs.Asset
        def second(first: int) -> int:
            mark("second"); time.sleep(1.0); mark("second end"); return first + 1
        repo = rs.CodeRepository(assets=[first, second], jobs=[rs.Job("all", [first, second])])
        """,
    )
    run = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: "second" in stack.marks("team"), "the second body")
    below = children(location.process.pid)
    assert below
    location.kill()
    stack.until(lambda: not any(map(is_alive, below)), "no orphan")
    stack.start_location("team")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["first", "second", "second", "second end"]


def test_a_result_in_the_spool_survives_scheduler_and_supervisor(stack: Stack) -> None:
    location = stack.start_location(
        "team",
        """
        @rs.Asset
        def only() -> int:
            mark("start"); time.sleep(0.5); mark("end"); return 1
        repo = rs.CodeRepository(assets=[only], jobs=[rs.Job("all", [only])])
        """,
    )
    run = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: stack.marks("team"), "the body")
    stack.kill_scheduler()
    stack.until(lambda: "end" in stack.marks("team"), "the end")
    stack.until(lambda: RecordKind.ENDED in _spooled(stack, "team"), "the result in the spool")
    location.kill()
    stack.start_scheduler("--beat-interval", "0.2")
    stack.start_location("team")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["start", "end"]


def test_S02_a_dead_home_process_fails_the_run_with_home_lost(stack: Stack) -> None:
    stack.start_location(
        "home",
        """
        @rs.Asset
        def keeps() -> int:
            mark(f"pid {os.getpid()}"); return 1
        @rs.Asset
        def waits(keeps: int) -> int:
            mark(f"waits {os.getpid()}"); time.sleep(30); return keeps
        repo = rs.CodeRepository(
            assets=[keeps, waits], jobs=[rs.Job("all", [keeps, waits], executor=rs.Executor.in_process())]
        )
        """,
    )
    run = stack.client.runs.submit(location="home", job="all")
    stack.until(lambda: len(stack.marks("home")) == 2, "the second body")
    pids = [int(line.split()[1]) for line in stack.marks("home")]
    assert pids[0] == pids[1]
    os.kill(pids[0], signal.SIGKILL)
    ended = run.wait(timeout=30)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert ended.failure.reason.name == "HOME_LOST"
    assert len(stack.marks("home")) == 2
    # A18: what had succeeded stays so.
    assert {step.key: step.state.name for step in ended.steps} == {"keeps": "SUCCEEDED", "waits": "CANCELED"}
    assert [event.node for event in run.events() if event.type.name == "MATERIALIZED"] == ["keeps"]


def _spooled(stack: Stack, name: str) -> list[RecordKind]:
    """The kinds of the records in a location's spool."""
    files = sorted(path for path in (stack.directory / f"data-{name}" / "spool").rglob("*") if path.is_file())
    return [record.kind for path in files for record, _ in decode_records(path.read_bytes())]
