"""Steps of one run in its own process and elsewhere."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(metadata={"rivers/executor": "in_process"})
def here() -> list[int]:
    return [1]


@rs.Asset(metadata={"rivers/executor": "parallel"})
def there_too(here: list[int]) -> list[int]:
    return [*here, 2]


@rs.Asset(metadata={"rivers/executor": "in_process"})
def here_again(there_too: list[int]) -> list[int]:
    return [*there_too, 3]


ASSETS = [here, there_too, here_again]
EXPECTED = Outcome(materialized=["here", "there_too", "here_again"], values={"here_again": [1, 2, 3]})
