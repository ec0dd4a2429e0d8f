"""What steps print is kept with their run."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def prints() -> int:
    print("first line")
    print("second line")
    return 1


@rs.Asset
def prints_and_fails(prints: int) -> int:
    print("before the end")
    raise ValueError("end")


ASSETS = [prints, prints_and_fails]
EXPECTED = Outcome(
    materialized=["prints"],
    failed={"prints_and_fails": "ValueError: end"},
    stdout={"prints": "first line\nsecond line\n", "prints_and_fails": "before the end\n"},
)
