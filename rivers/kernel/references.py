"""Functions and objects on their way to another process of the same machine.

A function travels as (module, qualified name) whenever that name leads back to it. The module's attribute usually is
the asset that wraps the function, so what is found is unwrapped, and then compared with what was meant: a closure, a
lambda or a function of `__main__` travels as code instead.
"""

from __future__ import annotations

import importlib
import io
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from rivers.definitions.asset import Asset
from rivers.definitions.schedule import Schedule
from rivers.definitions.sensor import Sensor
from rivers.definitions.task import Task
from rivers.kernel.travelling_exception import reduced


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a function."""

    module: str
    qualname: str


class StaleModuleError(Exception):
    """A module here holds other code under a name than the sender has."""

    def __init__(self, module: str, qualname: str) -> None:
        super().__init__(f"module {module!r} holds other code under the name {qualname!r} than the sender has")


def reference_of(function: object) -> Reference | None:
    """The name that leads back to the function; `None` when there is none in any process but this one."""
    module, qualname = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(qualname, str) or module == "__main__" or "<" in qualname:
        return None
    reference = Reference(module, qualname)
    try:
        found = resolve(reference)
    except Exception:  # importing runs code of the author's
        return None
    return reference if found is function else None


def resolve(reference: Reference) -> Any:
    """What the name stands for here, unwrapped."""
    found: Any = importlib.import_module(reference.module)
    for name in reference.qualname.split("."):
        found = getattr(found, name)
    return unwrap(found)


def unwrap(declared: Any) -> Any:
    """The function inside of an asset, task, schedule or sensor; anything else as it is."""
    if isinstance(declared, (Asset, Task)):
        return declared.function
    return declared.evaluation_fn if isinstance(declared, (Schedule, Sensor)) else declared


def dumps(value: Any) -> bytes:
    """Serialises a value; functions by name where that is possible, exceptions without their constructors."""
    with io.BytesIO() as file:
        _Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        return file.getvalue()


def dumps_by_name(value: Any) -> bytes | None:
    """Serialises a value that stays the same; `None` for one with code in it, which may have state of its own."""
    with io.BytesIO() as file:
        pickler = _Pickler(file, protocol=pickle.HIGHEST_PROTOCOL)
        pickler.dump(value)
        return None if pickler.has_code else file.getvalue()


def loads(data: bytes) -> Any:
    """What `dumps` serialised. `StaleModuleError` when a name leads to other code here."""
    return pickle.loads(data)


def travels(value: object) -> bool:
    """Whether the value comes out on the other side."""
    try:
        loads(dumps(value))
    except Exception:  # an author's class
        return False
    return True


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    has_code = False

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is FunctionType:
            reference = reference_of(obj)
            if reference is not None and not reference.module.startswith(("rivers.", "cloudpickle")):
                return _load, (reference.module, reference.qualname, mark_of(obj))
        if isinstance(obj, BaseException) and (parts := reduced(obj)) is not None:
            return parts
        code = super().reducer_override(obj)
        if code is not NotImplemented:
            self.has_code = True
        return code


def _load(module: str, qualname: str, mark: int) -> Callable[..., Any]:
    try:
        function: Callable[..., Any] = resolve(Reference(module, qualname))
    except AttributeError:  # it was loaded before the name came into it
        raise StaleModuleError(module, qualname) from None
    if mark_of(function) != mark:
        raise StaleModuleError(module, qualname)
    return function


def mark_of(function: Any) -> int:
    """A checksum of a function's code and place, the same in every process that runs the same file."""
    code = getattr(function, "__code__", None)
    return zlib.crc32(repr(_outline(code)).encode()) if code is not None else 0


def _outline(code: CodeType) -> tuple[object, ...]:
    plain = tuple(
        _outline(one) if isinstance(one, CodeType) else one
        for one in code.co_consts
        if not isinstance(one, frozenset)  # its order differs between processes
    )
    return code.co_filename, code.co_firstlineno, code.co_code, code.co_names, code.co_varnames, plain
