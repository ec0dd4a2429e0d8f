"""Options of backfill commands, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from rivers.cli import backfill_options as options
from rivers.errors import InvalidRequestError
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("a, b", None, None, ()), options.Partitions([PartitionKey.single("a"), PartitionKey.single("b")])),
        ((None, "a", "c", ()), options.Partitions(range=PartitionKeyRange.single("a", "c"))),
        (
            (None, None, None, ("date=d1..d3", "region=us,eu")),
            options.Partitions(range=PartitionKeyRange.multi({"date": ("d1", "d3"), "region": ["us", "eu"]})),
        ),
    ],
)
def test_what_selects_partitions(given: Any, expected: options.Partitions) -> None:
    assert options.partitions(*given) == expected


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((None, None, None, ()), "provide --partitions, --from/--to, or --range"),
        ((None, "a", None, ()), "provide --partitions, --from/--to, or --range"),
        ((None, None, "b", ()), "provide --partitions, --from/--to, or --range"),
        (("a", "a", "b", ()), "exclude each other"),
        (("a", None, None, ("d=a..b",)), "exclude each other"),
        ((" , ", None, None, ()), "names no key"),
        ((None, None, None, ("dates",)), "write dim=from..to or dim=k1,k2"),
    ],
)
def test_what_selects_none(given: Any, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        options.partitions(*given)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("multi_run", BackfillStrategy.multi_run()),
        ("single_run", BackfillStrategy.single_run()),
        ("date=multi_run,region=single_run", BackfillStrategy.per_dimension(["date"], ["region"])),
    ],
)
def test_strategies(text: str | None, expected: BackfillStrategy | None) -> None:
    assert options.strategy(text) == expected


@pytest.mark.parametrize("text", ["multi", "date", "date=often", "=multi_run"])
def test_unknown_strategies(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="--strategy"):
        options.strategy(text)
