"""Partitions definitions: which keys an asset has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from rivers.partitions.grid import Grid
from rivers.partitions.key import PartitionKey

if TYPE_CHECKING:
    from rivers.partitions.dynamic import DynamicPartitions
    from rivers.partitions.multi import MultiPartitions
    from rivers.partitions.static import StaticPartitions
    from rivers.partitions.time_window import TimeWindowPartitions

_Variant = TypeVar("_Variant", bound="PartitionsDefinition")

#: The keys of dynamic definitions by name.
Registered: TypeAlias = Mapping[str, Sequence[str]]


class PartitionsDefinition:
    """Which partitions something has. Made by the factories; definitions compare by what they say.

    Below the factories `now` is an aware datetime whose own wall clock is the one that definitions without a time zone
    follow. Keys are computed, never listed, so a definition may have millions of them.
    """

    __slots__ = ()
    __hash__: ClassVar[None] = None  # type: ignore[assignment]
    __match_args__: ClassVar[tuple[str, ...]] = ()

    Static: TypeAlias = "StaticPartitions"
    TimeWindow: TypeAlias = "TimeWindowPartitions"
    Multi: TypeAlias = "MultiPartitions"
    Dynamic: TypeAlias = "DynamicPartitions"

    #: What messages call the variant.
    kind: ClassVar[str] = ""

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError(
            "PartitionsDefinition has no constructor: use PartitionsDefinition.static_(...) and the other factories"
        )

    # -- factories --------------------------------------------------------------------------------------------------

    @staticmethod
    def static_(keys: list[str]) -> PartitionsDefinition.Static:
        """A list of keys, in this order; a key that comes twice counts once."""
        from rivers.partitions.static import StaticPartitions

        return _checked(StaticPartitions(keys))

    @staticmethod
    def daily(
        start: datetime,
        end: datetime | None = None,
        fmt: str | None = None,
        *,
        timezone: str | ZoneInfo | None = None,
        end_offset: int = 0,
    ) -> PartitionsDefinition.TimeWindow:
        """Days, keys like `2024-01-31`. See `time_window`."""
        return PartitionsDefinition.time_window(
            start, "0 0 * * *", None, end, "%Y-%m-%d" if fmt is None else fmt, timezone=timezone, end_offset=end_offset
        )

    @staticmethod
    def hourly(
        start: datetime,
        end: datetime | None = None,
        fmt: str | None = None,
        *,
        timezone: str | ZoneInfo | None = None,
        end_offset: int = 0,
    ) -> PartitionsDefinition.TimeWindow:
        """Hours, keys like `2024-01-31T07:00`. See `time_window`."""
        return PartitionsDefinition.time_window(
            start,
            "0 * * * *",
            None,
            end,
            "%Y-%m-%dT%H:00" if fmt is None else fmt,
            timezone=timezone,
            end_offset=end_offset,
        )

    @staticmethod
    def time_window(
        start: datetime,
        cron_schedule: str | None = None,
        interval_seconds: float | None = None,
        end: datetime | None = None,
        fmt: str | None = None,
        *,
        timezone: str | ZoneInfo | None = None,
        end_offset: int = 0,
    ) -> PartitionsDefinition.TimeWindow:
        """Windows between the ticks of a cron expression (five fields, or six with leading seconds) or of an interval.

        Windows start at or after `start` and before `end`; without `end` the last one is the window that contains now,
        and so many more as `end_offset` says (fewer, when it is negative). `start` and `end` are wall clock times
        without tzinfo: of no zone in particular, or of `timezone`. In a zone, cron ticks follow its wall clock: a
        skipped hour has no key, and the second of two equal times has its UTC offset in its key. An interval is
        elapsed time. Raises `PartitionDefinitionError` for what makes no grid, or for a `fmt` coarser than the grid.
        """
        from rivers.partitions.time_window import TimeWindowPartitions

        return _checked(
            TimeWindowPartitions(
                cron_schedule, interval_seconds, start, end, fmt, timezone=timezone, end_offset=end_offset
            )
        )

    @staticmethod
    def multi(dimensions: dict[str, PartitionsDefinition]) -> PartitionsDefinition.Multi:
        """The product of definitions, any number of them; the first one varies slowest."""
        from rivers.partitions.multi import MultiPartitions

        if not isinstance(dimensions, Mapping):
            raise TypeError(f"dimensions must be a dict, not {type(dimensions).__name__}")
        return _checked(MultiPartitions(list(dimensions.items())))

    @staticmethod
    def dynamic(name: str) -> PartitionsDefinition.Dynamic:
        """Keys that are added and removed while programs run; they live in the storage under this name."""
        from rivers.partitions.dynamic import DynamicPartitions

        return _checked(DynamicPartitions(name))

    # -- keys -------------------------------------------------------------------------------------------------------

    def get_partition_keys(self) -> list[PartitionKey]:
        """All keys as of now; `NotImplementedError` for dynamic ones."""
        return list(self.grid(_now()).keys())

    def validate_partition_key(self, key: PartitionKey) -> bool:
        """Whether it is a key as of now; with several values, whether each is. Of dynamic keys each may be one."""
        return isinstance(key, PartitionKey) and self.grid(_now()).has(key)

    def grid(self, now: datetime, registered: Registered | None = None) -> Grid:
        """The keys at this moment. Without `registered` the keys of dynamic definitions are not known."""
        raise NotImplementedError

    def window_of(self, value: str) -> tuple[datetime, datetime] | None:
        """Start and end of the window of a key, end exclusive; `None` when keys are no windows of time."""
        return None

    def check(self) -> None:
        """Raises `PartitionDefinitionError` for what makes no definition. The factories check; constructors do not."""
        raise NotImplementedError

    def dynamic_names(self) -> Iterator[str]:
        """The names of the dynamic definitions in it."""
        yield from ()

    def _content(self) -> tuple[Any, ...]:
        """What makes two definitions equal."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, PartitionsDefinition)
        return self._content() == other._content()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a partitions definition cannot be changed: {name!r} is read-only")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a partitions definition cannot be changed: {name!r} is read-only")


def _checked(definition: _Variant) -> _Variant:
    definition.check()
    return definition


def _now() -> datetime:
    """The process's wall clock: the only place where a definition reads it, for callers of the public API."""
    return datetime.now().astimezone()


def variant(name: str) -> Any:
    """Makes a class known as a variant: `PartitionsDefinition.<name>`."""

    def register(cls: type[PartitionsDefinition]) -> type[PartitionsDefinition]:
        cls.__name__, cls.__qualname__, cls.kind = name, f"PartitionsDefinition.{name}", name
        cls.__module__ = PartitionsDefinition.__module__
        setattr(PartitionsDefinition, name, cls)
        return cls

    return register


# What derives from the class above makes itself known to it.
from rivers.partitions import dynamic, multi, static, time_window  # noqa: E402, F401
