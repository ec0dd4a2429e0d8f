"""IO handlers as definitions see them: recognised by class name, so that nothing here loads their code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from rivers.definitions.kinds import HandlerKind
from rivers.errors import AssetDefinitionError

if TYPE_CHECKING:
    from rivers.io_handlers.handler import BaseIOHandler

#: What authors give: a handler, the name of a resource, or nothing.
IOHandler: TypeAlias = "BaseIOHandler | str | None"

_PACKAGE = "rivers.io_handlers."


def is_io_handler(value: object) -> bool:
    """Whether the value is an instance of `BaseIOHandler`."""
    return _is_a(value, "BaseIOHandler")


def declared_io_handler(value: Any) -> IOHandler:
    """A handler, the name of a resource, or nothing; anything else is refused."""
    if value is not None and not isinstance(value, str) and not is_io_handler(value):
        raise AssetDefinitionError(
            "io_handler must be a BaseIOHandler subclass instance or a string resource reference"
        )
    handler: IOHandler = value
    return handler


def handler_kind(handler: object | None) -> HandlerKind:
    """Where a handler keeps values."""
    if handler is None:
        return HandlerKind.DEFAULT
    is_in_memory = _is_a(handler, "InMemoryIOHandler") or _is_memory_store(getattr(handler, "store", None))
    return HandlerKind.IN_MEMORY if is_in_memory else HandlerKind.SHARED


def handler_class(handler: object | None) -> str:
    """The qualified name of a handler's class; empty for none."""
    return "" if handler is None else f"{type(handler).__module__}.{type(handler).__qualname__}"


def _is_a(value: object, name: str) -> bool:
    return any(cls.__qualname__ == name and cls.__module__.startswith(_PACKAGE) for cls in type(value).__mro__)


def _is_memory_store(store: object) -> bool:
    """Whether it is the object store of obstore that lives in one process."""
    return type(store).__name__ == "MemoryStore" and type(store).__module__.partition(".")[0] == "obstore"
