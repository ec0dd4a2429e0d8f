"""The status is a function of total, counters and intent, row by row (B4, F-05)."""

from __future__ import annotations

import pytest

from rivers.lifecycle.backfill.counters import Counters, canceled, status
from rivers.lifecycle.backfill.states import BackfillIntent as Intent
from rivers.lifecycle.backfill.states import BackfillStatus as Status


@pytest.mark.parametrize(
    ("counters", "intent", "expected", "expected_canceled"),
    [
        (Counters(), Intent.RUN, Status.QUEUED, 0),
        (Counters(drawn=2), Intent.RUN, Status.RUNNING, 0),
        (Counters(drawn=2, completed=2), Intent.RUN, Status.RUNNING, 0),
        (Counters(drawn=2, completed=1), Intent.PAUSE, Status.PAUSED, 0),
        (Counters(drawn=2, completed=2), Intent.PAUSE, Status.PAUSED, 0),
        (Counters(drawn=4, completed=4), Intent.PAUSE, Status.COMPLETED, 0),
        (Counters(drawn=4, completed=4), Intent.RUN, Status.COMPLETED, 0),
        (Counters(drawn=4, completed=3, failed=1), Intent.RUN, Status.FAILED, 0),
        (Counters(drawn=4, completed=3, canceled=1), Intent.RUN, Status.CANCELED, 1),
        (Counters(drawn=3, completed=1, failed=1), Intent.STOP, Status.STOPPING, 1),
        (Counters(drawn=2, completed=1, failed=1), Intent.STOP, Status.FAILED, 2),
        (Counters(drawn=2, completed=1), Intent.CANCEL, Status.CANCELING, 2),
        (Counters(drawn=1, completed=1), Intent.CANCEL, Status.CANCELED, 3),
        (Counters(drawn=4, completed=4), Intent.CANCEL, Status.CANCELED, 0),
    ],
)
def test_B4_status_of_four_partitions(
    counters: Counters, intent: Intent, expected: Status, expected_canceled: int
) -> None:
    assert status(4, counters, intent) == expected
    assert canceled(4, counters, intent) == expected_canceled


def test_a_backfill_that_could_not_be_launched_has_failed() -> None:
    assert status(4, Counters(), Intent.STOP, error="no such asset") == Status.FAILED
    assert status(0, Counters(), Intent.RUN) == Status.COMPLETED
