"""Assets that somebody else produces."""

from __future__ import annotations

import inspect
from typing import Any, overload

from rivers.definitions.asset import Asset, Function, wrap
from rivers.definitions.signature import Signature
from rivers.errors import AssetDefinitionError


class ExternalAsset(Asset):
    """Produced elsewhere, loaded by its handler; `observe_fn`, if there is one, says what it is like now.

    Called with a function it decorates: the answer is the same asset with that function.
    """

    is_external = True

    @overload
    def __call__(self, observe: Function, /) -> ExternalAsset: ...

    @overload
    def __call__(self) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.observe_fn is None and len(args) == 1 and not kwargs:
            return external_asset(args[0], dict(vars(self)))
        return super().__call__(*args, **kwargs)


def external_asset(observe: Function | None, options: dict[str, Any]) -> ExternalAsset:
    """The asset with these attributes and its observe function."""
    if options["io_handler"] is None:
        raise AssetDefinitionError("External assets require an io_handler")
    asset = object.__new__(ExternalAsset)
    vars(asset).update(options, is_async=False, function=None, signature=_NOTHING)
    if observe is not None:
        wrap(asset, observe, options["name"])
        vars(asset).update(observe_fn=observe, is_async=inspect.iscoroutinefunction(observe))
    return asset


def _nothing() -> None: ...


_NOTHING = Signature(_nothing)
