"""A multi-asset returns its outputs by name."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset.from_multi(name="pair", output_defs=[rs.AssetDef("first_of_pair"), rs.AssetDef("second_of_pair")])
def pair() -> dict:
    return {"first_of_pair": 1, "second_of_pair": rs.Output(2, metadata={"rows": 2}), "extra": 3}


@rs.Asset
def pair_sum(first_of_pair: int, second_of_pair: int) -> int:
    return first_of_pair + second_of_pair


ASSETS = [pair, pair_sum]
EXPECTED = Outcome(
    materialized=["first_of_pair", "second_of_pair", "pair_sum"],
    values={"first_of_pair": 1, "second_of_pair": 2, "pair_sum": 3},
    metadata={"second_of_pair": {"rows": 2}},
)
