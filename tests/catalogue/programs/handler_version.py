"""A version that a handler registers beats the author's, and its metadata the author's."""

import rivers as rs
from tests.catalogue.outcome import Outcome


class Versioned(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        context.add_output_metadata({"by": "handler"})
        context.register_data_version("of the handler")

    def load_input(self, context: rs.InputContext) -> object:
        return f"{context.asset_name} for {context.downstream_asset}"


@rs.Asset(io_handler=Versioned())
def versioned() -> rs.Output:
    return rs.Output(1, data_version="of the author", metadata={"by": "author", "rows": 1})


@rs.Asset
def reads_versioned(versioned: str) -> str:
    return versioned


ASSETS = [versioned, reads_versioned]
EXPECTED = Outcome(
    materialized=["versioned", "reads_versioned"],
    values={"reads_versioned": "versioned for reads_versioned"},
    metadata={"versioned": {"by": "handler", "rows": 1}},
    versions={"versioned": "of the handler"},
)
