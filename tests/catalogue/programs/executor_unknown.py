"""An executor that does not exist fails its step."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(metadata={"rivers/executor": "abacus"})
def on_abacus() -> int:
    return 1


ASSETS = [on_abacus]
EXPECTED = Outcome(
    failed={
        "on_abacus": "ConfigurationError: Unknown executor in rivers/executor metadata: 'abacus'. "
        "Valid values: 'in_process', 'parallel'"
    }
)
