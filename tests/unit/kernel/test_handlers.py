"""The built-in IO handlers."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import pytest
from obstore.store import LocalStore, MemoryStore
from pydantic import ValidationError

from rivers.io_handlers import BaseIOHandler, InMemoryIOHandler, PickleIOHandler
from rivers.kernel.io_contexts import InputContext, OutputContext
from rivers.partitions.context import PartitionContext
from rivers.partitions.key import PartitionKey


def partition(*keys: PartitionKey) -> PartitionContext:
    return PartitionContext(keys, None)


KEYS = [
    (None, ""),
    (PartitionKey.single("mon"), "/mon"),
    (PartitionKey.single(["a", "b"]), "/a/b"),
    (PartitionKey.multi({"d": "1", "b": ["x", "y"]}), "/b=x|y/d=1"),
]


@pytest.mark.parametrize(("key", "suffix"), KEYS)
def test_in_memory_keys(key, suffix):
    handler = InMemoryIOHandler()
    where = None if key is None else partition(key)
    value = object()
    handler.handle_output(OutputContext("p", partition=where), value)
    assert handler._storage == {f"p{suffix}": value}
    assert handler.load_input(InputContext("p", "q", partition=where)) is value


def test_in_memory_metadata_and_missing_values():
    handler, context = InMemoryIOHandler(), OutputContext("a")
    handler.handle_output(context, [1])
    raw = {name: value.raw_value() for name, value in (context.output_metadata or {}).items()}
    assert raw == {"storage": "memory", "size_bytes": sys.getsizeof([1])}
    with pytest.raises(KeyError) as missing:
        handler.load_input(InputContext("b", "c"))
    assert missing.value.args == ("b",)


@pytest.mark.parametrize(
    ("prefix", "key", "path"),
    [
        ("", None, "p.pkl"),
        ("x/y", None, "x/y/p.pkl"),
        ("", PartitionKey.single("mon"), "p/mon/data.pkl"),
        ("x", PartitionKey.multi({"d": "1", "b": "x"}), "x/p/b=x/d=1/data.pkl"),
    ],
)
def test_pickle_paths_and_metadata(tmp_path, prefix, key, path):
    handler = PickleIOHandler(store=LocalStore(tmp_path), prefix=prefix)
    where = None if key is None else partition(key)
    context = OutputContext("p", partition=where)
    handler.handle_output(context, {"v": 1})
    data = (tmp_path / path).read_bytes()
    assert pickle.loads(data) == {"v": 1}
    raw = {name: value.raw_value() for name, value in (context.output_metadata or {}).items()}
    duration = raw.pop("write_duration_s")
    assert raw == {"path": path, "serializer": "pickle", "size_bytes": len(data)}
    assert duration == round(duration, 6) >= 0
    assert handler.load_input(InputContext("p", "q", partition=where)) == {"v": 1}


class FileSystem:
    """What of an fsspec file system is used."""

    def __init__(self, root):
        self.root = root

    def makedirs(self, path, exist_ok=False):
        (self.root / path).mkdir(parents=True, exist_ok=exist_ok)

    def pipe_file(self, path, value):
        (self.root / path).write_bytes(value)

    def cat_file(self, path):
        return (self.root / path).read_bytes()

    def put(self, source, target):
        raise AssertionError("copies local files")

    get = put


@pytest.mark.parametrize("prefix", ["", "x/y"])
def test_a_file_system_of_fsspec_is_a_store(tmp_path, prefix):
    handler = PickleIOHandler(store=FileSystem(tmp_path), prefix=prefix)
    handler.handle_output(OutputContext("p"), [1])
    assert pickle.loads((tmp_path / prefix / "p.pkl").read_bytes()) == [1]
    assert handler.load_input(InputContext("p", "q")) == [1]
    with pytest.raises(FileNotFoundError):
        handler.load_input(InputContext("other", "q"))


@pytest.mark.parametrize("place", ["memory", "local"])
def test_stores_of_obstore(tmp_path, place):
    handler = PickleIOHandler(store=MemoryStore() if place == "memory" else LocalStore(tmp_path), prefix="/x/")
    for value in ({"v": 1}, None, b"bytes"):
        handler.handle_output(OutputContext("p"), value)
        assert handler.load_input(InputContext("p", "q")) == value


def test_a_missing_object_is_the_stores_error():
    with pytest.raises(FileNotFoundError):
        PickleIOHandler(store=MemoryStore()).load_input(InputContext("a", "b"))


def test_a_stray_environment_variable_changes_nothing(monkeypatch):
    monkeypatch.setenv("PREFIX", "stray")
    assert PickleIOHandler(store=MemoryStore()).prefix == ""
    monkeypatch.setenv("RIVERS_PICKLE_PREFIX", "meant")
    assert PickleIOHandler(store=MemoryStore()).prefix == "meant"


def test_what_is_no_store_is_refused():
    with pytest.raises(ValidationError, match="store must be an obstore store"):
        PickleIOHandler(store="s3://bucket")
    with pytest.raises(ValidationError):
        PickleIOHandler()


class Text(BaseIOHandler):
    folder: str

    def handle_output(self, context: Any, obj: Any) -> None: ...

    def load_input(self, context: Any) -> Any: ...


def test_fields_come_from_arguments_environment_env_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValidationError):
        Text()
    (tmp_path / ".env").write_text("FOLDER=file\nSOMEBODY_ELSES=1\n")
    assert Text().folder == "file"
    monkeypatch.setenv("FOLDER", "environment")
    assert Text().folder == "environment"
    assert Text(folder="argument").folder == "argument"


def test_a_handler_needs_both_methods():
    class Half(BaseIOHandler):
        def load_input(self, context: Any) -> Any: ...

    with pytest.raises(TypeError, match="abstract"):
        Half()
