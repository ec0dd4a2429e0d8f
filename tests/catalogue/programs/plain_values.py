"""Values of many plain types are stored and loaded as they are."""

import rivers as rs
from tests.catalogue.outcome import Outcome

GIVEN = {
    "nothing": None,
    "text": "grüße 😀",
    "bytes": bytes(range(256)),
    "large": 2**80,
    "set": frozenset({1, 2}),
    "nested": [{"a": (1, 2.5)}, []],
}


@rs.Asset
def given() -> dict[str, object]:
    return GIVEN


@rs.Asset
def given_back(given: dict[str, object]) -> bool:
    return given == GIVEN


ASSETS = [given, given_back]
EXPECTED = Outcome(materialized=["given", "given_back"], values={"given": GIVEN, "given_back": True})
