"""A store is copied while it works, and put back as docs/operations.md says."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

from tests.postgresql import on_sqlite
from tests.stack import Stack


@on_sqlite
def test_a_backup_of_a_scheduler_that_works_can_be_put_back(stack: Stack) -> None:
    stack.start_scheduler("--beat-interval", "0.2")
    location = stack.start_location("team")
    kept = stack.client.runs.submit("team", job="totals").wait()
    files, copy = stack.directory / "scheduler", stack.directory / "backup.db"
    with closing(sqlite3.connect(files / "rivers.db")) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    later = stack.client.runs.submit("team", job="totals").wait()
    assert stack.scheduler is not None
    assert stack.scheduler.stop() == 0
    location.stop()
    for file in files.glob("rivers.db*"):
        file.unlink()
    shutil.copy(copy, files / "rivers.db")
    shutil.rmtree(stack.directory / "data-team" / "spool")
    stack.start_scheduler("--beat-interval", "0.2")
    stack.start_location("team")
    known = {run.run_id for run in stack.client.runs.list()}
    assert kept.run_id in known
    assert later.run_id not in known
    assert stack.client.runs.submit("team", job="totals").wait().state.name == "SUCCEEDED"
