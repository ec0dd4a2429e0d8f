"""A task is mapped over the items of a list, and the results are gathered in order."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Task
def fan_numbers() -> list[int]:
    return [3, 1, 2]


@rs.Task
def fan_double(x: int) -> int:
    return x * 2


@rs.Task
def fan_total(xs: list[int]) -> list[int]:
    return list(xs)


@rs.Asset.from_graph()
def fanned():
    return fan_total(fan_numbers().map(fan_double).collect())


ASSETS = [fanned]
TASKS = [fan_numbers, fan_double, fan_total]
LAUNCH = Launch(select=["fanned"])
EXPECTED = Outcome(
    materialized=[
        "fanned/fan_numbers",
        "fanned/fan_double",
        "fanned/fan_double__collect",
        "fanned/fan_total",
        "fanned",
    ],
    values={"fanned": [6, 2, 4]},
)
