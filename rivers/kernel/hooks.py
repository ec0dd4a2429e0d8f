"""Calls hooks. A step's result is settled before: whatever a hook does, it changes nothing of it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Mapping
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Generic

from rivers.definitions.kinds import HookKind
from rivers.definitions.parameters import config_class_of
from rivers.kernel.config import build_config

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from rivers.definitions.hook import Hook

    ConfigT = TypeVar("ConfigT", default=Any)
else:
    from typing import TypeVar

    ConfigT = TypeVar("ConfigT")


class HookContext(Generic[ConfigT]):
    """What a hook is told. Generic in the pydantic model of the configuration that it wants to see.

    `output` is the value that was stored, where the process that calls the hook has it; `error` is
    "<Type>: <message>".
    """

    __slots__ = ("asset_name", "config", "error", "hook_type", "metadata", "output", "run_id")

    asset_name: str
    run_id: str
    hook_type: str
    output: Any | None
    error: str | None
    metadata: dict[str, str] | None
    config: ConfigT

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("HookContext has no constructor: hooks are given one")

    def __repr__(self) -> str:
        return f"HookContext(asset_name={self.asset_name!r}, hook_type={self.hook_type!r})"


def call_hooks(
    hooks: Iterable[Hook],
    kind: HookKind,
    *,
    node: str,
    run_id: str,
    output: object = None,
    error: str | None = None,
    metadata: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> None:
    """Calls the hooks of this kind, in their order. What one raises goes to standard error, and the next one follows.

    `config` overrides fields of the models that hooks ask for.
    """
    for hook in hooks:
        if hook.kind != kind or hook.function is None:
            continue
        try:
            context: HookContext[Any] = object.__new__(HookContext)
            context.asset_name = node
            context.run_id = run_id
            context.hook_type = kind.name.lower()
            context.output = output
            context.error = error
            context.metadata = dict(metadata) if metadata else None
            context.config = build_config(_model(hook), config)
            answer = hook.function(context)
            if iscoroutine(answer):
                answer.close()
                sys.stderr.write(f"{hook!r} of '{node}' is a coroutine function, which is not awaited\n")
        except BaseException:  # the end of user code
            sys.stderr.write(f"{hook!r} of '{node}' failed:\n{traceback.format_exc()}")


def _model(hook: Hook) -> Any:
    """The model that the hook's only parameter asks for."""
    if hook.signature is None or len(hook.signature.parameters) != 1:
        return None
    return config_class_of(hook.signature.resolve(hook.signature.parameters[0].annotation))
