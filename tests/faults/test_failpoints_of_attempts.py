"""The scheduler dies while an attempt goes wrong: it failed, its process died, or it had to be fenced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rivers_client import RunHandle
from rivers_server.failpoints.failpoint import Moment
from rivers_server.failpoints.transition import Transition
from tests.faults.dying import meets
from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack, frozen, is_alive

SOURCE = """
    def is_first(context, name):
        try:
            open(f"{name}-{context.run_id}", "x").close()
        except FileExistsError:
            return False
        return True
    @rs.Asset(retry=rs.RetryPolicy(max_retries=1, backoff=rs.Backoff.constant(0.1)))
    def flaky(context: rs.AssetExecutionContext) -> int:
        mark("flaky")
        if is_first(context, "flaky"):
            raise ValueError("the first time")
        return 1
    @rs.Asset
    def after(flaky: int) -> int:
        mark("after"); return flaky
    @rs.Asset
    def frail(context: rs.AssetExecutionContext) -> int:
        mark("frail")
        if is_first(context, "frail"):
            os._exit(7)
        return 1
    @rs.Asset
    def beyond(frail: int) -> int:
        mark("beyond"); return frail
    repo = rs.CodeRepository(
        assets=[flaky, after, frail, beyond],
        jobs=[rs.Job("flaky", [flaky, after]), rs.Job("frail", [frail, beyond])],
    )
"""


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A location that stays while schedulers come and go."""
    with Stack(tmp_path_factory.mktemp("attempts"), database_url(request)) as running:
        running.start_scheduler("--beat-interval", "0.2")
        running.start_location("team", SOURCE)
        yield running


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize(
    ("transition", "job", "bodies"),
    [
        (Transition.RETRY, "flaky", ["flaky", "flaky", "after"]),
        (Transition.LOST, "frail", ["frail", "frail", "beyond"]),
    ],
    ids=str,
)
def test_S01_dead_while_an_attempt_is_followed_by_another(
    shared: Stack, transition: Transition, moment: Moment, job: str, bodies: list[str]
) -> None:
    before = len(shared.marks("team"))

    def submit() -> RunHandle:
        shared.await_location("team")
        return shared.client.runs.submit(location="team", job=job)

    run = meets(shared, f"{transition}.{moment}", submit)
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert shared.marks("team")[before:] == bodies
    told = [event.type.name for event in run.events()]
    assert told.count("STEP_RETRIED" if transition == Transition.RETRY else "ATTEMPT_LOST") == 1


def test_A12_a_scheduler_that_dies_between_the_commit_of_a_fence_and_the_fence_says_it_again(
    tmp_path: Path, database: str | None
) -> None:
    with Stack(tmp_path, database) as stack:
        # The location is silent only after 25 s, and the fence comes 12 s after the stop that it does not hear.
        slow_beats = ("--beat-interval", "5")
        stack.start_scheduler(*slow_beats)
        stack.start_location(
            "team",
            """
            @rs.Asset
            def stubborn() -> int:
                mark(str(os.getpid()))
                while True:
                    try:
                        time.sleep(60)
                    except KeyboardInterrupt:
                        pass
            @rs.Asset
            def never(stubborn: int) -> int:
                mark("never"); return 1
            repo = rs.CodeRepository(assets=[stubborn, never], jobs=[rs.Job("all", [stubborn, never])])
            """,
        )
        run = stack.client.runs.submit(location="team", job="all")
        (body,) = stack.until(lambda: stack.marks("team"), "the body")
        supervisor = stack.locations["team"].process.pid

        def cancel() -> None:
            assert stack.scheduler is not None
            dying = stack.scheduler.process
            stack.await_location("team")
            with frozen(supervisor):  # it does not even hear that the body should stop
                run.cancel()
                stack.until(lambda: dying.poll() is not None, "the fence", 60)

        meets(stack, f"{Transition.FENCE}.{Moment.BEFORE_DELIVERY}", cancel, slow_beats)
        assert run.wait(timeout=30).state.name == "CANCELED"
        assert stack.marks("team") == [body]
        stack.until(lambda: not is_alive(int(body)), "the end of the body")
        assert "STEP_CANCELED" in {event.type.name for event in run.events()}
