"""Pickles in an object store."""

import rivers as rs
from tests.catalogue.outcome import Outcome, scratch


class Folder:
    def put(self, path: str, data: bytes) -> None:
        place = scratch() / "pickles" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def get(self, path: str) -> "Folder":
        found = Folder()
        found.data = (scratch() / "pickles" / path).read_bytes()
        return found

    def bytes(self) -> bytes:
        return self.data


@rs.Asset(io_handler=rs.PickleIOHandler(store=Folder(), prefix="catalogue"))
def pickled() -> dict:
    return {"a": 1}


@rs.Asset(io_handler=rs.PickleIOHandler(store=Folder()))
def pickled_too(pickled: dict) -> dict:
    return {**pickled, "b": 2}


ASSETS = [pickled, pickled_too]
EXPECTED = Outcome(
    materialized=["pickled", "pickled_too"], values={"pickled": {"a": 1}, "pickled_too": {"a": 1, "b": 2}}
)
