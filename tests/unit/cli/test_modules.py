"""Modules that commands load, several of them in one process."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from rivers.cli import app

SOURCE = """
import rivers as rs

@rs.Asset(partitions_def=rs.PartitionsDefinition.static_(["a", "b"]))
def %s():
    return 1

repo = rs.CodeRepository(assets=[%s], default_executor=rs.Executor.in_process())
"""


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("read_by_commands", None)


def test_a_module_is_read_anew_for_every_command_and_its_repository_has_the_store_of_that(directory):
    runner = CliRunner()
    for name in ("first", "second"):
        (directory / "read_by_commands.py").write_text(SOURCE % (name, name))
        done = runner.invoke(app, ["materialize", "read_by_commands", "--partition-key", "a"])
        assert (done.exit_code, done.stdout) == (0, f"Materialization complete. Assets: ['{name}']\n")
    done = runner.invoke(app, ["backfill", "read_by_commands", "--partitions", "a,b", "--storage-path", "store"])
    assert done.exit_code == 0, done.stderr
    backfill_id = done.stdout.split()[1].rstrip(":")
    done = runner.invoke(app, ["backfill-status", backfill_id, "read_by_commands", "--storage-path", "store"])
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, f"Backfill {backfill_id}: completed")
