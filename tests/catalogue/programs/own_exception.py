"""An exception of the module's own class is told by its name and its bases."""

import rivers as rs
from tests.catalogue.outcome import Outcome


class OddError(LookupError):
    def __str__(self) -> str:
        return "odd"


@rs.Asset
def raises_own() -> int:
    raise OddError


ASSETS = [raises_own]
EXPECTED = Outcome(failed={"raises_own": "OddError: odd"})
