"""Commands of a shell as steps."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Launch, Outcome

greet = rs.BashTask(name="catalogue_greet", command="echo hello $WHO; echo", env={"WHO": "you"})
exact = rs.BashTask(name="catalogue_exact", command=["printf", "%s-%s", "a b", "c"])
broken = rs.BashTask(name="catalogue_broken", command="echo trouble >&2; exit 3")


@rs.Asset
def greeted(catalogue_greet: str, catalogue_exact: str) -> list[str]:
    return [catalogue_greet, catalogue_exact]


@rs.Asset
def after_broken(catalogue_broken: str) -> int:
    return 1


ASSETS = [greeted, after_broken]
TASKS = [greet, exact, broken]
LAUNCH = Launch(select=["catalogue_greet", "catalogue_exact", "catalogue_broken", "greeted", "after_broken"])
EXPECTED = Outcome(
    materialized=["catalogue_greet", "catalogue_exact", "greeted"],
    failed={"catalogue_broken": "OSError: Command failed with exit status: 3: trouble", "after_broken": SKIPPED},
    values={"greeted": ["hello you", "a b-c"]},
)
