"""Failures are told apart: memory, time and all else."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def out_of_memory() -> int:
    raise MemoryError("too much")


@rs.Asset
def too_late() -> int:
    raise TimeoutError("too late")


@rs.Asset
def unreachable() -> int:
    raise ConnectionError("nobody")


ASSETS = [out_of_memory, too_late, unreachable]
EXPECTED = Outcome(
    failed={
        "out_of_memory": "MemoryError: too much",
        "too_late": "TimeoutError: too late",
        "unreachable": "ConnectionError: nobody",
    }
)
