"""The scheduler's core stands still while locations talk: what waits for it in memory is bounded."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rivers.v1 import step_service_pb2 as pb
from tests.fuzz.fake_location import FakeLocation, Session, opened
from tests.stack import Stack

#: What may be on its way from one location (8 MiB), decoded, and some room for the interpreter.
MOST_MIB = 64.0
TALKER = """
    @rs.Asset
    def talks() -> int:
        line = "x" * 1023
        for _ in range(64):
            print("\\n".join([line] * 1024))
        mark("said"); return 1
    repo = rs.CodeRepository(assets=[talks], jobs=[rs.Job("all", [talks])])
"""


def memory(stack: Stack, what: str) -> float:
    """MiB that the scheduler has (`VmRSS`), or has had at most (`VmHWM`)."""
    assert stack.scheduler is not None
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{stack.scheduler.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@contextmanager
def standing_still(stack: Stack) -> Iterator[None]:
    """The core waits for its database meanwhile, 5 s at most: somebody else writes."""
    connection = sqlite3.connect(stack.directory / "scheduler" / "rivers.db", isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def test_W7_a_location_that_floods_a_core_that_stands_still_is_held_by_its_window(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler("--beat-interval", "0.2")
        stack.start_location("talker", TALKER)
        run = stack.client.runs.submit(location="talker", job="all")
        before = memory(stack, "VmRSS")
        spool = tmp_path / "data-talker" / "spool"
        with standing_still(stack):
            stack.until(lambda: stack.marks("talker"), "all is said")
            assert sum(path.stat().st_size for path in spool.rglob("*") if path.is_file()) > 40 << 20
        assert run.wait(timeout=60).state.name == "SUCCEEDED"
        assert memory(stack, "VmHWM") - before < MOST_MIB
        assert sum(len(chunk.text) for chunk in run.logs()) == 64 << 20


def test_W7_a_location_that_heeds_no_window_loses_its_session(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        address = stack.start_scheduler("--beat-interval", "0.2")
        stack.start_location("talker", TALKER)
        before = memory(stack, "VmRSS")
        text = "x" * (1 << 20)

        def floods(session: Session) -> Iterator[pb.AttachResponse | bytes]:
            yield from opened(session)
            with standing_still(stack), ThreadPoolExecutor(1) as other:
                other.submit(stack.client.runs.submit, location="talker", job="all")  # for which the core must write
                for seq in range(1, 200):
                    log = pb.AttemptLog(stream=1, text=text)  # type: ignore[arg-type]
                    yield pb.AttachResponse(reports=[pb.Report(event=pb.AttemptEvent(token=99, seq=seq, log=log))])

        with FakeLocation(address, "liar") as liar:
            liar.lie(floods)
            assert memory(stack, "VmHWM") - before < 3 * MOST_MIB
            assert stack.scheduler is not None
            assert "window_exceeded" in stack.scheduler.stderr()
