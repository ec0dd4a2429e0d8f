"""Modules that raise, exit or crash on import, load slowly, or come back mended."""

from __future__ import annotations

import pytest

from rivers.errors import LocationUnavailableError
from tests.stack import Stack

GOOD = """
    @rs.Asset
    def fine() -> int:
        return 1
    repo = rs.CodeRepository(assets=[fine], jobs=[rs.Job("all", [fine])])
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise ValueError('no such table')", "ValueError: no such table"),
        ("import sys; sys.stderr.write('before the end\\n'); sys.exit(5)", "5"),
        ("os._exit(6)", "6"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import no_such_module_at_all", "no_such_module_at_all"),
    ],
)
def test_L02_a_module_that_cannot_be_loaded_says_why(stack: Stack, source: str, expected: str) -> None:
    stack.start_location("broken", source, await_ready=False)
    stack.start_location("good", GOOD)
    stack.await_location("broken", "LOAD_FAILED")
    broken = next(one for one in stack.client.locations.list() if one.name == "broken")
    assert "broken" in broken.message
    assert expected in broken.message
    with pytest.raises(LocationUnavailableError):
        stack.client.runs.submit(location="broken", job="all")
    assert stack.client.runs.submit(location="good", job="all").wait(timeout=30).state.name == "SUCCEEDED"


def test_L01_a_location_that_was_broken_is_used_again_when_it_is_mended(stack: Stack) -> None:
    program = stack.start_location("team", "raise ValueError('broken')", await_ready=False)
    stack.await_location("team", "LOAD_FAILED")
    program.stop()
    stack.start_location("team", GOOD)
    assert stack.client.runs.submit(location="team", job="all").wait(timeout=30).state.name == "SUCCEEDED"


def test_L01_a_location_that_comes_back_is_used_again_without_a_click(stack: Stack) -> None:
    program = stack.start_location("team", GOOD)
    program.kill()
    stack.await_location("team", "CONNECTING")
    run = stack.client.runs.submit(location="team", job="all")
    stack.start_location("team")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"


def test_L01_a_location_outlives_the_scheduler_and_is_found_again(stack: Stack) -> None:
    stack.start_location("team", GOOD)
    stack.kill_scheduler()
    stack.start_scheduler("--beat-interval", "0.2")
    stack.await_location("team")
    assert stack.client.runs.submit(location="team", job="all").wait(timeout=30).state.name == "SUCCEEDED"


def test_L02_progress_and_the_tail_of_stderr_are_visible_while_a_module_loads(stack: Stack) -> None:
    stack.start_location(
        "slow",
        """
        import sys
        print("reading the big table", file=sys.stderr, flush=True)
        while not os.path.exists("go"):
            time.sleep(0.02)
        @rs.Asset
        def fine() -> int:
            return 1
        repo = rs.CodeRepository(assets=[fine], jobs=[rs.Job("all", [fine])])
        """,
        await_ready=False,
    )
    stack.await_location("slow", "LOADING")
    stack.until(
        lambda: any("reading the big table" in one.message for one in stack.client.locations.list()),
        "the tail of stderr",
    )
    (stack.directory / "go").touch()
    stack.await_location("slow")


def test_L09_the_same_asset_in_two_locations_is_refused_with_both_owners_named(stack: Stack) -> None:
    stack.start_location("first", GOOD)
    second = stack.start_location("second", GOOD, await_ready=False)
    stack.await_location("second", "REFUSED")
    refused = next(one for one in stack.client.locations.list() if one.name == "second")
    for name in ("'fine'", "'first'", "'second'"):
        assert name in refused.message
    stack.until(lambda: "'fine'" in second.stderr(), "the refusal at the location itself")
    assert stack.client.runs.submit(location="first", job="all").wait(timeout=30).state.name == "SUCCEEDED"


def test_a_name_that_is_served_already_is_refused(stack: Stack) -> None:
    stack.start_location("team", GOOD)
    stack.write_module("other", GOOD.replace("fine", "other"))
    options = ("--name", "team", "--data-dir", "data-other")
    second = stack.start_location("other", options=options, await_ready=False)
    stack.until(lambda: "already served" in second.stderr(), "the refusal")
    assert stack.client.runs.submit(location="team", job="all").wait(timeout=30).state.name == "SUCCEEDED"
