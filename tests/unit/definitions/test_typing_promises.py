"""Type checkers see what authors are promised."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_promises_hold():
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(Path(__file__).with_name("typing_promises.py"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
