"""Two graphs have copies of one task; a task that is used twice in a graph runs once."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome, note


@rs.Task
def gs_one(context: rs.AssetExecutionContext) -> int:
    note(context.run_id, context.asset_name)
    return 1


@rs.Task
def gs_add(a: int, b: int) -> int:
    return a + b


@rs.Asset.from_graph()
def gs_first():
    return gs_add(gs_one(), gs_one())


@rs.Asset.from_graph()
def gs_second():
    return gs_one()


ASSETS = [gs_first, gs_second]
TASKS = [gs_one, gs_add]
LAUNCH = Launch(select=["gs_first", "gs_second"])
EXPECTED = Outcome(
    materialized=["gs_first/gs_one", "gs_first/gs_add", "gs_first", "gs_second/gs_one", "gs_second"],
    values={"gs_first": 2, "gs_second": 1},
    notes={"gs_first/gs_one": ["x"], "gs_second/gs_one": ["x"]},
)
