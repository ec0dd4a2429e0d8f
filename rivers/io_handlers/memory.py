"""The IO handler that keeps values in the process."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import PrivateAttr

from rivers.io_handlers.handler import BaseIOHandler
from rivers.kernel.io_contexts import InputContext, OutputContext
from rivers.partitions.suffix import partition_suffix


class InMemoryIOHandler(BaseIOHandler):
    """Keeps the objects themselves, no copies, in the process that holds the handler. Keyed by asset, or
    `asset/partition`; what is not there is a `KeyError` of that key."""

    _storage: dict[str, Any] = PrivateAttr(default_factory=dict)

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        self._values[_key(context)] = obj
        context.add_output_metadata({"storage": "memory", "size_bytes": sys.getsizeof(obj)})

    def load_input(self, context: InputContext) -> Any:
        return self._values[_key(context)]

    @property
    def _values(self) -> dict[str, Any]:
        # the same as `_storage`, without the detour that pydantic makes for private attributes
        values: dict[str, Any] = self.__pydantic_private__["_storage"]  # type: ignore[index]
        return values


def _key(context: InputContext | OutputContext) -> str:
    if context.partition is None:
        return context.asset_name
    return f"{context.asset_name}/{partition_suffix(context.partition)}"
