"""Steps hand on values, not objects: nobody changes another's result."""

import pickle

import rivers as rs
from tests.catalogue.outcome import Outcome, scratch


class Copies(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        (scratch() / f"{context.asset_name}.copy").write_bytes(pickle.dumps(obj))

    def load_input(self, context: rs.InputContext) -> object:
        return pickle.loads((scratch() / f"{context.asset_name}.copy").read_bytes())


@rs.Asset(io_handler=Copies())
def original() -> list[int]:
    return [1]


@rs.Asset
def changes_it(original: list[int]) -> list[int]:
    original.append(2)
    return original


@rs.Asset(deps=[rs.AssetDef.dep("changes_it")])
def sees_original(original: list[int]) -> list[int]:
    return original


ASSETS = [original, changes_it, sees_original]
EXPECTED = Outcome(
    materialized=["original", "changes_it", "sees_original"], values={"changes_it": [1, 2], "sees_original": [1]}
)
