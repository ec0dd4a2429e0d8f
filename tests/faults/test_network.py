"""What a network does between scheduler and location: delays, cuts, half-closed streams, partitions."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rivers_client import RunHandle
from rivers_server.failpoints.failpoint import Moment
from rivers_server.failpoints.transition import Transition
from tests.faults.dying import meets
from tests.proxy import Proxy
from tests.stack import Stack

SOURCE = """
    def await_file(name):
        while not os.path.exists(name):
            time.sleep(0.01)
    @rs.Asset
    def first() -> int:
        mark("first"); print("one"); return 1
    @rs.Asset
    def second(first: int) -> int:
        mark("second"); await_file("go"); print("two"); mark("second end"); return first + 1
    @rs.Asset
    def third(second: int) -> int:
        mark("third"); print("x" * 20_000); return second + 1
    @rs.Asset
    def patient() -> int:
        mark(f"begin {os.getpid()} {time.monotonic()}"); await_file("go"); mark("end"); return 1
    repo = rs.CodeRepository(
        assets=[first, second, third, patient],
        jobs=[rs.Job("all", [first, second, third]), rs.Job("patient", [patient])],
    )
"""
ONCE = ["first", "second", "second end", "third"]
#: Seconds of the lease in tests whose partition is longer than that; patience is 5 s more.
with_short_lease = pytest.mark.parametrize("proxied", [2.0], indirect=True, ids=["lease-2s"])


@pytest.fixture
def proxied(request: pytest.FixtureRequest, tmp_path: Path, database: str | None) -> Iterator[tuple[Stack, Proxy]]:
    """A scheduler that reaches its location through a proxy only: one port, on two loopback addresses."""
    port = _free_port()
    with Stack(tmp_path, database) as stack, Proxy(("127.0.0.2", port), ("127.0.0.1", port)) as proxy:
        stack.start_scheduler("--beat-interval", "0.1")
        stack.write_module("team", SOURCE)
        lease = getattr(request, "param", 60.0)
        through = ("--grpc-port", str(port), "--advertise", "127.0.0.2", "--step-lease", str(lease))
        stack.start_location("team", options=through)
        yield stack, proxy


def submit(stack: Stack, job: str, body: str) -> RunHandle:
    """Submits a run and waits until a body of it runs."""
    run = stack.client.runs.submit(location="team", job=job)
    stack.until(lambda: any(mark.startswith(body) for mark in stack.marks("team")), "the body")
    return run


def await_loss(run: RunHandle) -> None:
    """Waits until patience with the location is over."""
    assert any(event.type.name == "ATTEMPT_LOST" for event in run.events(timeout=30))


def release(stack: Stack) -> None:
    """Lets the bodies that wait go on."""
    (stack.directory / "go").touch()


def test_S01_a_cut_shorter_than_the_lease_repeats_no_body(proxied: tuple[Stack, Proxy]) -> None:
    stack, proxy = proxied
    run = submit(stack, "all", "second")
    for _ in range(3):
        proxy.cut()
        stack.await_location("team", "CONNECTING")
        stack.await_location("team")
    proxy.cut()
    release(stack)
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ONCE
    assert "".join(chunk.text for chunk in run.logs()).split()[:2] == ["one", "two"]


def test_S01_a_stream_that_stalls_for_less_than_the_lease_repeats_no_body(proxied: tuple[Stack, Proxy]) -> None:
    stack, proxy = proxied
    run = submit(stack, "all", "second")
    proxy.stall()
    release(stack)
    stack.await_location("team", "CONNECTING")  # silent for five beats
    proxy.flow()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ONCE


def test_S01_a_stream_that_is_half_closed_is_opened_again(proxied: tuple[Stack, Proxy]) -> None:
    stack, proxy = proxied
    run = submit(stack, "all", "second")
    proxy.half_close()
    stack.await_location("team", "CONNECTING")
    stack.await_location("team")
    release(stack)
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ONCE


def test_S01_a_slow_network_repeats_no_body(proxied: tuple[Stack, Proxy]) -> None:
    stack, proxy = proxied
    proxy.delay = 0.1
    release(stack)
    run = stack.client.runs.submit(location="team", job="all")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ONCE


def test_A11_a_stream_cut_at_any_byte_loses_and_repeats_nothing(proxied: tuple[Stack, Proxy]) -> None:
    stack, proxy = proxied
    release(stack)
    for count in (1, 30, 300, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000):
        before = len(stack.marks("team"))
        proxy.cut_after(count)
        proxy.cut()
        stack.await_location("team")
        run = stack.client.runs.submit(location="team", job="all")
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert stack.marks("team")[before:] == ONCE
        assert len("".join(chunk.text for chunk in run.logs())) == len("one\ntwo\n") + 20_001


@with_short_lease
def test_A4_a_partition_longer_than_the_lease_ends_the_body_before_the_next_begins(
    proxied: tuple[Stack, Proxy],
) -> None:
    stack, proxy = proxied
    run = submit(stack, "patient", "begin")
    first = int(stack.marks("team")[0].split()[1])
    proxy.stall()
    stack.until(lambda: not Path(f"/proc/{first}").exists(), "the end of the body by its lease")
    await_loss(run)
    assert len(stack.marks("team")) == 1
    release(stack)
    proxy.flow()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert [mark.split()[0] for mark in stack.marks("team")] == ["begin", "begin", "end"]


@with_short_lease
def test_A10_a_result_in_the_spool_counts_after_a_partition_longer_than_the_lease(
    proxied: tuple[Stack, Proxy],
) -> None:
    stack, proxy = proxied
    run = submit(stack, "patient", "begin")
    proxy.stall()
    release(stack)
    await_loss(run)
    proxy.flow()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert [mark.split()[0] for mark in stack.marks("team")] == ["begin", "end"]


@with_short_lease
def test_A10_a_late_result_counts_though_the_scheduler_dies_over_it(proxied: tuple[Stack, Proxy]) -> None:
    stack, proxy = proxied

    def late() -> RunHandle:
        stack.await_location("team")
        run = submit(stack, "patient", "begin")
        proxy.stall()
        release(stack)
        await_loss(run)
        proxy.flow()
        return run

    run = meets(stack, f"{Transition.LATE}.{Moment.BEFORE_COMMIT}", late)
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert [mark.split()[0] for mark in stack.marks("team")] == ["begin", "end"]
    told = [event.type.name for event in run.events()]
    assert (told.count("ATTEMPT_LOST"), told.count("STEP_SUCCEEDED")) == (1, 1)


def _free_port() -> int:
    """A port that is free on both addresses."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.2", one.getsockname()[1]))
        return int(one.getsockname()[1])
