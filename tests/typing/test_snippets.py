"""Type checkers see what authors are promised, and refuse what is wrong: mypy over the files of this folder.

A line that mypy refuses ends with `# E: code`; every other line it has to accept.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SNIPPETS = sorted(path.name for path in FOLDER.glob("*.py") if not path.name.startswith("test_"))

_SAID = re.compile(r"^(?:.*/)?(\w+\.py):(\d+): error: .*\[([\w-]+)\]$")


@pytest.fixture(scope="module")
def said() -> dict[str, set[tuple[int, str]]]:
    """What mypy says of each file: line and code."""
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--warn-unreachable",
            "--follow-imports=silent",
            *(str(FOLDER / name) for name in SNIPPETS),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        check=False,
    )
    assert checked.returncode in (0, 1), checked.stdout + checked.stderr
    found: dict[str, set[tuple[int, str]]] = {name: set() for name in SNIPPETS}
    for line in checked.stdout.splitlines():
        if (match := _SAID.match(line)) is not None:
            found[match.group(1)].add((int(match.group(2)), match.group(3)))
    return found


@pytest.mark.parametrize("name", SNIPPETS)
def test_mypy_says_what_is_expected(name: str, said: dict[str, set[tuple[int, str]]]) -> None:
    lines = (FOLDER / name).read_text().splitlines()
    expected = {
        (number, code)
        for number, line in enumerate(lines, 1)
        if "# E: " in line
        for code in line.rpartition("# E: ")[2].split(", ")
    }
    assert said[name] == expected
