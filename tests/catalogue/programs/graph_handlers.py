"""A graph's tasks and its asset may be stored by handlers of their own."""

import ast

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome, scratch


class Places(rs.BaseIOHandler):
    place: str

    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        name = context.asset_name.replace("/", "-")
        (scratch() / f"{self.place}.{name}").write_text(repr(obj))

    def load_input(self, context: rs.InputContext) -> object:
        name = context.asset_name.replace("/", "-")
        return ast.literal_eval((scratch() / f"{self.place}.{name}").read_text())


@rs.Task
def gh_number() -> int:
    return 20


@rs.Task(io_handler=Places(place="task"))
def gh_more(x: int) -> int:
    return x + 1


@rs.Asset.from_graph(io_handler=Places(place="graph"), node_io_handler=Places(place="node"))
def gh():
    return gh_more(gh_number())


@rs.Asset
def after_gh(gh: int) -> int:
    return gh * 2


ASSETS = [gh, after_gh]
TASKS = [gh_number, gh_more]
LAUNCH = Launch(select=["gh", "after_gh"])
EXPECTED = Outcome(
    materialized=["gh/gh_number", "gh/gh_more", "gh", "after_gh"],
    values={"gh/gh_number": 20, "gh/gh_more": 21, "gh": 21, "after_gh": 42},
)
