"""Durations as people write them."""

import pytest

from rivers.definitions.humantime import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250ms", 0.25), ("30s", 30), ("5m", 300), ("1h30m", 5400), ("1h 30m", 5400), ("2days", 172800), ("0s", 0)],
)
def test_durations(text, expected):
    assert seconds(text, "x") == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", " ", "30", "s", "1 fortnight", "-1s", "1.5s", "5m!"])
def test_what_is_none(text):
    with pytest.raises(ValueError, match="invalid duration for 'lease': ") as caught:
        seconds(text, "lease")
    assert f'"{text}"' in str(caught.value)
