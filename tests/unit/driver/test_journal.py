"""Write-behind: what others see while a run goes on, and what happens when it cannot be written."""

from __future__ import annotations

import time

import pytest

from rivers.definitions.asset import Asset
from rivers.driver.journal import Journal
from rivers.errors import StorageError, StorageUnavailableError
from rivers.kernel.contexts import AssetExecutionContext
from rivers.lifecycle.states import RunState
from rivers.storage.database import Database
from rivers.storage.rows import WriteSet


def eventually(check, within=5.0):
    """Waits for something that another thread does."""
    deadline = time.monotonic() + within
    while not check():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.005)


@pytest.mark.parametrize("kind", ["here", "stored"])
def test_others_see_a_run_while_its_step_is_busy(request, kind):
    here = request.getfixturevalue(kind)

    @Asset
    def first():
        return 1

    @Asset
    def busy(context: AssetExecutionContext, first):
        print("working")
        assert here.row(context.run_id).state == RunState.STARTED
        eventually(lambda: "STEP_STARTED busy" in here.story(context.run_id))
        eventually(lambda: [row.text for row in here.logs(context.run_id)] == ["working\n"])
        assert here.asset("first") is not None

    assert here.run(first, busy).success
    assert [row.text for row in here.logs()] == ["working\n"]


def test_a_database_that_is_closed_meanwhile(tmp_path, here):
    here.database = Database.embedded(tmp_path)
    ran = []

    @Asset
    def closes():
        here.database.close()

    @Asset
    def after(closes):
        ran.append(1)

    with pytest.raises(StorageError, match="is closed"):
        here.run(closes, after)
    assert ran == []


class Refusing:
    """A database that refuses some writes."""

    def __init__(self, errors):
        self.errors = errors
        self.written = []

    def write(self, writes):
        if self.errors:
            raise self.errors.pop(0)
        self.written.append(writes)


def test_a_database_that_is_away_for_a_moment_is_tried_again():
    database = Refusing([StorageUnavailableError(database="d"), StorageUnavailableError(database="d")])
    sets = [WriteSet()]
    journal = Journal(database, lambda is_renewal: sets.pop() if sets else None)
    journal.flush()
    assert len(database.written) == 1


def test_after_an_error_nothing_is_written():
    database = Refusing([RuntimeError("odd")])
    journal = Journal(database, lambda is_renewal: WriteSet())
    for _ in range(2):
        with pytest.raises(StorageError, match="could not be recorded: odd"):
            journal.flush()
    assert database.written == []
