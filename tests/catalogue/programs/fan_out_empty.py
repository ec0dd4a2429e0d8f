"""Nothing to map: nothing is run, and an empty list is gathered."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Task
def no_items() -> list[int]:
    return []


@rs.Task
def never_run(x: int) -> int:
    raise ValueError("never")


@rs.Task
def how_many(xs: list[int]) -> int:
    return len(xs)


@rs.Asset.from_graph()
def empty_fan():
    return how_many(no_items().map(never_run).collect())


ASSETS = [empty_fan]
TASKS = [no_items, never_run, how_many]
LAUNCH = Launch(select=["empty_fan"])
EXPECTED = Outcome(
    materialized=[
        "empty_fan/no_items",
        "empty_fan/never_run",
        "empty_fan/never_run__collect",
        "empty_fan/how_many",
        "empty_fan",
    ],
    values={"empty_fan": 0},
)
