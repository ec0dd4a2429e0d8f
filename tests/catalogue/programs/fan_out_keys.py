"""Items with keys name the instances of a mapped task."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Task
def keyed_items() -> list:
    return [rs.DynamicOutput("alpha", "a"), rs.DynamicOutput("beta", "b")]


@rs.Task
def keyed_upper(context: rs.AssetExecutionContext, text: str) -> str:
    print(context.asset_name)
    return text.upper()


@rs.Task
def keyed_join(texts: list[str]) -> str:
    return "".join(texts)


@rs.Asset.from_graph()
def keyed():
    return keyed_join(keyed_items().map(keyed_upper, max_concurrency=1).collect())


ASSETS = [keyed]
TASKS = [keyed_items, keyed_upper, keyed_join]
LAUNCH = Launch(select=["keyed"])
EXPECTED = Outcome(
    materialized=["keyed/keyed_items", "keyed/keyed_upper", "keyed/keyed_upper__collect", "keyed/keyed_join", "keyed"],
    values={"keyed": "AB", "keyed/keyed_items": ["a", "b"]},
    stdout={f"keyed/keyed_upper__{key}": "keyed/keyed_upper\n" for key in ("alpha", "beta")},
)
