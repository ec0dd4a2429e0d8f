"""What a scheduler and a location with one warm worker hold and use while nothing happens."""

from __future__ import annotations

import time
from pathlib import Path

from bench.conditions import Conditions
from bench.figure import Figure, report
from bench.stack import Cost
from bench.usage import Memory, memory, tree
from tests.stack import Program

SETTLE = 5.0
WINDOW = 60.0
MODULE = """
@rs.Asset
def one() -> int:
    return 1
repo = rs.CodeRepository(assets=[one], jobs=[rs.Job("one", [one])])
"""


def main() -> None:
    """After one run, so that everything that is loaded late is loaded; without a client's connection."""
    with Conditions.asked().running(MODULE, workers=1) as stack:
        if not stack.client.runs.submit("bench", job="one").wait(30).succeeded:
            raise RuntimeError("the run failed")
        stack.client.close()
        time.sleep(SETTLE)
        cost = Cost(stack)
        time.sleep(WINDOW)
        cpu = {name: round(used / 10 / WINDOW, 3) for name, used in cost.per(1).items()}
        assert stack.scheduler is not None
        held = {**_held("scheduler", stack.scheduler), **_held("location", stack.locations["bench"])}
    rss, pss = sum(one.rss for one in held.values()), sum(one.pss for one in held.values())
    processes = {name: {"rss": round(one.rss, 1), "pss": round(one.pss, 1)} for name, one in held.items()}
    report(
        "idle",
        Figure("idle memory, RSS", round(rss, 1), "MiB", 220, detail={"processes": processes}),
        Figure("idle memory, PSS", round(pss, 1), "MiB", 160),
        Figure("idle CPU of all processes", round(sum(cpu.values()), 3), "%", 0.3, detail={"percent": cpu}),
    )


def _held(role: str, program: Program) -> dict[str, Memory]:
    names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in tree(program)}
    return {f"{role} {number} {name}": memory(pid) for number, (pid, name) in enumerate(names.items())}


if __name__ == "__main__":
    main()
