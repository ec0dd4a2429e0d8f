"""Which partitions a rerun covers (F-02, B7)."""

from __future__ import annotations

from array import array

import pytest

from rivers.lifecycle.backfill.rerun import RerunScope, rerun_units
from rivers.lifecycle.backfill.states import UnitState
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.backfill.units import ListedUnits
from rivers.partitions.spans import Spans

UNITS = ListedUnits(Spans.between(10, 20), array("q", [1, 3, 2, 1, 3]))
ROWS = [
    UnitProgress(0, 0, 1, UnitState.COMPLETED),
    UnitProgress(0, 1, 3, UnitState.COMPLETED, failed=1, marked=(1,)),
    UnitProgress(0, 2, 2, UnitState.FAILED, failed=2),
    UnitProgress(0, 3, 1, UnitState.CANCELED),
]


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        (RerunScope.UNSUCCESSFUL, [[12], [14, 15], [16], [17, 18, 19]]),
        (RerunScope.FAILED, [[12], [14, 15]]),
        (RerunScope.CANCELED, [[16], [17, 18, 19]]),
        (RerunScope.MISSING, [[11, 13], [15], [17, 19]]),
        (RerunScope.ALL, [[10], [11, 12, 13], [14, 15], [16], [17, 18, 19]]),
    ],
)
def test_B7_F02_a_rerun_covers_what_its_scope_says(scope: RerunScope, groups: list[list[int]]) -> None:
    units = rerun_units(UNITS, ROWS, scope, is_missing=lambda index: bool(index % 2))
    assert [list(units.indexes(unit)) for unit in range(units.count)] == groups


@pytest.mark.parametrize(
    ("scope", "groups"),
    [
        (RerunScope.UNSUCCESSFUL, [[12], [14, 15], [16]]),
        (RerunScope.CANCELED, [[16]]),
        (RerunScope.FAILED, [[12], [14, 15]]),
    ],
)
def test_F02_of_a_backfill_that_goes_on_what_is_still_to_come_is_left_out(
    scope: RerunScope, groups: list[list[int]]
) -> None:
    for state in (None, UnitState.BLOCKED, UnitState.READY, UnitState.DRAWN):
        rows = ROWS if state is None else [*ROWS, UnitProgress(0, 4, 3, state)]
        units = rerun_units(UNITS, rows, scope, is_over=False)
        assert [list(units.indexes(unit)) for unit in range(units.count)] == groups
    drawn = [*ROWS, UnitProgress(0, 4, 3, UnitState.DRAWN)]
    assert 17 not in list(rerun_units(UNITS, drawn, RerunScope.CANCELED).all_indexes())


def test_F02_partitions_that_exist_no_more_are_left_out() -> None:
    units = rerun_units(UNITS, ROWS, RerunScope.UNSUCCESSFUL, exists=lambda index: index < 18)
    assert list(units.all_indexes()) == [12, 14, 15, 16, 17]
