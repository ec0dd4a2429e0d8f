"""What processes use: CPU time and memory, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.stack import Program, children

TICK = os.sysconf("SC_CLK_TCK")
MIB = 1024.0


@dataclass(frozen=True)
class Memory:
    """Resident and proportional set size in MiB."""

    rss: float
    pss: float


def cpu_seconds(program: Program) -> float:
    """CPU time of a program and everything below it, processes that were waited for included."""
    return sum(_cpu(pid) for pid in tree(program))


def memory(pid: int) -> Memory:
    """What a process holds; what it shares counts in `pss` by its part."""
    sizes = {"Rss": 0.0, "Pss": 0.0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] = int(rest.split()[0]) / MIB
    return Memory(sizes["Rss"], sizes["Pss"])


def tree(program: Program) -> list[int]:
    """A program's process and every one below it."""
    return [program.process.pid, *children(program.process.pid)]


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:  # it ended meanwhile
        return 0.0
    return sum(int(value) for value in fields[11:15]) / TICK
