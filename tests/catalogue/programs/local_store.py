"""Pickles in a directory, through obstore, in workers that share nothing else."""

import obstore.store

import rivers as rs
from tests.catalogue.outcome import Outcome, scratch


class LocalFolder:
    def _store(self) -> obstore.store.LocalStore:
        return obstore.store.LocalStore(scratch(), mkdir=True)

    def put(self, path: str, data: bytes) -> None:
        self._store().put(path, data)

    def get(self, path: str) -> object:
        return self._store().get(path)


@rs.Asset(io_handler=rs.PickleIOHandler(store=LocalFolder(), prefix="local"))
def in_store() -> list[int]:
    return list(range(1000))


@rs.Asset(io_handler=rs.PickleIOHandler(store=LocalFolder(), prefix="local"))
def sum_in_store(in_store: list[int]) -> int:
    return sum(in_store)


ASSETS = [in_store, sum_in_store]
EXPECTED = Outcome(materialized=["in_store", "sum_in_store"], values={"sum_in_store": 499500})
