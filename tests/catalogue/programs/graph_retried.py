"""A task within a graph has a policy of its own."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome, note


@rs.Task(retry=rs.RetryPolicy(1))
def gr_flaky(context: rs.AssetExecutionContext) -> int:
    if note(context.run_id, "gr_flaky") < 2:
        raise ValueError("again")
    return 5


@rs.Asset.from_graph()
def graph_with_retry():
    return gr_flaky()


ASSETS = [graph_with_retry]
TASKS = [gr_flaky]
LAUNCH = Launch(select=["graph_with_retry"])
EXPECTED = Outcome(
    materialized=["graph_with_retry/gr_flaky", "graph_with_retry"],
    values={"graph_with_retry": 5},
    retries={"graph_with_retry/gr_flaky": 1},
)
