"""Of a multi-asset some outputs are selected: the others are neither stored nor recorded."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Asset.from_multi(name="three", output_defs=[rs.AssetDef("one_of"), rs.AssetDef("two_of"), rs.AssetDef("three_of")])
def three(context: rs.AssetExecutionContext) -> dict:
    print(context.output_selection, context.is_multi_asset)
    return {"one_of": 1, "two_of": 2, "three_of": 3}


ASSETS = [three]
LAUNCH = Launch(select=["one_of", "three_of"])
EXPECTED = Outcome(
    materialized=["one_of", "three_of"],
    values={"one_of": 1, "three_of": 3},
    stdout={"one_of": "['one_of', 'three_of'] True\n"},
)
