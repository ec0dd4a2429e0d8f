"""The scheduler stands still for a while and goes on: its own silence counts against nobody (A7)."""

from __future__ import annotations

from tests.stack import Stack, frozen, is_alive

SOURCE = """
    @rs.Asset
    def first() -> int:
        mark("first")
        while not os.path.exists("go"):
            time.sleep(0.01)
        mark("first end"); return 1
    @rs.Asset
    def second(first: int) -> int:
        mark("second"); return first + 1
    repo = rs.CodeRepository(assets=[first, second], jobs=[rs.Job("all", [first, second])])
"""


def test_A7_a_scheduler_that_is_frozen_while_a_body_ends_takes_its_result(stack: Stack) -> None:
    stack.start_location("team", SOURCE)
    run = stack.client.runs.submit(location="team", job="all")
    stack.until(lambda: stack.marks("team"), "the body")
    assert stack.scheduler is not None
    with frozen(stack.scheduler.process.pid):
        (stack.directory / "go").touch()
        stack.until(lambda: "first end" in stack.marks("team"), "the end of the body")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["first", "first end", "second"]


def test_A4_a_scheduler_that_is_frozen_past_the_lease_has_the_body_run_again_and_never_two_at_once(
    stack: Stack,
) -> None:
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
    assert stack.scheduler is not None
    with frozen(stack.scheduler.process.pid):
        stack.until(lambda: not is_alive(body), "the end of the body by its lease")
        assert len(stack.marks("team")) == 1
    (stack.directory / "go").touch()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert [mark.split()[0] for mark in stack.marks("team")] == ["begin", "begin", "end"]
