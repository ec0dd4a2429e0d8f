"""Runs the programs named on the command line, or all of them, one after another."""

from __future__ import annotations

import subprocess
import sys

PROGRAMS = (
    "import_rivers",
    "cli_help",
    "submit_latency",
    "queue_throughput",
    "wide_run",
    "idle",
    "thousand_runs",
    "chain",
    "recovery",
    "worker_start",
    "memory_growth",
    "busy_thread",
    "credentials",
)


def main() -> int:
    """Each in a process of its own, so that none warms up another; 1 when one of them failed."""
    chosen = sys.argv[1:] or list(PROGRAMS)
    if unknown := [name for name in chosen if name not in PROGRAMS]:
        print(f"no such figure: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    return max(subprocess.run([sys.executable, "-m", f"bench.{name}"]).returncode and 1 for name in chosen)


if __name__ == "__main__":
    raise SystemExit(main())
