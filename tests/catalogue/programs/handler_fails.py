"""A handler that cannot store, and one that cannot load, fail the step that asked."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Outcome


class Broken(rs.BaseIOHandler):
    stores: bool

    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        if not self.stores:
            raise OSError("cannot store")

    def load_input(self, context: rs.InputContext) -> object:
        raise LookupError("cannot load")


@rs.Asset(io_handler=Broken(stores=False))
def not_stored() -> int:
    return 1


@rs.Asset(io_handler=Broken(stores=True))
def not_loaded() -> int:
    return 1


@rs.Asset
def asks(not_loaded: int) -> int:
    return 1


@rs.Asset
def after_not_stored(not_stored: int) -> int:
    return 1


ASSETS = [not_stored, not_loaded, asks, after_not_stored]
EXPECTED = Outcome(
    materialized=["not_loaded"],
    failed={"not_stored": "OSError: cannot store", "asks": "LookupError: cannot load", "after_not_stored": SKIPPED},
)
