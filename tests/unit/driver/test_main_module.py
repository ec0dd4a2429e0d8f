"""Classes of a program's own module in worker processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import dataclasses, enum, json, os, sys, threading
import rivers as rs
from obstore.store import LocalStore

files = rs.PickleIOHandler(store=LocalStore(sys.argv[1]))


@dataclasses.dataclass
class Point:
    x: int


class Color(enum.Enum):
    RED = 1


class StaysHere:
    lock = threading.Lock()


class Refused(Exception):
    pass


@rs.Asset(io_handler=files)
def makes():
    return [Point(1), Color.RED]


@rs.Asset(io_handler=files)
def hands_on(makes):
    return [*makes, os.getpid()]


@rs.Asset(io_handler=files)
def knows(makes):
    return makes == [Point(1), Color.RED] and os.getpid()


@rs.Asset(io_handler=files)
def raises(makes):
    raise Refused(str(makes[0].x))


repo = rs.CodeRepository([makes, hands_on, knows, raises], default_executor=rs.Executor.parallel(2))
result = repo.materialize(raise_on_error=False)
point, color, place = repo.load_node("hands_on")
try:
    repo.materialize()
except Refused as error:
    caught = str(error)
print(json.dumps({
    "failed": result.failed_assets,
    "is_here": os.getpid() in (place, repo.load_node("knows")),
    "knows": bool(repo.load_node("knows")),
    "same": [type(point) is Point, point == Point(1), color is Color.RED],
    "caught": caught,
}))
"""


@pytest.mark.parametrize("form", ["file", "text"])
def test_values_of_classes_of_the_program_itself(tmp_path: Path, form: str) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    started = [str(script)] if form == "file" else ["-c", PROGRAM]
    done = subprocess.run(
        [sys.executable, *started, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "failed": [["raises", "Refused: 1"]],
        "is_here": False,
        "knows": True,
        "same": [True, True, True],
        "caught": "1",
    }
