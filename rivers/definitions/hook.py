"""Hooks: what is called when an asset's step has succeeded or failed for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from rivers.definitions import declared
from rivers.definitions.kinds import HookKind
from rivers.definitions.signature import Signature

Function = Callable[..., Any]


class Hook:
    """A function of one argument, the `HookContext`; made by `Hook.success` and `Hook.failure`.

    What it raises is printed and changes no result.
    """

    kind: ClassVar[HookKind]

    if TYPE_CHECKING:
        Success: ClassVar[type[Success]]
        Failure: ClassVar[type[Failure]]

    name: str
    function: Function | None
    signature: Signature | None

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("Hook has no constructor: use Hook.success or Hook.failure")

    @staticmethod
    def success(func: Function | None = None, *, name: str | None = None) -> Hook:
        """Called once for each output that was stored. Bare, or with `name=`, by default the function's."""
        return _hook(Success, func, name)

    @staticmethod
    def failure(func: Function | None = None, *, name: str | None = None) -> Hook:
        """Called once for a step whose last attempt failed. Bare, or with `name=`, by default the function's."""
        return _hook(Failure, func, name)

    def __call__(self, func: Function) -> Hook:
        return _hook(type(self), func, self.name or None)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of hook {self.name!r} is read-only")

    def __repr__(self) -> str:
        return f"Hook.{type(self).__name__}(name={self.name!r})"


class Success(Hook):
    """Called when an output was stored."""

    kind = HookKind.SUCCESS


class Failure(Hook):
    """Called when the last attempt of a step has failed."""

    kind = HookKind.FAILURE


for variant in (Success, Failure):
    variant.__qualname__ = f"Hook.{variant.__name__}"
    setattr(Hook, variant.__name__, variant)


def _hook(kind: type[Hook], function: Function | None, name: str | None) -> Hook:
    if function is not None and (not callable(function) or isinstance(function, Hook)):
        raise TypeError(f"Hook.{kind.kind.name.lower()} wraps a function, not {type(function).__name__}")
    text = declared.text("name", name)
    if function is not None and text is None:
        text = getattr(function, "__name__", "")
    hook = object.__new__(kind)
    vars(hook).update(name=text or "", function=function)
    if function is not None:
        vars(hook).update(signature=_signature(function), __wrapped__=function, __doc__=function.__doc__)
    return hook


def _signature(function: Function) -> Signature | None:
    try:
        return Signature(function)
    except ValueError:  # of a builtin, which is called all the same
        return None


def declared_hooks(hooks: Any) -> list[Hook] | None:
    """Hooks that wrap a function, or nothing."""
    if hooks is None:
        return None
    if not isinstance(hooks, (list, tuple)):
        raise TypeError(f"hooks must be a list of Hook or None, not {type(hooks).__name__}")
    for hook in hooks:
        if not isinstance(hook, Hook):
            raise TypeError(f"hooks must be Hook instances, not {type(hook).__name__}")
        if hook.function is None:
            raise TypeError(f"{hook!r} wraps no function: it is a decorator")
    return list(hooks)
