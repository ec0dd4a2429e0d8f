"""The client's types, as a checker sees them."""

import subprocess
import sys
from pathlib import Path


def test_a_checker_sees_what_is_promised():
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "tests/services/client/typed_use.py"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    complaints = [line for line in done.stdout.splitlines() if "typed_use.py" in line]
    assert not complaints, done.stdout + done.stderr
