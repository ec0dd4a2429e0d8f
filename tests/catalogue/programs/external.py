"""What others make is loaded through its handler, and looked at when there is a function for that."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Outside(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        raise AssertionError("nobody writes there")

    def load_input(self, context: rs.InputContext) -> object:
        return [1, 2, 3]


source = rs.Asset.external(name="outside_source", io_handler=Outside())


@rs.Asset.external(io_handler=Outside())
def watched_source(context: rs.AssetExecutionContext) -> rs.Observation:
    context.add_output_metadata({"by": "context", "rows": 1})
    return rs.Observation(metadata={"rows": 3}, data_version="seen")


@rs.Asset
def of_sources(outside_source: list[int], watched_source: list[int]) -> int:
    return len(outside_source) + len(watched_source)


ASSETS = [source, watched_source, of_sources]
LAUNCH = Launch(select=["watched_source", "of_sources"])
EXPECTED = Outcome(
    materialized=["watched_source", "of_sources"],
    observed=["watched_source"],
    values={"of_sources": 6},
    metadata={"watched_source": {"by": "context", "rows": 3}},
    versions={"watched_source": "seen"},
)
