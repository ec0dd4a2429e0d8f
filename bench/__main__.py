"""Runs the programs named on the command line, or all of them, one after another."""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench.conditions import add_options
from bench.folder import Folder

#: Those that have no scheduler of their own take no conditions.
IN_PROCESS = ("in_process", "fan_out", "parallel_steps", "async_steps", "definitions", "backfill_in_process")
ALONE = ("import_rivers", "cli_help", "worker_start", *IN_PROCESS)
PROGRAMS = (
    "import_rivers",
    "cli_help",
    "submit_latency",
    "queue_throughput",
    "wide_run",
    "idle",
    "thousand_runs",
    "backfill",
    "backfill_growth",
    "chain",
    "recovery",
    "worker_start",
    "memory_growth",
    "busy_thread",
    "credentials",
    *IN_PROCESS,
)


def main() -> int:
    """Each in a process of its own, so that none warms up another; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(PROGRAMS))
    add_options(parser)
    asked = parser.parse_args()
    if unknown := [name for name in asked.programs if name not in PROGRAMS]:
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    conditions = [f"--database={asked.database}"] if asked.database else []
    conditions += ["--credentials"] if asked.credentials else []
    return max(_run(name, [] if name in ALONE else conditions) for name in asked.programs or PROGRAMS)


def _run(name: str, conditions: list[str]) -> int:
    command = [sys.executable, "-m", f"bench.{name}", *conditions]
    return subprocess.run(command, env=Folder.get().environment()).returncode and 1


if __name__ == "__main__":
    raise SystemExit(main())
