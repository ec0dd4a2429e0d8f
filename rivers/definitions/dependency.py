"""Dependency edges and the outputs of multi-assets, as authors write them."""

from __future__ import annotations

from typing import Any, NoReturn

from rivers.definitions import declared
from rivers.definitions.handlers import IOHandler, declared_io_handler
from rivers.definitions.partitioning import Partitions, declared_mapping, declared_mappings, declared_partitions
from rivers.errors import AssetDefinitionError
from rivers.partitions.mapping import PartitionMapping


class DepDef:
    """One dependency edge; made by `AssetDef.input` and `AssetDef.dep`."""

    name: str
    partition_mapping: PartitionMapping | None
    metadata: dict[str, str] | None
    is_input: bool
    io_handler: IOHandler

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("DepDef has no constructor: use AssetDef.input(...) or AssetDef.dep(...)")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of a DepDef is read-only")

    def __repr__(self) -> str:
        return f"AssetDef.{'input' if self.is_input else 'dep'}({self.name!r})"


def _edge(**fields: Any) -> DepDef:
    edge = object.__new__(DepDef)
    if not isinstance(fields["name"], str):
        raise TypeError(f"name must be a str, not {type(fields['name']).__name__}")
    declared_mapping(fields["partition_mapping"])
    vars(edge).update(fields)
    return edge


class AssetDef:
    """One output of a multi-asset; and the factory of dependency edges."""

    name: str | None
    tags: list[str] | None
    kinds: list[str]
    group: str | None
    code_version: str | None
    io_handler: IOHandler
    metadata: dict[str, str] | None
    partitions_def: Partitions
    partition_mapping: dict[Any, PartitionMapping] | None
    pool: list[tuple[str, int]]
    deps: list[DepDef]
    actions: list[Any]
    type_hint: Any

    def __init__(
        self,
        name: str | None = None,
        tags: list[str] | None = None,
        kinds: str | list[str] | None = None,
        group: str | None = None,
        code_version: str | None = None,
        io_handler: IOHandler = None,
        metadata: dict[str, str] | None = None,
        partitions_def: Partitions = None,
        partition_mapping: dict[Any, PartitionMapping] | None = None,
        pool: str | list[str] | None = None,
        pool_slots: int | dict[str, int] | None = None,
        deps: list[DepDef] | None = None,
        actions: list[Any] | None = None,
        type_hint: Any = None,
    ) -> None:
        if isinstance(type_hint, str):
            raise AssetDefinitionError(f"type_hint must be a type, not the text {type_hint!r}")
        declared.absent("actions", actions)
        vars(self).update(
            name=declared.text("name", name),
            tags=declared.texts("tags", tags),
            kinds=declared.kinds(kinds),
            group=declared.text("group", group),
            code_version=declared.text("code_version", code_version),
            io_handler=declared_io_handler(io_handler),
            metadata=declared.metadata(metadata),
            partitions_def=declared_partitions(partitions_def),
            partition_mapping=declared_mappings(partition_mapping),
            pool=declared.pools(pool, pool_slots),
            deps=edges(deps),
            actions=[],
            type_hint=type_hint,
        )

    @staticmethod
    def input(
        name: str,
        partition_mapping: PartitionMapping | None = None,
        io_handler: IOHandler = None,
        metadata: dict[str, str] | None = None,
    ) -> DepDef:
        """An edge whose value is loaded into the parameter of the same name."""
        return _edge(
            name=name,
            partition_mapping=partition_mapping,
            metadata=declared.metadata(metadata),
            is_input=True,
            io_handler=declared_io_handler(io_handler),
        )

    @staticmethod
    def dep(name: str, partition_mapping: PartitionMapping | None = None) -> DepDef:
        """An edge that orders and tells lineage, and loads nothing."""
        return _edge(name=name, partition_mapping=partition_mapping, metadata=None, is_input=False, io_handler=None)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of an AssetDef is read-only")

    def __repr__(self) -> str:
        return f"AssetDef({self.name!r})"


def edges(deps: Any) -> list[DepDef]:
    """Declared edges; anything that is no `DepDef` is refused."""
    if deps is None:
        return []
    if not isinstance(deps, (list, tuple)) or not all(isinstance(dep, DepDef) for dep in deps):
        raise TypeError("deps must be a list of DepDef: use AssetDef.input(...) and AssetDef.dep(...)")
    return list(deps)


def mappings_of(deps: list[DepDef]) -> dict[str, PartitionMapping] | None:
    """The partition mappings that edges declare, by upstream; `None` for none."""
    return {dep.name: dep.partition_mapping for dep in deps if dep.partition_mapping is not None} or None


def check_inputs(deps: list[DepDef], parameters: list[str]) -> None:
    """Every input edge needs a parameter of its name."""
    for dep in deps:
        if dep.is_input and dep.name not in parameters:
            raise ValueError(
                f"AssetDef.input('{dep.name}') does not match any parameter on the function. "
                f"Available parameters: {declared.listed(parameters)}"
            )
