"""How long `rivers --help` takes, as a whole process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.figure import Figure, report, spread

ROUNDS = 15


def main() -> None:
    """The console script that is installed beside the interpreter."""
    command = [str(Path(sys.executable).with_name("rivers")), "--help"]
    times = []
    for round_number in range(ROUNDS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if round_number:  # the first fills the caches
            times.append(1000 * (time.perf_counter() - start))
    value = round(statistics.median(times), 1)
    report("cli_help", Figure("rivers --help", value, "ms", 150, detail=spread(times)))


if __name__ == "__main__":
    main()
