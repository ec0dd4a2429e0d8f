"""A selection can take along everything that it needs."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Asset
def far_up() -> int:
    return 1


@rs.Asset
def up(far_up: int) -> int:
    return far_up + 1


@rs.Asset
def wanted(up: int) -> int:
    return up + 1


@rs.Asset
def unwanted(up: int) -> int:
    raise ValueError("unwanted")


ASSETS = [far_up, up, wanted, unwanted]
LAUNCH = Launch(select=["wanted"], include_upstream=True)
EXPECTED = Outcome(materialized=["far_up", "up", "wanted"], values={"wanted": 3})
