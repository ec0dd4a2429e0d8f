"""Typed metadata."""

from __future__ import annotations

import builtins
import math
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from rivers.definitions.kinds import MetadataKind
from rivers.errors import InvalidMetadataError

if TYPE_CHECKING:
    from rivers.definitions.schema import Schema as ArrowSchema


class ArrowSchemaExportable(Protocol):
    """Anything that exports an Arrow schema."""

    def __arrow_c_schema__(self) -> object: ...


class MetadataValue:
    """One typed value; made by the factories below. Compares by variant and content."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    kind: ClassVar[MetadataKind]

    Text: TypeAlias = "TextValue"
    Int: TypeAlias = "IntValue"
    Float: TypeAlias = "FloatValue"
    Bool: TypeAlias = "BoolValue"
    Url: TypeAlias = "UrlValue"
    Path: TypeAlias = "PathValue"
    Json: TypeAlias = "JsonValue"
    Markdown: TypeAlias = "MarkdownValue"
    Timestamp: TypeAlias = "TimestampValue"
    Null: TypeAlias = "NullValue"
    Bytes: TypeAlias = "BytesValue"
    Duration: TypeAlias = "DurationValue"
    Sql: TypeAlias = "SqlValue"
    CodeBlock: TypeAlias = "CodeBlockValue"
    Image: TypeAlias = "ImageValue"
    Percentage: TypeAlias = "PercentageValue"
    List: TypeAlias = "ListValue"
    DateRange: TypeAlias = "DateRangeValue"
    Schema: TypeAlias = "SchemaValue"
    DataVersion: TypeAlias = "DataVersionValue"

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("MetadataValue has no constructor: use MetadataValue.text(), .int(), etc.")

    @staticmethod
    def text(value: str) -> MetadataValue.Text:
        """Plain text."""
        return TextValue(value)

    @staticmethod
    def int(value: builtins.int) -> MetadataValue.Int:
        """A 64-bit integer."""
        return IntValue(value)

    @staticmethod
    def float_(value: float) -> MetadataValue.Float:
        """A number."""
        return FloatValue(value)

    @staticmethod
    def bool_(value: bool) -> MetadataValue.Bool:
        """A truth value."""
        return BoolValue(value)

    @staticmethod
    def url(value: str) -> MetadataValue.Url:
        """An absolute URL, normalised."""
        return UrlValue(value)

    @staticmethod
    def path(value: str) -> MetadataValue.Path:
        """The path of a file or object."""
        return PathValue(value)

    @staticmethod
    def json(value: str) -> MetadataValue.Json:
        """JSON source text; not parsed."""
        return JsonValue(value)

    @staticmethod
    def md(value: str) -> MetadataValue.Markdown:
        """Markdown source text."""
        return MarkdownValue(value)

    @staticmethod
    def timestamp(value: float) -> MetadataValue.Timestamp:
        """A point in time, in seconds since the epoch."""
        return TimestampValue(value)

    @staticmethod
    def null() -> MetadataValue.Null:
        """Nothing."""
        return NullValue()

    @staticmethod
    def bytes(value: builtins.int) -> MetadataValue.Bytes:
        """A count of bytes."""
        return BytesValue(value)

    @staticmethod
    def duration(value: float) -> MetadataValue.Duration:
        """A time span, in seconds."""
        return DurationValue(value)

    @staticmethod
    def sql(query: str, dialect: str | None = None) -> MetadataValue.Sql:
        """A query."""
        return SqlValue(query, dialect)

    @staticmethod
    def code_block(code: str, language: str | None = None) -> MetadataValue.CodeBlock:
        """Source code."""
        return CodeBlockValue(code, language)

    @staticmethod
    def image(value: str) -> MetadataValue.Image:
        """An image: URL or data URL."""
        return ImageValue(value)

    @staticmethod
    def percentage(value: float) -> MetadataValue.Percentage:
        """A percentage."""
        return PercentageValue(value)

    @staticmethod
    def list_(values: list[MetadataValue]) -> MetadataValue.List:
        """Several values."""
        return ListValue(values)

    @staticmethod
    def date_range(start: datetime, end: datetime) -> MetadataValue.DateRange:
        """Two points in time."""
        return DateRangeValue(start, end)

    @staticmethod
    def schema(value: ArrowSchemaExportable) -> MetadataValue.Schema:
        """An Arrow schema."""
        from rivers.definitions.schema import Schema

        return SchemaValue(Schema(value).to_ipc())

    @staticmethod
    def data_version(value: str) -> MetadataValue.DataVersion:
        """A data version."""
        return DataVersionValue(value)

    def raw_value(
        self,
    ) -> str | builtins.int | float | bool | list[MetadataValue] | tuple[datetime, datetime] | ArrowSchema | None:
        """The plain Python value."""
        value: str | builtins.int | float | bool = getattr(self, self.__match_args__[0])
        return value

    __match_args__: ClassVar[tuple[str, ...]]

    def plain(self) -> object:
        """What an event's entry carries: null, bool, int, float, str, bytes, list or map."""
        return self.raw_value()

    def to_json(self) -> str:
        """JSON text: `{"Int":{"value":3}}`."""
        import json

        return json.dumps({type(self).__name__: self._json()}, ensure_ascii=False, separators=(",", ":"))

    def _json(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


def _check(value: object, *kinds: type) -> None:
    """Raises unless the value is of one of the kinds; a truth value is no number."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"expected {names}, got {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class _Str(MetadataValue):
    value: str

    def __post_init__(self) -> None:
        _check(self.value, str)


@dataclass(frozen=True, slots=True)
class _Number(MetadataValue):
    value: float

    def __post_init__(self) -> None:
        _check(self.value, int, float)
        object.__setattr__(self, "value", float(self.value))

    def _json(self) -> dict[str, Any]:
        return {"value": self.value if math.isfinite(self.value) else None}


class TextValue(_Str):
    """Plain text."""


class UrlValue(_Str):
    """An absolute URL."""

    def __post_init__(self) -> None:
        _check(self.value, str)
        object.__setattr__(self, "value", _normalised(self.value))


class PathValue(_Str):
    """The path of a file or object."""


class JsonValue(_Str):
    """JSON source text."""


class MarkdownValue(_Str):
    """Markdown source text."""


class ImageValue(_Str):
    """An image."""


class DataVersionValue(_Str):
    """A data version."""


class FloatValue(_Number):
    """A number."""


class TimestampValue(_Number):
    """Seconds since the epoch."""


class DurationValue(_Number):
    """Seconds."""


class PercentageValue(_Number):
    """A percentage."""


@dataclass(frozen=True, slots=True)
class IntValue(MetadataValue):
    """A 64-bit integer."""

    value: int

    def __post_init__(self) -> None:
        _check(self.value, int)
        if not -(1 << 63) <= self.value < 1 << 63:
            raise OverflowError(f"{self.value} does not fit 64 bits")


@dataclass(frozen=True, slots=True)
class BytesValue(MetadataValue):
    """A count of bytes."""

    value: int

    def __post_init__(self) -> None:
        _check(self.value, int)
        if not 0 <= self.value < 1 << 63:
            raise OverflowError(f"a count of bytes cannot be {self.value}")


@dataclass(frozen=True, slots=True)
class BoolValue(MetadataValue):
    """A truth value."""

    value: bool

    def __post_init__(self) -> None:
        _check(self.value, bool)


@dataclass(frozen=True, slots=True)
class NullValue(MetadataValue):
    """Nothing."""

    def raw_value(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SqlValue(MetadataValue):
    """A query."""

    query: str
    dialect: str | None = None

    def __post_init__(self) -> None:
        _check(self.query, str)
        _check(self.dialect, str, type(None))

    def plain(self) -> object:
        return self._json()


@dataclass(frozen=True, slots=True)
class CodeBlockValue(MetadataValue):
    """Source code."""

    code: str
    language: str | None = None

    def __post_init__(self) -> None:
        _check(self.code, str)
        _check(self.language, str, type(None))

    def plain(self) -> object:
        return self._json()


@dataclass(frozen=True, slots=True)
class ListValue(MetadataValue):
    """Several values."""

    values: list[MetadataValue]

    def __post_init__(self) -> None:
        _check(self.values, list, tuple)
        for value in self.values:
            _check(value, MetadataValue)
        object.__setattr__(self, "values", list(self.values))

    def raw_value(self) -> list[MetadataValue]:
        return list(self.values)

    def plain(self) -> object:
        return [{"kind": int(value.kind), "value": value.plain()} for value in self.values]

    def _json(self) -> dict[str, Any]:
        return {"values": [{type(value).__name__: value._json()} for value in self.values]}


@dataclass(frozen=True, slots=True)
class DateRangeValue(MetadataValue):
    """Two points in time."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        _check(self.start, datetime)
        _check(self.end, datetime)

    def raw_value(self) -> tuple[datetime, datetime]:
        return self.start, self.end

    def plain(self) -> object:
        return self._json()

    def _json(self) -> dict[str, Any]:
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}


@dataclass(frozen=True, slots=True)
class SchemaValue(MetadataValue):
    """An Arrow schema in IPC form."""

    ipc_bytes: bytes

    def __post_init__(self) -> None:
        _check(self.ipc_bytes, bytes)

    def raw_value(self) -> ArrowSchema:
        from rivers.definitions.schema import Schema

        return Schema.from_ipc(self.ipc_bytes)

    def plain(self) -> object:
        return self.ipc_bytes

    def _json(self) -> dict[str, Any]:
        return {"ipc_bytes": list(self.ipc_bytes)}


VARIANTS: tuple[tuple[str, type[MetadataValue]], ...] = (
    ("Text", TextValue),
    ("Int", IntValue),
    ("Float", FloatValue),
    ("Bool", BoolValue),
    ("Url", UrlValue),
    ("Path", PathValue),
    ("Json", JsonValue),
    ("Markdown", MarkdownValue),
    ("Timestamp", TimestampValue),
    ("Null", NullValue),
    ("Bytes", BytesValue),
    ("Duration", DurationValue),
    ("Sql", SqlValue),
    ("CodeBlock", CodeBlockValue),
    ("Image", ImageValue),
    ("Percentage", PercentageValue),
    ("List", ListValue),
    ("DateRange", DateRangeValue),
    ("Schema", SchemaValue),
    ("DataVersion", DataVersionValue),
)
for _kind, (_name, _variant) in zip(MetadataKind, VARIANTS, strict=True):
    _variant.__name__, _variant.__qualname__, _variant.kind = _name, f"MetadataValue.{_name}", _kind
    _variant.__hash__ = None  # type: ignore[assignment]
    setattr(MetadataValue, _name, _variant)


def _normalised(text: str) -> str:
    """An absolute URL as browsers write it: lower-case scheme and host, a path, no default port."""
    parts = urlsplit(text.strip())
    if not parts.scheme or not (parts.netloc or parts.path):
        raise InvalidMetadataError(f"{text!r} is not an absolute URL: it needs a scheme such as https://")
    if not parts.netloc:
        return urlunsplit(parts)
    host = parts.netloc
    user, at, address = host.rpartition("@")
    default = {"http": ":80", "https": ":443", "ws": ":80", "wss": ":443", "ftp": ":21"}.get(parts.scheme)
    address = address.lower()
    if default and address.endswith(default):
        address = address.removesuffix(default)
    path = parts.path or ("/" if default else "")
    return urlunsplit((parts.scheme, f"{user}{at}{address}", path, parts.query, parts.fragment))
