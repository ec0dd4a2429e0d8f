"""`repo.storage` in steps at a location: they add and remove dynamic partitions, and nothing else is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rivers.lifecycle.states import RunState
from rivers_client import Run
from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack

SOURCE = """
    shops = rs.PartitionsDefinition.dynamic("shops")
    @rs.Asset
    def found() -> int:
        repo.storage.add_dynamic_partitions("shops", ["a", "b", "ü", "a"])
        repo.storage.delete_dynamic_partition("shops", "b")
        return 1
    @rs.Asset
    async def found_at_once() -> int:
        await repo.storage.async_add_dynamic_partitions("async", ["x", "y"])
        await repo.storage.async_delete_dynamic_partition("async", "y")
        return 1
    @rs.Asset
    def found_many() -> int:
        repo.storage.add_dynamic_partitions("many", [f"{n:06}" + "-" * 30 for n in range(30_000)])
        return 1
    @rs.Asset
    def found_and_failed() -> int:
        repo.storage.add_dynamic_partitions("kept", ["k"])
        raise ValueError("after all")
    @rs.Asset
    def bad_key() -> int:
        repo.storage.add_dynamic_partitions("bad", ["good", "a|b"])
        return 1
    @rs.Asset
    def bad_type() -> int:
        repo.storage.add_dynamic_partitions("bad", "text")
        return 1
    @rs.Asset
    def no_name() -> int:
        repo.storage.delete_dynamic_partition("", "k")
        return 1
    @rs.Asset
    def something_else() -> int:
        repo.storage.get_runs()
        return 1
    @rs.Asset(partitions_def=shops)
    def sold(context: rs.AssetExecutionContext) -> int:
        mark(str(context.partition_key))
        return 1
    repo = rs.CodeRepository(assets=[
        found, found_at_once, found_many, found_and_failed, bad_key, bad_type, no_name, something_else, sold])
"""


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running scheduler with the location `team`."""
    with Stack(tmp_path_factory.mktemp("stack"), database_url(request)) as running:
        running.start_scheduler("--beat-interval", "0.2")
        running.start_location("team", SOURCE)
        yield running


def run(stack: Stack, asset: str, key: str | None = None) -> Run:
    return stack.client.runs.submit("team", select=[asset], partition_key=key).wait(timeout=60)


def keys(stack: Stack, name: str) -> list[str]:
    return list(stack.client.partitions.keys(name))


def test_a_step_adds_and_removes_keys_and_the_next_run_has_them(stack: Stack) -> None:
    assert run(stack, "found").succeeded
    assert keys(stack, "shops") == ["a", "ü"]
    assert run(stack, "sold", "ü").succeeded
    assert "ü" in stack.marks("team")


def test_so_does_a_coroutine(stack: Stack) -> None:
    assert run(stack, "found_at_once").succeeded
    assert keys(stack, "async") == ["x"]


def test_many_keys_come_in_pieces(stack: Stack) -> None:
    assert run(stack, "found_many").succeeded
    assert len(keys(stack, "many")) == 30_000


def test_what_a_step_has_added_stays_when_it_fails_later(stack: Stack) -> None:
    assert run(stack, "found_and_failed").state == RunState.FAILED
    assert keys(stack, "kept") == ["k"]


@pytest.mark.parametrize(
    ("asset", "text"),
    [
        ("bad_key", "StorageError: partition key 'a|b' contains reserved character '|'"),
        ("bad_type", "TypeError: partition_keys must be a list of str"),
        ("no_name", "StorageError: dynamic partitions need a name"),
        ("something_else", "StorageError: storage.get_runs is not there at a code location"),
    ],
)
def test_what_is_refused_fails_the_step_and_changes_nothing(stack: Stack, asset: str, text: str) -> None:
    done = run(stack, asset)
    assert done.failure is not None
    assert text in done.failure.message
    assert keys(stack, "bad") == []
