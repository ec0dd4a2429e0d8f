"""Arrow schemas."""

from __future__ import annotations

import io
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rivers.definitions.metadata import ArrowSchemaExportable

#: What a stream ends with; a schema alone is the message before it.
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


class Schema:
    """An Arrow schema, taken from anything that exports one.

    Equal schemas have the same fields with the same metadata, in the same order. `ValueError` for what exports none.
    """

    __slots__ = ("_schema",)

    def __init__(self, schema: ArrowSchemaExportable) -> None:
        if not hasattr(schema, "__arrow_c_schema__"):
            raise ValueError(f"{type(schema).__name__} exports no Arrow schema: it has no __arrow_c_schema__")
        self._schema: Any = _library("arro3.core").Schema.from_arrow(schema)

    @property
    def names(self) -> list[str]:
        """The names of the fields."""
        return list(self._schema.names)

    def to_ipc(self) -> bytes:
        """The schema in IPC form: one encapsulated message."""
        written = io.BytesIO()
        reader = _library("arro3.core").RecordBatchReader.from_batches(self._schema, [])
        _library("arro3.io").write_ipc_stream(reader, written, compression=None)
        return written.getvalue().removesuffix(_END_OF_STREAM)

    @staticmethod
    def from_ipc(data: bytes) -> Schema:
        """The schema whose `to_ipc` this is; `ValueError` when it is none."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        reader = _library("arro3.io").read_ipc_stream
        try:
            return Schema(reader(io.BytesIO(data)).schema)
        except Exception as error:  # the library has classes of its own for what it cannot read
            raise ValueError(f"not an Arrow schema in IPC form: {error}") from None

    def __arrow_c_schema__(self) -> object:
        capsule: object = self._schema.__arrow_c_schema__()
        return capsule

    def __len__(self) -> int:
        return len(self._schema.names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schema):
            return NotImplemented
        return bool(self._schema == other._schema)

    def __hash__(self) -> int:
        return hash(tuple(self.names))

    def __reduce__(self) -> tuple[object, ...]:
        return Schema.from_ipc, (self.to_ipc(),)

    def __repr__(self) -> str:
        fields = zip(self._schema.names, self._schema.types, strict=True)
        return f"Schema({', '.join(f'{name}: {_type_text(type)}' for name, type in fields)})"


def _type_text(type: object) -> str:
    return str(type).strip().removeprefix("arro3.core.DataType<").removesuffix(">")


def _library(name: str) -> Any:
    # loaded when the first schema is met: few programs have any
    try:
        return import_module(name)
    except ImportError:
        raise ImportError("Arrow schemas need arro3: install it with `pip install arro3-core arro3-io`") from None
