"""Arrow schemas."""

from __future__ import annotations

from typing import Any


class Schema:
    """An Arrow schema, taken from anything that exports one. Reading and writing need `pyarrow`."""

    __slots__ = ("_schema",)

    def __init__(self, schema: Any) -> None:
        if not hasattr(schema, "__arrow_c_schema__"):
            raise ValueError(f"{type(schema).__name__} exports no Arrow schema: it has no __arrow_c_schema__")
        self._schema: Any = _pyarrow().schema(schema)

    @property
    def names(self) -> list[str]:
        """The names of the fields."""
        return list(self._schema.names)

    def to_ipc(self) -> bytes:
        """The schema in IPC form."""
        return bytes(self._schema.serialize())

    @staticmethod
    def from_ipc(data: bytes) -> Schema:
        """The schema whose `to_ipc` this is."""
        pyarrow = _pyarrow()
        return Schema(pyarrow.ipc.read_schema(pyarrow.py_buffer(data)))

    def __arrow_c_schema__(self) -> object:
        capsule: object = self._schema.__arrow_c_schema__()
        return capsule

    def __len__(self) -> int:
        return len(self._schema)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schema):
            return NotImplemented
        return bool(self._schema.equals(other._schema))

    def __hash__(self) -> int:
        return hash(self._schema)

    def __reduce__(self) -> tuple[object, ...]:
        return Schema.from_ipc, (self.to_ipc(),)

    def __repr__(self) -> str:
        return f"Schema({', '.join(f'{field.name}: {field.type}' for field in self._schema)})"


def _pyarrow() -> Any:
    try:
        import pyarrow  # type: ignore[import-not-found]
    except ImportError:
        raise ImportError("Arrow schemas need pyarrow; install it with `pip install pyarrow`") from None
    return pyarrow
