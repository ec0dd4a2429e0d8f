"""A failure within a graph fails what is behind it, the graph's asset included."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Launch, Outcome


@rs.Task
def gf_number() -> int:
    return 1


@rs.Task
def gf_boom(x: int) -> int:
    raise ValueError("within")


@rs.Task
def gf_after(x: int) -> int:
    return x


@rs.Asset.from_graph()
def broken_graph():
    return gf_after(gf_boom(gf_number()))


ASSETS = [broken_graph]
TASKS = [gf_number, gf_boom, gf_after]
LAUNCH = Launch(select=["broken_graph"])
EXPECTED = Outcome(
    materialized=["broken_graph/gf_number"],
    failed={
        "broken_graph/gf_boom": "ValueError: within",
        "broken_graph/gf_after": SKIPPED,
        "broken_graph": SKIPPED,
    },
)
