"""A resource that cannot be made ready fails the steps that ask for it, and only those."""

import rivers as rs
from tests.catalogue.outcome import Outcome


class Fragile(rs.Resource):
    word: str = "fine"

    def say(self) -> str:
        if self.word == "broken":
            raise RuntimeError("a broken resource")
        return self.word


@rs.Asset
def uses_fragile(catalogue_fragile: Fragile) -> str:
    return catalogue_fragile.say()


@rs.Asset
def uses_solid(catalogue_solid: Fragile) -> str:
    return catalogue_solid.say()


ASSETS = [uses_fragile, uses_solid]
RESOURCES = {"catalogue_fragile": Fragile(word="broken"), "catalogue_solid": Fragile()}
EXPECTED = Outcome(
    materialized=["uses_solid"],
    failed={"uses_fragile": "RuntimeError: a broken resource"},
    values={"uses_solid": "fine"},
)
