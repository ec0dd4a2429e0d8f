"""A return annotation is a promise; a value that breaks it fails its step."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def keeps_promise() -> dict[str, int]:
    return {"a": "not looked at"}


@rs.Asset
def breaks_promise() -> float:
    return 1


@rs.Asset
def maybe() -> int | None:
    return None


@rs.Asset
def truth() -> int:
    return True


ASSETS = [keeps_promise, breaks_promise, maybe, truth]
EXPECTED = Outcome(
    materialized=["keeps_promise", "maybe", "truth"],
    failed={
        "breaks_promise": "AssetOutputValidationError: Asset 'breaks_promise' returned value of type 'int' "
        "but expected 'float'"
    },
    values={"maybe": None, "truth": True},
)
