"""A value that cannot leave its process."""

import threading

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset(metadata={"rivers/executor": "in_process"}, io_handler=rs.InMemoryIOHandler())
def a_lock() -> object:
    return threading.Lock()


@rs.Asset(metadata={"rivers/executor": "in_process"})
def is_free(a_lock) -> bool:
    return not a_lock.locked()


ASSETS = [a_lock, is_free]
EXPECTED = Outcome(materialized=["a_lock", "is_free"], values={"is_free": True})
