"""Instances of a mapped task are tried again by themselves."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome, note


@rs.Task
def fr_numbers() -> list[int]:
    return [1, 2]


@rs.Task(retry=rs.RetryPolicy(1))
def fr_flaky(context: rs.AssetExecutionContext, x: int) -> int:
    if x == 2 and note(context.run_id, "fr_flaky") < 2:
        raise ValueError("again")
    return x


@rs.Task
def fr_list(xs: list[int]) -> list[int]:
    return list(xs)


@rs.Asset.from_graph()
def fr():
    return fr_list(fr_numbers().map(fr_flaky).collect_stream(ordered=True))


ASSETS = [fr]
TASKS = [fr_numbers, fr_flaky, fr_list]
LAUNCH = Launch(select=["fr"])
EXPECTED = Outcome(
    materialized=["fr/fr_numbers", "fr/fr_flaky", "fr/fr_flaky__collect", "fr/fr_list", "fr"],
    values={"fr": [1, 2]},
    retries={"fr/fr_flaky__1": 1},
)
