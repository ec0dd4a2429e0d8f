"""A graph of tasks makes an asset."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Task
def graph_double(x: int) -> int:
    return x * 2


@rs.Task
def graph_number() -> int:
    return 4


@rs.Asset.from_graph(name="doubled_by_graph")
def doubled_by_graph():
    return graph_double(graph_number())


@rs.Asset
def after_graph(doubled_by_graph: int) -> int:
    return doubled_by_graph + 1


ASSETS = [doubled_by_graph, after_graph]
TASKS = [graph_double, graph_number]
LAUNCH = Launch(select=["doubled_by_graph", "after_graph"])
EXPECTED = Outcome(
    materialized=["doubled_by_graph/graph_number", "doubled_by_graph/graph_double", "doubled_by_graph", "after_graph"],
    values={"doubled_by_graph": 8, "doubled_by_graph/graph_number": 4, "after_graph": 9},
)
