"""Backfill strategies: how keys are grouped into runs."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, TypeAlias

from rivers.errors import PartitionDefinitionError


class BackfillStrategy:
    """How the keys of a backfill are grouped into runs. Made by the factories; strategies compare by what they say."""

    __hash__: ClassVar[None] = None  # type: ignore[assignment]
    __match_args__: ClassVar[tuple[str, ...]] = ()

    MultiRun: TypeAlias = "MultiRunStrategy"
    SingleRun: TypeAlias = "SingleRunStrategy"
    PerDimension: TypeAlias = "PerDimensionStrategy"

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("BackfillStrategy has no constructor: use BackfillStrategy.multi_run() and the other factories")

    @staticmethod
    def multi_run() -> BackfillStrategy.MultiRun:
        """A run for each key."""
        return MultiRunStrategy()

    @staticmethod
    def single_run() -> BackfillStrategy.SingleRun:
        """One run for all keys."""
        return SingleRunStrategy()

    @staticmethod
    def per_dimension(multi_run: list[str], single_run: list[str]) -> BackfillStrategy.PerDimension:
        """A run for each combination of the `multi_run` dimensions, over all of the others."""
        return PerDimensionStrategy(multi_run, single_run)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return vars(self) == vars(other)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a backfill strategy cannot be changed: {name!r} is read-only")


class MultiRunStrategy(BackfillStrategy):
    """A run for each key."""

    def __init__(self) -> None:
        pass

    def __repr__(self) -> str:
        return "BackfillStrategy.multi_run()"


class SingleRunStrategy(BackfillStrategy):
    """One run for all keys."""

    def __init__(self) -> None:
        pass

    def __repr__(self) -> str:
        return "BackfillStrategy.single_run()"


class PerDimensionStrategy(BackfillStrategy):
    """A run for each combination of some dimensions. On instances the two lists also go by the names of factories."""

    __match_args__ = ("multi_run_dims", "single_run_dims")
    multi_run_dims: list[str]
    single_run_dims: list[str]

    def __init__(self, multi_run_dims: list[str], single_run_dims: list[str]) -> None:
        for name, given in (("multi_run", multi_run_dims), ("single_run", single_run_dims)):
            if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
                raise TypeError(f"{name} must be a list of dimension names")
            if not given:
                raise PartitionDefinitionError(f"{name} must contain at least one dimension")
        for dimension in multi_run_dims:
            if dimension in single_run_dims:
                raise PartitionDefinitionError(f"dimension '{dimension}' cannot be in both multi_run and single_run")
        fields: dict[str, Any] = {"multi_run_dims": list(multi_run_dims), "single_run_dims": list(single_run_dims)}
        vars(self).update(fields, multi_run=fields["multi_run_dims"], single_run=fields["single_run_dims"])

    def __reduce__(self) -> tuple[object, ...]:
        return PerDimensionStrategy, (self.multi_run_dims, self.single_run_dims)

    def __repr__(self) -> str:
        return f"BackfillStrategy.per_dimension(multi_run={self.multi_run_dims!r}, single_run={self.single_run_dims!r})"


for _name, _variant in (
    ("MultiRun", MultiRunStrategy),
    ("SingleRun", SingleRunStrategy),
    ("PerDimension", PerDimensionStrategy),
):
    _variant.__name__, _variant.__qualname__ = _name, f"BackfillStrategy.{_name}"
    setattr(BackfillStrategy, _name, _variant)
