"""Steps that flood, eat memory, return what cannot be kept, fork, ignore signals and leave children behind."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from tests.stack import Stack, is_alive


def peak_mib(pid: int) -> float:
    """The most memory that a process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def test_S02_a_step_that_floods_stdout_holds_up_nobody_and_loses_no_line(stack: Stack) -> None:
    location = stack.start_location(
        "flood",
        """
        @rs.Asset
        def floods() -> int:
            mark("flood begins")
            line = "x" * 99
            first = 0
            while first < 1_000_000 or not os.path.exists("enough"):
                print("\\n".join(f"{number:09} {line[10:]}" for number in range(first, first + 10_000)))
                first += 10_000
            mark(f"flood ends {first}")
            return 1
        @rs.Asset
        def sibling() -> int:
            mark("sibling"); return 1
        repo = rs.CodeRepository(
            assets=[floods, sibling], jobs=[rs.Job("flood", [floods]), rs.Job("one", [sibling])]
        )
        """,
    )
    assert stack.scheduler is not None
    pids = {"scheduler": stack.scheduler.process.pid, "supervisor": location.process.pid}
    before = {name: peak_mib(pid) for name, pid in pids.items()}
    run = stack.client.runs.submit(location="flood", job="flood")
    stack.until(lambda: stack.marks("flood"), "the flood")
    for _ in range(3):
        assert stack.client.runs.submit(location="flood", job="one").wait(timeout=30).state.name == "SUCCEEDED"
    assert not run.refresh().is_over
    (stack.directory / "enough").touch()
    assert run.wait(timeout=120).state.name == "SUCCEEDED"
    grown = {name: peak_mib(pid) - before[name] for name, pid in pids.items()}
    numbers = 0
    rest = ""
    for chunk in run.logs():
        *lines, rest = (rest + chunk.text).split("\n")
        for line in lines:
            assert int(line[:9]) == numbers
            numbers += 1
    (written,) = [int(mark.split()[2]) for mark in stack.marks("flood") if mark.startswith("flood ends")]
    assert numbers == written
    assert all(mib < 48 for mib in grown.values()), grown


def test_a_step_that_runs_out_of_memory_fails_with_that_reason(stack: Stack) -> None:
    stack.start_location(
        "greedy",
        """
        import resource
        @rs.Asset
        def greedy() -> int:
            mark(f"greedy {os.getpid()}")
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (128 << 20), resource.RLIM_INFINITY))
            kept = []
            while True:
                kept.append(bytearray(1 << 16))
        @rs.Asset
        def small() -> int:
            mark("small")
            kept = [bytearray(1 << 16) for _ in range(1600)]
            return len(kept)
        repo = rs.CodeRepository(
            assets=[greedy, small], jobs=[rs.Job("greedy", [greedy]), rs.Job("small", [small])]
        )
        """,
        options=("--workers", "1"),
    )
    ended = stack.client.runs.submit(location="greedy", job="greedy").wait(timeout=30)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert ended.failure.reason.name == "OUT_OF_MEMORY"
    assert "MemoryError" in ended.failure.message
    assert len(stack.marks("greedy")) == 1
    # What it had is free again.
    assert stack.client.runs.submit(location="greedy", job="small").wait(timeout=30).state.name == "SUCCEEDED"


def test_A16_a_step_that_is_killed_for_its_memory_has_crashed(stack: Stack) -> None:
    stack.start_location(
        "greedy",
        """
        @rs.Asset
        def greedy() -> int:
            mark("greedy")
            body = os.getpid()
            if os.fork() == 0:  # does what the kernel does when memory is short
                while int(open(f"/proc/{body}/statm").read().split()[1]) < 50_000:
                    time.sleep(0.005)
                os.kill(body, 9)
                os._exit(0)
            kept = []
            while True:
                kept.append(bytearray(1 << 20))
                time.sleep(0.001)
        @rs.Asset
        def sibling() -> int:
            while not os.path.exists(MARKS) or len(open(MARKS).readlines()) < 4:  # it may be the first to begin
                time.sleep(0.01)
            return 1
        repo = rs.CodeRepository(assets=[greedy, sibling], jobs=[rs.Job("all", [greedy, sibling])])
        """.replace("MARKS", repr(str(stack.directory / "marks" / "greedy"))),
    )
    run = stack.client.runs.submit(location="greedy", job="all")
    ended = run.wait(timeout=60)
    assert ended.state.name == "FAILED"
    lost = [event for event in run.events() if event.type.name == "ATTEMPT_LOST"]
    assert [event.failure.signal for event in lost if event.failure] == [9, 9, 9]
    assert stack.marks("greedy") == ["greedy"] * 4
    assert [event.node for event in run.events() if event.type.name == "MATERIALIZED"] == ["sibling"]


def test_a_value_that_cannot_be_stored_fails_with_asset_and_remedy(stack: Stack) -> None:
    stack.start_location(
        "odd",
        """
        import threading
        @rs.Asset
        def odd():
            return {"lock": threading.Lock()}
        repo = rs.CodeRepository(assets=[odd], jobs=[rs.Job("all", [odd])])
        """,
    )
    ended = stack.client.runs.submit(location="odd", job="all").wait(timeout=30)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    for part in ("'odd'", "'dict'", "cannot pickle '_thread.lock' object", "io_handler"):
        assert part in ended.failure.message


def test_a_fork_of_a_body_is_not_the_body(stack: Stack) -> None:
    stack.start_location(
        "forks",
        """
        @rs.Asset
        def forks() -> str:
            mark("forks")
            child = os.fork()
            if child == 0:
                print("from the child", flush=True)
                return "child"  # falls out of the body, as the parent will
            os.waitpid(child, 0)
            return "parent"
        @rs.Asset
        def after(forks: str) -> str:
            mark(f"after {forks}"); return forks
        repo = rs.CodeRepository(assets=[forks, after], jobs=[rs.Job("all", [forks, after])])
        """,
        options=("--workers", "1"),
    )
    for _ in range(3):
        run = stack.client.runs.submit(location="forks", job="all")
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert "".join(chunk.text for chunk in run.logs()) == "from the child\n"
        stored = [event.node for event in run.events() if event.type.name == "MATERIALIZED"]
        assert stored == ["forks", "after"]
    assert stack.marks("forks") == ["forks", "after parent"] * 3


def test_A14_a_body_that_ignores_signals_is_killed_with_its_grandchild_after_the_grace(stack: Stack) -> None:
    stack.start_location(
        "deaf",
        """
        import signal, subprocess, sys
        CHILD = "import subprocess; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
        @rs.Asset
        def deaf() -> int:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
            pids = [os.getpid(), child.pid, int(child.stdout.readline())]
            mark(" ".join(map(str, pids)))
            while True:
                time.sleep(1)
        repo = rs.CodeRepository(assets=[deaf], jobs=[rs.Job("all", [deaf])])
        """,
        options=("--step-lease", "3"),
    )
    run = stack.client.runs.submit(location="deaf", job="all")
    pids = [int(pid) for pid in stack.until(lambda: stack.marks("deaf"), "the body")[0].split()]
    assert all(map(is_alive, pids))
    run.cancel()
    assert run.wait(timeout=30).state.name == "CANCELED"
    assert len(stack.marks("deaf")) == 1
    stack.until(lambda: not any(map(is_alive, pids)), "body, child and grandchild dead", seconds=2)


def test_A14_a_frozen_body_is_killed_after_the_grace(stack: Stack) -> None:
    stack.start_location(
        "stiff",
        """
        @rs.Asset
        def stiff() -> int:
            mark(str(os.getpid()))
            while True:
                time.sleep(0.01)
        repo = rs.CodeRepository(assets=[stiff], jobs=[rs.Job("all", [stiff])])
        """,
        options=("--step-lease", "3"),
    )
    run = stack.client.runs.submit(location="stiff", job="all")
    body = int(stack.until(lambda: stack.marks("stiff"), "the body")[0])
    os.kill(body, signal.SIGSTOP)
    run.cancel()
    assert run.wait(timeout=30).state.name == "CANCELED"
    stack.until(lambda: not is_alive(body), "the body dead", seconds=2)
    assert len(stack.marks("stiff")) == 1
