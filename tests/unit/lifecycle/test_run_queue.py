"""Which queued runs may start: the tables of limits and of reasons."""

from __future__ import annotations

import pytest

from rivers.definitions.snapshot import RunQueueDefinition, TagLimitDefinition
from rivers.lifecycle.run_queue import Room, priority_of

PROD, DEV = (("env", "prod"),), (("env", "dev"),)


def room(limit: TagLimitDefinition | None = None, *flying: tuple[tuple[str, str], ...], most: int = -1) -> Room:
    return Room(RunQueueDefinition(most, () if limit is None else (limit,)), flying)


@pytest.mark.parametrize(
    ("most", "flying", "reason"),
    [(2, 2, "global run limit (2/2)"), (2, 1, None), (0, 0, "global run limit (0/0)"), (-1, 500, None)],
)
def test_the_limit_of_runs_at_once(most: int, flying: int, reason: str | None) -> None:
    assert room(None, *([()] * flying), most=most).blocked_by(()) == reason


VALUE = TagLimitDefinition("env", 1, "prod")
EACH = TagLimitDefinition("env", 1, per_unique_value=True)
KEY = TagLimitDefinition("env", 1)
NONE = TagLimitDefinition("env", 0)


@pytest.mark.parametrize(
    ("limit", "flying", "tags", "reason"),
    [
        (VALUE, [PROD], PROD, "tag limit: env=prod (1/1)"),
        (VALUE, [PROD], DEV, None),
        (VALUE, [DEV, DEV], PROD, None),
        (EACH, [PROD], PROD, "tag limit: env=prod (1/1)"),
        (EACH, [PROD], DEV, None),
        (KEY, [PROD], DEV, "tag limit: env (1/1)"),
        (KEY, [PROD], (("team", "a"),), None),
        (NONE, [], DEV, "tag limit: env (0/0)"),
        (EACH, [DEV], PROD + DEV, "tag limit: env=dev (1/1)"),
        (KEY, [], PROD + PROD, None),
    ],
)
def test_limits_of_tags(limit: TagLimitDefinition, flying: list, tags: tuple, reason: str | None) -> None:
    assert room(limit, *flying).blocked_by(tags) == reason


def test_every_limit_that_a_run_matches_must_have_room() -> None:
    both = Room(RunQueueDefinition(-1, (EACH, TagLimitDefinition("team", 1))), [(("team", "a"),)])
    assert both.blocked_by(PROD) is None
    assert both.blocked_by((*PROD, ("team", "b"))) == "tag limit: team (1/1)"


def test_Q03_a_blocked_run_takes_nothing_and_an_admitted_one_counts_at_once() -> None:
    left = room(VALUE, PROD, most=2)
    assert left.blocked_by(PROD) is not None
    assert left.blocked_by(DEV) is None
    left.take(DEV)
    assert left.blocked_by(DEV) == "global run limit (2/2)"


@pytest.mark.parametrize(
    ("tags", "priority"),
    [
        ((), 0),
        ((("rivers/priority", "7"),), 7),
        ((("rivers/priority", "-3"),), -3),
        ((("rivers/priority", "high"),), 0),
        ((("rivers/priority", "1.5"),), 0),
        ((("rivers/priority", "99999999999"),), (1 << 31) - 1),
        ((("other", "7"),), 0),
        ((("rivers/priority", "1"), ("rivers/priority", "2")), 1),
    ],
)
def test_the_priority_of_tags(tags: tuple, priority: int) -> None:
    assert priority_of(tags) == priority
