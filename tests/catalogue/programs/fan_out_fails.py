"""One instance of a mapped task that fails does not stop the others; what gathers them is skipped."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Launch, Outcome


@rs.Task
def ff_numbers() -> list[int]:
    return [0, 1, 2]


@rs.Task
def ff_odd(x: int) -> int:
    if x == 1:
        raise ValueError("one")
    return x


@rs.Task
def ff_sum(xs: list[int]) -> int:
    return sum(xs)


@rs.Asset.from_graph()
def ff():
    return ff_sum(ff_numbers().map(ff_odd).collect())


ASSETS = [ff]
TASKS = [ff_numbers, ff_odd, ff_sum]
LAUNCH = Launch(select=["ff"])
EXPECTED = Outcome(
    materialized=["ff/ff_numbers", "ff/ff_odd__0", "ff/ff_odd__2"],
    failed={"ff/ff_odd__1": "ValueError: one", "ff/ff_odd__collect": SKIPPED, "ff/ff_sum": SKIPPED, "ff": SKIPPED},
)
