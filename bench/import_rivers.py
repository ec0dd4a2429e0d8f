"""What `import rivers` costs over bare Python, and what a module with an asset, a job and a repository costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

from bench.figure import Figure, report, spread

ROUNDS = 21
BARE = "pass"
IMPORT = "import rivers"
AUTHOR = """
import rivers as rs
@rs.Asset
def a() -> int:
    return 1
repo = rs.CodeRepository(assets=[a], jobs=[rs.Job("j", [a])])
"""


def main() -> None:
    """Interleaved, so that a slow moment of the machine meets all alike."""
    samples: dict[str, list[float]] = {BARE: [], IMPORT: [], AUTHOR: []}
    with tempfile.TemporaryDirectory() as directory:
        for program in samples:
            _milliseconds(program, directory)  # fills the caches
        for _ in range(ROUNDS):
            for program, times in samples.items():
                times.append(_milliseconds(program, directory))
    bare = statistics.median(samples[BARE])
    detail = {
        "bare_python": spread(samples[BARE]),
        "with_import": spread(samples[IMPORT]),
        "with_a_repository_over_bare": round(statistics.median(samples[AUTHOR]) - bare, 1),
    }
    value = round(statistics.median(samples[IMPORT]) - bare, 1)
    report("import_rivers", Figure("import rivers over bare Python", value, "ms", 50, detail=detail))


def _milliseconds(program: str, directory: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=directory, check=True)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
