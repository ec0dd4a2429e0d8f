"""Plans: one row a run, which changes no more once the run has started."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from rivers.planning.plan import RunPlan
from rivers.storage.multirow import Insert, Values
from rivers.storage.schema import plans as table
from rivers.storage.schema import runs
from rivers.v1 import plan_pb2
from rivers.wire.plans import decode_plan, encode_plan
from rivers.wire.values import decode_map

INSERT = Insert(table, ["run_id", "body"])
REPLACE = Insert(table, ["run_id", "body"], update=["body"])

_GET = select(table.c.body).where(table.c.run_id == bindparam("run_id"))
_OF_RUNS = (
    select(table.c.run_id, table.c.body)
    .join(runs, runs.c.run_id == table.c.run_id)
    .where(runs.c.state.in_(bindparam("states", expanding=True)), runs.c.owner == bindparam("owner"))
)


def image(run_id: str, plan: RunPlan) -> Values:
    """A plan's row."""
    return run_id, encode_plan(plan).SerializeToString()


def get(connection: Connection, run_id: str) -> RunPlan | None:
    """The plan of a run."""
    body = connection.execute(_GET, {"run_id": run_id}).scalar_one_or_none()
    return decode_plan(plan_pb2.RunPlan.FromString(body)) if body is not None else None


def config(connection: Connection, run_id: str) -> dict[str, object] | None:
    """The launch document of a run; its steps, which may be many, are left undecoded."""
    body = connection.execute(_GET, {"run_id": run_id}).scalar_one_or_none()
    plan = plan_pb2.RunPlan.FromString(body or b"")
    return decode_map(plan.config) if plan.HasField("config") else None


def of_runs(connection: Connection, *, states: list[int], owner: int) -> dict[str, RunPlan]:
    """The plans of every run in one of these states that this owner executes, by run."""
    found = connection.execute(_OF_RUNS, {"states": states, "owner": owner})
    return {run_id: decode_plan(plan_pb2.RunPlan.FromString(body)) for run_id, body in found}
