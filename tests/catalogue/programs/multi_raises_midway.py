"""What a generator has yielded before it raises stays."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset.from_multi(name="midway", output_defs=[rs.AssetDef("before_it"), rs.AssetDef("after_it")])
def midway():
    yield rs.Output(1, output_name="before_it")
    raise ValueError("midway")


ASSETS = [midway]
EXPECTED = Outcome(materialized=["before_it"], failed={"after_it": "ValueError: midway"}, values={"before_it": 1})
