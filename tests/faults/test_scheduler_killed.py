"""The scheduler is killed with -9; locations go on; every body runs once."""

from __future__ import annotations

import random

import pytest

from tests.stack import Stack, is_alive

CHAIN = """

    @rs.Asset
    def a() -> str:
        mark("a"); time.sleep(0.1); return "a"
    @rs.Asset
    def b(a: str) -> str:
        mark("b"); time.sleep(0.1); return a + "b"
    @rs.Asset
    def c(b: str) -> str:
        mark("c"); time.sleep(0.1); return b + "c"
    @rs.Asset
    def side() -> int:
        mark("side"); time.sleep(0.2); return 1
    @rs.Asset
    def end(c: str, side: int) -> str:
        mark("end"); return c * side
    repo = rs.CodeRepository(assets=[a, b, c, side, end], jobs=[rs.Job("all", [a, b, c, side, end])])
"""


@pytest.mark.parametrize("seed", range(3))
def test_S01_killed_at_random_moments_every_body_runs_once(stack: Stack, seed: int) -> None:
    chance = random.Random(seed)
    stack.start_location("chain", CHAIN)
    runs = [stack.client.runs.submit(location="chain", job="all") for _ in range(3)]
    for _ in range(4):
        # A moment in the middle of the runs, counted in bodies rather than in seconds.
        count = len(stack.marks("chain")) + chance.randint(0, 2)
        stack.until(lambda count=count: len(stack.marks("chain")) >= min(count, 15), "bodies")  # type: ignore[misc]
        stack.kill_scheduler()
        stack.start_scheduler("--beat-interval", "0.2")
    for run in runs:
        assert run.wait(timeout=60).state.name == "SUCCEEDED"
    assert sorted(stack.marks("chain")) == sorted(["a", "b", "c", "side", "end"] * 3)


def test_S01_killed_while_a_step_runs_and_back_after_it_ended(stack: Stack) -> None:
    stack.start_location(
        "slow",
        """
        @rs.Asset
        def long() -> int:
            mark("start"); time.sleep(1.0); mark("end"); print("done"); return 7
        repo = rs.CodeRepository(assets=[long], jobs=[rs.Job("all", [long])])
        """,
    )
    run = stack.client.runs.submit(location="slow", job="all")
    stack.until(lambda: stack.marks("slow"), "the body")
    stack.kill_scheduler()
    stack.until(lambda: "end" in stack.marks("slow"), "the end")
    stack.start_scheduler("--beat-interval", "0.2")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("slow") == ["start", "end"]
    assert "done" in "".join(chunk.text for chunk in run.logs())


def test_an_acknowledged_run_is_there_after_the_scheduler_was_killed(stack: Stack) -> None:
    stack.start_location("chain", CHAIN)
    run = stack.client.runs.submit(location="chain", job="all", request_id="once")
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    again = stack.client.runs.submit(location="chain", job="all", request_id="once")
    assert again.run_id == run.run_id
    assert again.wait(timeout=30).state.name == "SUCCEEDED"
    assert len(stack.marks("chain")) == 5


def test_A4_a_scheduler_that_is_away_for_longer_than_the_lease_has_the_body_run_again(stack: Stack) -> None:
    stack.start_location(
        "team",
        """
        @rs.Asset
        def patient() -> int:
            mark(f"begin {os.getpid()}")
            while not os.path.exists("go"):
                time.sleep(0.01)
            mark("end"); return 1
        repo = rs.CodeRepository(assets=[patient], jobs=[rs.Job("all", [patient])])
        """,
        options=("--step-lease", "2"),
    )
    run = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: stack.marks("team"), "the body")
    body = int(stack.marks("team")[0].split()[1])
    stack.kill_scheduler()
    stack.until(lambda: not is_alive(body), "the end of the body by its lease")
    (stack.directory / "go").touch()
    stack.start_scheduler("--beat-interval", "0.2")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert [mark.split()[0] for mark in stack.marks("team")] == ["begin", "begin", "end"]
    assert "ATTEMPT_LOST" in {event.type.name for event in run.events()}
