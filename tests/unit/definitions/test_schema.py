"""Arrow schemas: what exports one, and their form as bytes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import rivers as rs


@pytest.fixture
def arrow() -> Any:
    """The library that schemas are made with."""
    try:
        return import_module("arro3.core")
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("arro3 is not installed: make test installs it")
        pytest.skip("arro3 is not installed")


@pytest.fixture
def exported(arrow: Any) -> Any:
    """A schema with types and metadata of several kinds."""
    word, number = arrow.DataType.string(), arrow.DataType.int32()
    return arrow.Schema(
        [
            arrow.Field("id", number, nullable=False),
            arrow.Field("kind", arrow.DataType.dictionary(arrow.DataType.int8(), word), metadata={"b": "2", "a": "1"}),
            arrow.Field("at", arrow.DataType.timestamp("us", tz="UTC")),
        ],
        metadata={"made": "here"},
    )


class Exporter:
    """Somebody else's object: all that is known of it is that it exports a schema."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()


def test_a_schema_has_names_and_a_length(exported):
    schema = rs.Schema(Exporter(exported))
    assert (schema.names, len(schema)) == (["id", "kind", "at"], 3)
    assert repr(schema).startswith("Schema(id: Int32, kind: Dictionary(Int8, Utf8), at: Timestamp")


def test_it_goes_to_bytes_and_back(exported):
    schema = rs.Schema(exported)
    data = schema.to_ipc()
    assert isinstance(data, bytes)
    assert data.startswith(b"\xff\xff\xff\xff"), "an encapsulated message"
    assert rs.Schema.from_ipc(data) == schema
    assert rs.Schema.from_ipc(data + b"\xff\xff\xff\xff\0\0\0\0") == schema, "a stream without batches"
    assert pickle.loads(pickle.dumps(schema)) == schema


def test_equality_is_by_content(arrow, exported):
    schema = rs.Schema(exported)
    assert schema == rs.Schema(rs.Schema(exported))
    assert hash(schema) == hash(rs.Schema(exported))
    other = rs.Schema(exported.with_metadata({"made": "there"}))
    assert schema != other
    assert schema != rs.Schema(arrow.Schema([exported.field(0)]))


def test_what_exports_none_is_refused():
    with pytest.raises(ValueError, match="int exports no Arrow schema: it has no __arrow_c_schema__"):
        rs.Schema(3)
    with pytest.raises(TypeError, match="data must be bytes, not str"):
        rs.Schema.from_ipc("text")


@pytest.mark.parametrize("data", [b"", b"junk"])
def test_other_bytes_are_refused(arrow, data):
    with pytest.raises(ValueError, match="not an Arrow schema in IPC form"):
        rs.Schema.from_ipc(data)


def test_as_metadata(exported):
    value = rs.MetadataValue.schema(Exporter(exported))
    assert isinstance(value, rs.MetadataValue.Schema)
    assert value.ipc_bytes == rs.Schema(exported).to_ipc()
    assert value.raw_value() == rs.Schema(exported)
    assert value == rs.MetadataValue.schema(exported)


def test_a_step_may_report_one(exported):
    @rs.Asset
    def table():
        return rs.Output([], metadata={"rivers/schema": Exporter(exported)})

    repo = rs.CodeRepository(assets=[table], default_executor=rs.Executor.in_process())
    result = repo.materialize()
    (made,) = [e for e in repo.storage.get_events_for_run(result.run_id) if e.event_type == "Materialization"]
    assert dict(made.metadata)["rivers/schema"].startswith('{"Schema":{"ipc_bytes":[255,')


def test_without_the_library_the_error_says_what_to_install():
    program = (
        "import sys\n"
        "for name in ('arro3', 'arro3.core', 'arro3.io'): sys.modules[name] = None\n"
        "import rivers as rs\n"
        "class Exporter:\n"
        "    def __arrow_c_schema__(self): ...\n"
        "try:\n"
        "    rs.Schema(Exporter())\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "Arrow schemas need arro3: install it with `pip install arro3-core arro3-io`\n"
