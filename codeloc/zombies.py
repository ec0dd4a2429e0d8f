"""Dead processes that a worker has become the parent of, because what its steps started has left them behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: Fewer are left to whoever may still ask how they ended.
MANY = 64


def bury_many() -> int:
    """Between steps: when many dead children wait, those that no object of user code stands for; how many.

    Every process whose own parent is gone comes to its worker, which else would hold their numbers for as long as it
    lives.
    """
    try:
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return 0
    except ChildProcessError:
        return 0
    dead = list(_dead_children())
    if len(dead) < MANY:
        return 0
    wanted = _known_to_somebody()
    buried = 0
    for pid in dead:
        if pid not in wanted:
            os.waitpid(pid, os.WNOHANG)
            buried += 1
    return buried


def _dead_children() -> Iterator[int]:
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            stat = Path(f"/proc/{child}/stat").read_text(errors="replace")
            if stat[stat.rindex(")") + 2] == "Z":
                yield int(child)


def _known_to_somebody() -> set[int | None]:
    found: set[int | None] = {item.pid for item in gc.get_objects() if isinstance(item, subprocess.Popen)}
    if "multiprocessing.process" in sys.modules:
        found |= {process.pid for process in sys.modules["multiprocessing.process"].active_children()}
    return found
