"""What a launch document says of one step."""

from __future__ import annotations

import pytest

from rivers.kernel.config import launched


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, (None, None)),
        ({}, (None, None)),
        ({"assets": {"b": {"config": {"x": 1}}}}, (None, None)),
        ({"assets": {"a": {"config": {"x": 1}}}}, ({"x": 1}, None)),
        ({"assets": {"a": {"metadata": {"m": "1"}}}, "resources": {}}, (None, {"m": "1"})),
    ],
)
def test_the_part_of_a_step(document, expected):
    assert launched(document, "a") == expected
