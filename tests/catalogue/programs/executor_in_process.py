"""An asset can ask for the run's own process."""

import os

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(metadata={"rivers/executor": "in_process"})
def at_home() -> int:
    return os.getpid()


@rs.Asset(metadata={"rivers/executor": "in_process"})
def at_home_too(at_home: int) -> bool:
    return os.getpid() == at_home


ASSETS = [at_home, at_home_too]
EXPECTED = Outcome(materialized=["at_home", "at_home_too"], values={"at_home_too": True})
