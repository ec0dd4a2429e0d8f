"""A job may leave out what an explicit handler can load."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Shelf(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        raise AssertionError("nobody makes it here")

    def load_input(self, context: rs.InputContext) -> object:
        return 41


@rs.Asset(io_handler=Shelf())
def on_the_shelf() -> int:
    raise AssertionError("not part of the job")


@rs.Asset
def off_the_shelf(on_the_shelf: int) -> int:
    return on_the_shelf + 1


ASSETS = [on_the_shelf, off_the_shelf]
JOBS = [rs.Job("incomplete", [off_the_shelf], allow_incomplete_deps=True)]
LAUNCH = Launch(job="incomplete")
EXPECTED = Outcome(materialized=["off_the_shelf"], values={"off_the_shelf": 42})
