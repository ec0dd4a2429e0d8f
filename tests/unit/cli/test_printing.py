"""Columns and JSON."""

from datetime import UTC, datetime, timedelta

import pytest

from rivers.cli.printing import plain, span, table
from rivers.lifecycle.states import RunState
from rivers.partitions.key import PartitionKey
from rivers_client import RunRequest


def test_columns_are_aligned_and_numbers_to_the_right(capsys):
    table(["NAME", "N", "STATE"], [("a", 1, RunState.QUEUED), ("long name", 100, None)], empty="Nothing.")
    assert capsys.readouterr().out == ("NAME         N  STATE\na            1  queued\nlong name  100  -\n")


def test_lines_stay_lines(capsys):
    table(["TEXT"], [("a\nb",)], empty="")
    assert capsys.readouterr().out == "TEXT\na b\n"


def test_nothing_is_said(capsys):
    table(["NAME"], iter(()), empty="Nothing.")
    assert capsys.readouterr().out == "Nothing.\n"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (RunState.QUEUED, "queued"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05+00:00"),
        (timedelta(seconds=1.5), 1.5),
        (PartitionKey.single("a"), {"single": ["a"]}),
        (b"\xff", "\\xff"),
        ({1: (2, None)}, {"1": [2, None]}),
        (2**53 + 1, 2**53 + 1),
    ],
)
def test_what_json_holds(obj, expected):
    assert plain(obj) == expected


def test_a_dataclass_is_an_object():
    assert plain(RunRequest("weather", job="daily", request_id="r"))["job"] == "daily"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (3.44, "3.4 s"), (125, "2 m 05 s"), (12_000, "3 h 20 m")]
)
def test_spans(seconds, text):
    assert span(seconds) == text
