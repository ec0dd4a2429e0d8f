"""Fan-out in one step: what is stored, told and handed over."""

from __future__ import annotations

from typing import Any

import pytest

from rivers.definitions.results import DynamicOutput
from rivers.kernel.fan_out import Elements, normalised, tell


class Told:
    """A sink of elements."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, tuple[str, ...]]] = []

    def mapped(self, node: str, keys: tuple[str, ...]) -> None:
        self.pieces.append((node, keys))


@pytest.mark.parametrize(
    ("value", "stored", "keys"),
    [
        ([5, 6], [5, 6], ["0", "1"]),
        ((5, 6), (5, 6), ["0", "1"]),
        (iter([5]), [5], ["0"]),
        ({5}, [5], ["0"]),
        ({"a": 1}, {"a": 1}, ["0"]),
        ([], [], []),
        ([DynamicOutput("a", 5), DynamicOutput("b", 6)], [5, 6], ["a", "b"]),
        ((DynamicOutput("", 5),), [5], [""]),
        (5, 5, None),
        (None, None, None),
    ],
)
def test_what_is_stored_of_a_source_and_how_its_elements_are_called(value: Any, stored: Any, keys: Any) -> None:
    assert normalised(value) == (stored, keys)


def test_a_half_surrogate_is_no_part_of_a_name() -> None:
    with pytest.raises(ValueError, match="cannot be part of a name"):
        normalised([DynamicOutput("\ud800", 1)])


def test_very_many_elements_are_told_in_pieces() -> None:
    told, keys = Told(), [str(n) for n in range(100_000)]
    tell(told, "n", keys)  # type: ignore[arg-type]
    assert len(told.pieces) > 1
    assert [key for _, piece in told.pieces for key in piece] == keys
    assert max(sum(map(len, piece)) for _, piece in told.pieces) <= 256 << 10


def test_that_there_are_none_is_told_too() -> None:
    told = Told()
    tell(told, "n", [])  # type: ignore[arg-type]
    assert told.pieces == [("n", ())]


def test_a_loaded_source_hands_each_element_out_once_and_ends_with_its_run() -> None:
    elements, source = Elements(), ("run", "n", 1)
    assert elements.take(source, 0) == (False, None)
    elements.keep(source, ["a", "b", "c"], 0)
    assert elements.take(source, 0) == (False, None), "it was handed out when it was loaded"
    assert elements.take(source, 1) == (True, "b")
    assert elements.take(source, 1) == (False, None)
    assert elements.take(("run", "n", 2), 2) == (False, None), "another attempt's value"
    elements.leave("run")
    assert elements.take(source, 2) == (True, "c")
    elements.keep(source, ["a", "b", "c"], 0)
    elements.leave("other")
    assert elements.take(source, 1) == (False, None)
