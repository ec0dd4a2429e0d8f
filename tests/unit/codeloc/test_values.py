"""Values of authors who named no handler."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

import rivers as rs
from codeloc.packs import Packs
from codeloc.values import LARGE, StoredValue
from rivers.errors import AssetOutputValidationError
from rivers.kernel.io_contexts import InputContext, OutputContext


def _store(directory: Path, token: int, value: Any, node: str = "graph/node") -> OutputContext:
    context = OutputContext(node)
    StoredValue(directory, "run/1", token).handle_output(context, value)
    return context


def _load(directory: Path, token: int, node: str = "graph/node") -> Any:
    return StoredValue(directory, "run/1", token).load_input(InputContext(node, "downstream"))


def test_a_large_value_is_a_file_of_its_attempt(tmp_path: Path) -> None:
    value = b"x" * LARGE
    context = _store(tmp_path, 7, value)
    path = tmp_path / "run%2F1" / "graph%2Fnode.7"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    metadata = {name: one.plain() for name, one in (context.output_metadata or {}).items()}
    assert metadata == {"path": str(path), "serializer": "pickle", "size_bytes": path.stat().st_size}
    assert _load(tmp_path, 7) == value


def test_small_values_of_a_run_share_a_file(tmp_path: Path) -> None:
    packs = Packs()
    contexts = []
    for token in (7, 8, 9):
        contexts.append(OutputContext("graph/node"))
        StoredValue(tmp_path, "run/1", token, packs=packs).handle_output(contexts[-1], [token])
    (pack,) = (tmp_path / "run%2F1").iterdir()
    assert (pack.parent.stat().st_mode & 0o777, pack.stat().st_mode & 0o777) == (0o700, 0o600)
    for token, context in zip((7, 8, 9), contexts, strict=True):
        metadata = {name: one.plain() for name, one in (context.output_metadata or {}).items()}
        assert (metadata["path"], metadata["serializer"]) == (str(pack), "pickle")
        assert isinstance(metadata["offset"], int)
        assert isinstance(metadata["size_bytes"], int)
        stored = pack.read_bytes()[metadata["offset"] : metadata["offset"] + metadata["size_bytes"]]
        assert pickle.loads(stored) == [token] == _load(tmp_path, token)


def test_attempts_do_not_overwrite_each_other(tmp_path: Path) -> None:
    _store(tmp_path, 7, "committed")
    _store(tmp_path, 8, "of an attempt that was thought lost")
    assert _load(tmp_path, 7) == "committed"


def test_what_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    for token in (0, 9):
        with pytest.raises(KeyError, match="node"):
            _load(tmp_path, token, "node")


def test_what_cannot_be_pickled_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AssetOutputValidationError, match=r"'graph/node'.*'lock' that cannot be pickled.*io_handler"):
        _store(tmp_path, 7, threading.Lock())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("node", ["..", "."])
def test_names_that_would_walk_are_refused(tmp_path: Path, node: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a path"):
        _store(tmp_path, 7, b"x" * LARGE, node)


AB = rs.PartitionsDefinition.static_([".", "a", "b"])


def _partition(value: str) -> rs.PartitionContext:
    return rs.PartitionContext([rs.PartitionKey.single(value)], AB)


def test_the_value_of_another_partition_is_the_one_that_was_stored_last(tmp_path: Path) -> None:
    for token, value in enumerate([".", "a", "a", "b"], start=1):
        stored = StoredValue(tmp_path, f"run{token}", token, _partition(value))
        stored.handle_output(OutputContext("up", partition=_partition(value)), (token, value))
    of_run = StoredValue(tmp_path, "run2", 2, _partition("a"))
    assert of_run.load_input(InputContext("up", "down", partition=_partition("a"))) == (2, "a")
    assert of_run.load_input(InputContext("up", "down", partition=_partition("b"))) == (4, "b")
    assert of_run.load_input(InputContext("up", "down", partition=_partition("."))) == (1, ".")
    elsewhere = StoredValue(tmp_path, "", 0, _partition("b"))
    assert elsewhere.load_input(InputContext("up", "down", partition=_partition("a"))) == (3, "a")
    with pytest.raises(KeyError, match="other"):
        elsewhere.load_input(InputContext("other", "down", partition=_partition("a")))
