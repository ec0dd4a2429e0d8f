"""A step takes more memory than its control group may have: the kernel kills it, and nobody else notices."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import Stack

GREEDY = """
    @rs.Asset
    def greedy() -> int:
        mark("greedy")
        with open(os.environ["GROUP"] + "/cgroup.procs", "w") as members:
            members.write(str(os.getpid()))
        kept = []
        while True:
            kept.append(bytearray(os.urandom(1 << 20)))
    @rs.Asset
    def sibling() -> int:
        mark("begins")
        while not os.path.exists("go"):
            time.sleep(0.02)
        mark("ends"); return 1
    repo = rs.CodeRepository(
        assets=[greedy, sibling], jobs=[rs.Job("greedy", [greedy]), rs.Job("sibling", [sibling])]
    )
"""


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A memory control group of 64 MiB, below that of the tests, for whoever joins it."""
    made = _make()
    if made is None:
        pytest.skip("a control group with a limit needs the memory controller and the right to use it")
    monkeypatch.setenv("GROUP", str(made))
    yield made
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError):  # its last member is not gone yet
            made.rmdir()
        if not made.exists():
            return
        assert time.monotonic() < deadline, "the control group has members"
        time.sleep(0.02)


def _make() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for place, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            if controllers != ("memory" if limit == "memory.limit_in_bytes" else ""):
                continue
            made = Path(place + path) / f"rivers-test-{os.getpid()}"
            try:
                made.mkdir()
            except OSError:
                continue
            try:
                (made / limit).write_text(str(64 << 20))
                return made
            except OSError:
                made.rmdir()
    return None


def test_A16_a_step_that_the_kernel_kills_for_its_memory_is_tried_again_and_fails_with_the_signal(
    group: Path, stack: Stack
) -> None:
    stack.start_location("team", GREEDY)
    other = stack.client.runs.submit(location="team", job="sibling")
    stack.until(lambda: "begins" in stack.marks("team"), "the sibling's body")
    run = stack.client.runs.submit(location="team", job="greedy")
    ended = run.wait(timeout=60)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert (ended.failure.reason.name, ended.failure.signal) == ("INFRASTRUCTURE", signal.SIGKILL)
    assert stack.marks("team").count("greedy") == 4, "once, and three times from the infrastructure budget"
    (stack.directory / "go").touch()
    assert other.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team").count("begins") == 1
