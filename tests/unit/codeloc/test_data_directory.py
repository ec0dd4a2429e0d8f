"""Names as path segments, the identity of a directory, and processes that outlived their location."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codeloc.data_directory import DataDirectory
from codeloc.process_groups import MARK, ProcessGroups
from codeloc.segments import encode_segment
from rivers.errors import ConflictError


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("orders", "orders"),
        ("graph/task", "graph%2Ftask"),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
        ("a b~c%", "a%20b%7Ec%25"),
        ("größe", "gr%C3%B6%C3%9Fe"),
        ("nul\0", "nul%00"),
        ("...", "..."),
    ],
)
def test_any_name_is_one_segment(name: str, segment: str) -> None:
    assert encode_segment(name) == segment
    assert "/" not in encode_segment(name)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_names_that_would_walk_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a path"):
        encode_segment(name)


def test_long_names_stay_different() -> None:
    first, second = encode_segment("x" * 1000), encode_segment("x" * 999 + "y")
    assert first != second
    assert len(first) < 255


def test_every_start_is_a_new_boot_of_the_same_home(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path / "data")
    first.close()
    second = DataDirectory(tmp_path / "data")
    assert (second.home_id, second.boot) == (first.home_id, 2)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    second.close()
    assert DataDirectory(tmp_path / "other").home_id != first.home_id


def test_a_directory_has_one_user(tmp_path: Path) -> None:
    first = DataDirectory(tmp_path)
    with pytest.raises(ConflictError, match=f"is used by process {os.getpid()}; stop it"):
        DataDirectory(tmp_path)
    first.close()
    assert DataDirectory(tmp_path).boot == 2


def _sleeper(mark: str) -> subprocess.Popen[bytes]:
    """A group leader with a child in its group."""
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '1000']); print(p.pid, flush=True); p.wait()"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        process_group=0,
        env={**os.environ, MARK: mark},
    )


def test_A5_recorded_groups_are_ended(tmp_path: Path) -> None:
    groups = ProcessGroups(tmp_path / "groups", "home")
    with _sleeper("home") as leader, _sleeper("another") as bystander:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        groups.record(leader.pid)
        assert sorted(ProcessGroups(tmp_path / "groups", "home").end_all()) == sorted([leader.pid, child])
        assert leader.wait() == -signal.SIGKILL
        assert bystander.poll() is None
        assert groups.end_all() == []
        os.killpg(bystander.pid, signal.SIGKILL)


def test_a_group_whose_leader_is_gone_is_known_by_its_mark(tmp_path: Path) -> None:
    groups = ProcessGroups(tmp_path / "groups", "home")
    with _sleeper("home") as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        groups.record(leader.pid)
        leader.kill()
        leader.wait()
        assert ProcessGroups(tmp_path / "groups", "another").end_all() == []
        groups.record(os.getpid())
        (tmp_path / "groups" / str(leader.pid)).write_text("0")
        (tmp_path / "groups" / str(os.getpid())).write_text("1")  # the pid has come round
        assert groups.end_all() == [child]
