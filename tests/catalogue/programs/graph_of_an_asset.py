"""A graph takes an asset of outside."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Asset
def raw_words() -> list[str]:
    return ["b", "a"]


@rs.Task
def sort_words(words: list[str]) -> list[str]:
    return sorted(words)


@rs.Asset.from_graph()
def sorted_words(raw_words):
    return sort_words(raw_words)


ASSETS = [sorted_words, raw_words]
TASKS = [sort_words]
LAUNCH = Launch(select=["sorted_words"], include_upstream=True)
EXPECTED = Outcome(
    materialized=["raw_words", "sorted_words/sort_words", "sorted_words"],
    values={"sorted_words": ["a", "b"]},
)
