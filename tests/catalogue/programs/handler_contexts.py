"""What handlers are told of what they store and load."""

import rivers as rs
from tests.catalogue.outcome import Outcome


class Contexts(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        owner = (context.asset_metadata or {}).get("owner")
        context.add_output_metadata({"hint": str(context.type_hint), "owner": owner})

    def load_input(self, context: rs.InputContext) -> object:
        return f"{context.asset_name} {context.downstream_asset} {context.type_hint} {context.asset_metadata}"


@rs.Asset(io_handler=Contexts(), metadata={"owner": "ada"})
def told_handler() -> int:
    return 1


@rs.Asset
def asks_handler(told_handler: str) -> str:
    return told_handler


ASSETS = [told_handler, asks_handler]
EXPECTED = Outcome(
    materialized=["told_handler", "asks_handler"],
    values={"asks_handler": "told_handler asks_handler <class 'str'> {'owner': 'ada'}"},
    metadata={"told_handler": {"hint": "<class 'int'>", "owner": "ada"}},
)
