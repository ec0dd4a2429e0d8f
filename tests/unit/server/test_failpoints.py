"""What `RIVERS_FAILPOINT` may say. That the process dies there is for `tests/faults/test_failpoints.py` to see."""

from __future__ import annotations

import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from rivers.errors import ConfigurationError
from rivers_server.app import Scheduler
from rivers_server.failpoints.failpoint import Failpoint, Moment
from rivers_server.failpoints.transition import Transition
from rivers_server.settings import SchedulerSettings

ROOT = Path(__file__).parents[3]


def test_a_failpoint_names_transition_moment_and_count() -> None:
    failpoint = Failpoint.parse("run_end.before_commit:3")
    assert (failpoint.transition, failpoint.moment) == (Transition.RUN_END, Moment.BEFORE_COMMIT)


@pytest.mark.parametrize("text", ["ended", "ended.sometime", "lunch.before_commit", "ended.before_commit:0", "a.b:c"])
def test_a_failpoint_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"RIVERS_FAILPOINT=.* a moment of before_commit, "):
        Failpoint.parse(text)


async def test_a_build_without_failpoints_refuses_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RIVERS_FAILPOINT", "ended.before_commit")
    monkeypatch.setitem(sys.modules, "rivers_server.failpoints.seams", None)
    scheduler = Scheduler(SchedulerSettings(port=0, storage_path=tmp_path))
    with pytest.raises(ConfigurationError, match="this build of rivers has no failpoints"):
        await scheduler.start()


def test_a_wheel_has_no_failpoints() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert any(fnmatch("rivers_server.failpoints", pattern) for pattern in found["exclude"])


@pytest.mark.parametrize("transition", [one for one in Transition if one != Transition.BATCH])
def test_at_every_transition_a_scheduler_dies_in_a_test(transition: Transition) -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "faults").glob("test_*.py"))
    assert f"Transition.{transition.name}" in tests
