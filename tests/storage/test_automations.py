"""Ticks of automations, whether they run, and what conditions remember."""

from __future__ import annotations

import pytest

from rivers.automation.ticks import AutomationKind, TickStatus
from rivers.storage import automations
from rivers.storage.automations import TickRow
from rivers.storage.database import Database

SENSOR = AutomationKind.SENSOR


def record(database: Database, *rows: TickRow, kept: int | None = None) -> None:
    for row in rows:
        with database.transaction() as connection:
            automations.record(connection, row, kept=kept)


def page(database: Database, name: str, limit: int = 100) -> list[TickRow]:
    with database.read() as connection:
        return automations.page(connection, name, limit=limit)


def test_a_tick_comes_back_as_it_was(database: Database) -> None:
    rows = [
        TickRow("s", SENSOR, TickStatus.SUCCESS, 5, ("r1", "r2"), ("b1",), cursor="c"),
        TickRow("s", SENSOR, TickStatus.SKIPPED, 6, skip_reason=""),
        TickRow("s", SENSOR, TickStatus.FAILED, 7, error="ValueError: é\n", cursor="c"),
    ]
    record(database, *rows)
    found = page(database, "s")
    assert [row.at for row in found] == [7, 6, 5]
    assert [row.tick_id for row in found] == sorted((row.tick_id for row in found), reverse=True)
    for before, after in zip(rows, reversed(found), strict=True):
        for name in ("name", "kind", "status", "at", "run_ids", "backfill_ids", "skip_reason", "error", "cursor"):
            assert getattr(after, name) == getattr(before, name)


def test_pages_are_of_one_name_and_limited(database: Database) -> None:
    record(database, *(TickRow(name, SENSOR, TickStatus.SUCCESS, at) for at in range(4) for name in ("a", "b")))
    assert [row.at for row in page(database, "a", limit=3)] == [3, 2, 1]
    assert page(database, "a", limit=0) == []
    assert page(database, "nobody") == []


@pytest.mark.parametrize(("kept", "left"), [(None, 5), (5, 5), (3, 3), (1, 1)])
def test_only_the_newest_are_kept(database: Database, kept: int | None, left: int) -> None:
    record(database, *(TickRow("other", SENSOR, TickStatus.SUCCESS, at) for at in range(3)))
    record(database, *(TickRow("s", AutomationKind.SCHEDULE, TickStatus.SUCCESS, at) for at in range(3)))
    record(database, *(TickRow("s", SENSOR, TickStatus.SUCCESS, 10 + at) for at in range(5)), kept=kept)
    assert [row.at for row in page(database, "s") if row.kind == SENSOR] == [14 - n for n in range(left)]
    with database.read() as connection:
        assert automations.count(connection, SENSOR, "s") == left
        assert automations.count(connection, AutomationKind.SCHEDULE, "s") == 3
        assert automations.count(connection, SENSOR, "other") == 3


def test_the_latest_is_of_one_automation(database: Database) -> None:
    record(
        database,
        TickRow("s", SENSOR, TickStatus.SUCCESS, 1, cursor="mine"),
        TickRow("s", AutomationKind.SCHEDULE, TickStatus.SUCCESS, 2),
    )
    with database.read() as connection:
        latest = automations.latest(connection, SENSOR, "s")
        assert latest is not None
        assert latest.cursor == "mine"
        assert automations.latest(connection, SENSOR, "t") is None


def test_somebody_starts_and_stops_automations(database: Database) -> None:
    for is_running in (True, False):
        with database.transaction() as connection:
            automations.set_running(connection, SENSOR, "s", is_running)
            automations.set_running(connection, AutomationKind.SCHEDULE, "s", not is_running)
        with database.read() as connection:
            assert automations.running(connection) == {
                (SENSOR, "s"): is_running,
                (AutomationKind.SCHEDULE, "s"): not is_running,
            }


def test_states_of_conditions(database: Database) -> None:
    for states in ({"a": b"1", "b": b"2"}, {"b": b"3"}):
        with database.transaction() as connection:
            automations.save_states(connection, states)
    with database.read() as connection:
        assert automations.states(connection, ["a", "b", "c"]) == {"a": b"1", "b": b"3"}
        assert automations.states(connection, ["a"]) == {"a": b"1"}
