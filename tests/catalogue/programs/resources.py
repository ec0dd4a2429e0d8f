"""Resources are injected by name and set up where they are used."""

import rivers as rs
from tests.catalogue.outcome import Outcome


class Multiplier(rs.Resource):
    factor: int = 2
    _is_ready: bool = False

    def setup(self) -> None:
        self._is_ready = True

    def times(self, number: int) -> int:
        assert self._is_ready
        return number * self.factor


@rs.Asset
def multiplied(catalogue_multiplier: Multiplier) -> int:
    return catalogue_multiplier.times(21)


@rs.Asset
def untyped(multiplied: int, catalogue_multiplier) -> int:
    return catalogue_multiplier.times(multiplied)


ASSETS = [multiplied, untyped]
RESOURCES = {"catalogue_multiplier": Multiplier(factor=2)}
EXPECTED = Outcome(materialized=["multiplied", "untyped"], values={"multiplied": 42, "untyped": 84})
