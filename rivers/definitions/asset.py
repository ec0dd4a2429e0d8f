"""Assets: the decorator, the factories, and the single asset."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypedDict, Unpack, overload

from rivers.definitions import composition, declared
from rivers.definitions.compute import Compute
from rivers.definitions.dependency import AssetDef, DepDef, check_inputs, edges, mappings_of
from rivers.definitions.handlers import IOHandler, declared_io_handler
from rivers.definitions.hook import Hook, declared_hooks
from rivers.definitions.partitioning import Partitions, declared_partitions, declared_strategy
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.signature import Signature
from rivers.errors import AssetDefinitionError
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.mapping import PartitionMapping

if TYPE_CHECKING:
    from rivers.definitions.external_asset import ExternalAsset
    from rivers.definitions.graph_asset import GraphAsset
    from rivers.definitions.multi_asset import MultiAsset

Function = Callable[..., Any]


class AssetOptions(TypedDict, total=False):
    """The keywords of `Asset`."""

    name: str | None
    tags: list[str] | None
    kinds: str | list[str] | None
    group: str | None
    code_version: str | None
    io_handler: IOHandler
    metadata: dict[str, str] | None
    partitions_def: Partitions
    deps: list[DepDef] | None
    hooks: list[Hook] | None
    automation_condition: Any
    backfill_strategy: BackfillStrategy | None
    pool: str | list[str] | None
    pool_slots: int | dict[str, int] | None
    retry: RetryPolicy | str | None
    compute: Compute | None
    actions: list[Any] | None


class MultiAssetOptions(TypedDict, total=False):
    """The keywords of `Asset.from_multi` after the output definitions."""

    name: str | None
    tags: list[str] | None
    kinds: str | list[str] | None
    group: str | None
    code_version: str | None
    io_handler: IOHandler
    partitions_def: Partitions
    deps: list[DepDef]
    hooks: list[Hook] | None
    automation_condition: Any
    compute: Compute | None
    retry: RetryPolicy | str | None
    actions: list[Any] | None


class GraphAssetOptions(TypedDict, total=False):
    """The keywords of `Asset.from_graph` after the name."""

    tags: list[str] | None
    kinds: str | list[str] | None
    group: str | None
    code_version: str | None
    io_handler: IOHandler
    node_io_handler: IOHandler
    metadata: dict[str, str] | None
    partitions_def: Any
    deps: list[DepDef] | None
    hooks: list[Any] | None
    automation_condition: Any
    retry: RetryPolicy | str | None
    actions: list[Any] | None


class Asset:
    """A data asset and the function that makes it.

    `@rs.Asset` or `@rs.Asset(...)` on a function gives a `SingleAsset`; `rs.Asset(...)` without one is a decorator that
    can be used several times.
    """

    is_single: ClassVar[bool] = False
    is_multi: ClassVar[bool] = False
    is_graph: ClassVar[bool] = False
    is_external: ClassVar[bool] = False

    name: str
    tags: list[str] | None
    kinds: list[str]
    group: str | None
    code_version: str | None
    io_handler: IOHandler
    metadata: dict[str, str] | None
    partitions_def: Partitions
    partition_mapping: dict[str, PartitionMapping] | None
    deps: list[DepDef]
    hooks: list[Hook] | None
    automation_condition: Any
    backfill_strategy: BackfillStrategy | None
    pool: list[tuple[str, int]]
    pool_slots: int | dict[str, int] | None
    retry: RetryPolicy | str | None
    compute: Compute | None
    actions: list[Any] | None
    observe_fn: Function | None
    is_async: bool
    function: Function
    signature: Signature

    def __init_subclass__(cls) -> None:
        if not cls.__module__.startswith("rivers.definitions."):
            raise AssetDefinitionError(
                f"class {cls.__name__!r}: assets in class form are not available in this version of rivers; "
                "decorate a function with @rs.Asset"
            )

    @overload
    def __new__(cls, wraps: Function, /, **options: Unpack[AssetOptions]) -> SingleAsset: ...

    @overload
    def __new__(cls, **options: Unpack[AssetOptions]) -> AssetTemplate: ...

    def __new__(
        cls,
        *wraps: Function,
        name: str | None = None,
        tags: list[str] | None = None,
        kinds: str | list[str] | None = None,
        group: str | None = None,
        code_version: str | None = None,
        io_handler: IOHandler = None,
        metadata: dict[str, str] | None = None,
        partitions_def: Partitions = None,
        deps: list[DepDef] | None = None,
        hooks: list[Hook] | None = None,
        automation_condition: Any = None,
        backfill_strategy: BackfillStrategy | None = None,
        pool: str | list[str] | None = None,
        pool_slots: int | dict[str, int] | None = None,
        retry: RetryPolicy | str | None = None,
        compute: Compute | None = None,
        actions: list[Any] | None = None,
    ) -> Asset:
        if cls is not Asset:
            raise TypeError(f"{cls.__name__} has no constructor: use @rs.Asset")
        if len(wraps) > 1:
            raise AssetDefinitionError(f"Asset wraps one function, got {len(wraps)}")
        template = object.__new__(AssetTemplate)
        declared.absent("actions", actions)
        vars(template).update(
            shared(name, tags, kinds, group, code_version, io_handler, partitions_def, deps, hooks, retry, compute),
            metadata=declared.metadata(metadata),
            automation_condition=declared.automation_condition(automation_condition),
            pool=declared.pools(pool, pool_slots),
            pool_slots=pool_slots,
            backfill_strategy=declared_strategy(backfill_strategy),
        )
        return template(*wraps) if wraps else template

    @overload
    @classmethod
    def from_multi(
        cls, wraps: Function, output_defs: list[AssetDef] = ..., **options: Unpack[MultiAssetOptions]
    ) -> MultiAsset: ...

    @overload
    @classmethod
    def from_multi(
        cls, wraps: None = None, output_defs: list[AssetDef] = ..., **options: Unpack[MultiAssetOptions]
    ) -> Callable[[Function], MultiAsset]: ...

    @classmethod
    def from_multi(
        cls,
        wraps: Function | None = None,
        output_defs: list[AssetDef] | None = None,
        name: str | None = None,
        tags: list[str] | None = None,
        kinds: str | list[str] | None = None,
        group: str | None = None,
        code_version: str | None = None,
        io_handler: IOHandler = None,
        partitions_def: Partitions = None,
        deps: list[DepDef] | None = None,
        hooks: list[Hook] | None = None,
        automation_condition: Any = None,
        compute: Compute | None = None,
        retry: RetryPolicy | str | None = None,
        actions: list[Any] | None = None,
    ) -> MultiAsset | Callable[[Function], MultiAsset]:
        """One function with several outputs, each addressed by its own name."""
        from rivers.definitions.multi_asset import multi_asset

        declared.absent("actions", actions)
        options = shared(
            name, tags, kinds, group, code_version, io_handler, partitions_def, deps, hooks, retry, compute
        )

        options["automation_condition"] = declared.automation_condition(automation_condition)

        def decorate(function: Function) -> MultiAsset:
            return multi_asset(function, output_defs or [], options)

        return decorate if wraps is None else decorate(wraps)

    @overload
    @classmethod
    def from_graph(
        cls, wraps: Function, name: str | None = ..., **options: Unpack[GraphAssetOptions]
    ) -> GraphAsset: ...

    @overload
    @classmethod
    def from_graph(
        cls, wraps: None = None, name: str | None = ..., **options: Unpack[GraphAssetOptions]
    ) -> Callable[[Function], GraphAsset]: ...

    @classmethod
    def from_graph(
        cls,
        wraps: Function | None = None,
        name: str | None = None,
        tags: list[str] | None = None,
        kinds: str | list[str] | None = None,
        group: str | None = None,
        code_version: str | None = None,
        io_handler: IOHandler = None,
        node_io_handler: IOHandler = None,
        metadata: dict[str, str] | None = None,
        partitions_def: Any = None,
        deps: list[DepDef] | None = None,
        hooks: list[Any] | None = None,
        automation_condition: Any = None,
        retry: RetryPolicy | str | None = None,
        actions: list[Any] | None = None,
    ) -> GraphAsset | Callable[[Function], GraphAsset]:
        """A composition of tasks. The body is run once, here, and says which tasks are called and what feeds what.

        `io_handler` stores the asset's own value, `node_io_handler` those of tasks that name none of their own; `retry`
        is for the asset's own step.
        """
        from rivers.definitions.graph_asset import graph_asset

        declared.absent("actions", actions)
        options = shared(name, tags, kinds, group, code_version, io_handler, partitions_def, deps, hooks, retry, None)
        options |= {
            "metadata": declared.metadata(metadata),
            "node_io_handler": declared_io_handler(node_io_handler),
            "automation_condition": declared.automation_condition(automation_condition),
        }

        def decorate(function: Function) -> GraphAsset:
            return graph_asset(function, options)

        return decorate if wraps is None else decorate(wraps)

    @classmethod
    def external(
        cls,
        wraps: Function | None = None,
        *,
        name: str | None = None,
        io_handler: IOHandler = None,
        tags: list[str] | None = None,
        kinds: str | list[str] | None = None,
        group: str | None = None,
        metadata: dict[str, str] | None = None,
        partitions_def: Any = None,
        automation_condition: Any = None,
    ) -> ExternalAsset:
        """An asset that is produced elsewhere and loaded by `io_handler`, which it needs.

        As a decorator it makes the function the asset's observe function: it returns an `Observation`, or adds metadata
        through its context. Without one the asset needs a name, and is never run.
        """
        from rivers.definitions.external_asset import external_asset

        options = shared(name, tags, kinds, group, None, io_handler, partitions_def, None, None, None, None)
        options["automation_condition"] = declared.automation_condition(automation_condition)
        return external_asset(wraps, options | {"metadata": declared.metadata(metadata)})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if composition.active() is not None and not self.is_multi:
            if args or kwargs:
                raise TypeError(f"asset '{self.name}' takes no arguments: in a graph body it stands for its value")
            return composition.InvokedNodeOutput(self.name)
        raise AssetDefinitionError(
            f"asset '{self.name}' already wraps a function; call it only inside an Asset.from_graph body"
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of asset {self.name!r} is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of asset {self.name!r} is read-only")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class SingleAsset(Asset):
    """One function, one output."""

    is_single = True


class AssetTemplate(Asset):
    """`rs.Asset(...)` without a function: a decorator; each function that it decorates becomes an asset of its own."""

    is_single = True

    def __call__(self, *wraps: Any) -> SingleAsset:
        if len(wraps) != 1:
            raise AssetDefinitionError(f"Asset wraps one function, got {len(wraps)}")
        asset = object.__new__(SingleAsset)
        vars(asset).update(vars(self))
        wrap(asset, wraps[0], self.name)
        return asset


def shared(
    name: str | None,
    tags: list[str] | None,
    kinds: str | list[str] | None,
    group: str | None,
    code_version: str | None,
    io_handler: IOHandler,
    partitions_def: Partitions,
    deps: list[DepDef] | None,
    hooks: list[Hook] | None,
    retry: RetryPolicy | str | None,
    compute: Compute | None,
) -> dict[str, Any]:
    """The attributes that every kind of asset has, checked."""
    if compute is not None and not isinstance(compute, Compute):
        raise TypeError(f"compute must be a Compute or None, not {type(compute).__name__}")
    return {
        "name": declared.text("name", name),
        "tags": declared.texts("tags", tags),
        "kinds": declared.kinds(kinds),
        "group": declared.text("group", group),
        "code_version": declared.text("code_version", code_version),
        "io_handler": declared_io_handler(io_handler),
        "metadata": None,
        "partitions_def": declared_partitions(partitions_def),
        "partition_mapping": mappings_of(edges(deps)),
        "deps": edges(deps),
        "hooks": declared_hooks(hooks),
        "automation_condition": None,
        "backfill_strategy": None,
        "pool": [],
        "pool_slots": None,
        "retry": declared.retry(retry),
        "compute": compute,
        "actions": None,
        "observe_fn": None,
    }


def wrap(asset: Asset, function: Any, name: str | None, *, checks_inputs: bool = True) -> None:
    """Binds the function to a new asset; from here on `asset` stands where the function stood."""
    if not callable(function) or isinstance(function, Asset):
        raise AssetDefinitionError(f"Asset wraps a function, not {type(function).__name__}")
    name = name if name is not None else getattr(function, "__name__", None)
    if name is None:
        raise AssetDefinitionError(f"Asset needs a name: {function!r} has none of its own")
    try:
        signature = Signature(function)
    except ValueError as error:
        raise AssetDefinitionError(f"Asset '{name}': its parameters cannot be read: {error}") from None
    vars(asset).update(
        name=name,
        function=function,
        signature=signature,
        is_async=inspect.iscoroutinefunction(function) or (asset.is_multi and inspect.isasyncgenfunction(function)),
        __wrapped__=function,
        __doc__=function.__doc__,
        __module__=getattr(function, "__module__", asset.__module__),
        __qualname__=getattr(function, "__qualname__", name),
    )
    if checks_inputs:
        check_inputs(asset.deps, signature.names)
