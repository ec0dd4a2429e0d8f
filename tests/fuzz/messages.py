"""Messages that nobody would send: drawn from the descriptors with a bias to boundaries, and bytes that are worse."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

Field = FieldDescriptor

_TEXTS = [
    "", "a", "team", "\0", "a\0b", "é" * 3, "😀", "\u202e", "..", "/", "../../etc/passwd", "x" * 199, "x" * 201,
    "x" * 100_000, "rivers/priority", "101", "-101", "1e9", "%s%n", "'; DROP TABLE runs; --", "\n\r\t", "\uffff",
    "NaN", "[::1]:1", "unix:/tmp/x", "[::]:0", "W1tbW10=",
]  # fmt: skip
_BYTES = [b"", b"\0", b"\xff\xfe", bytes(range(256)), b"x" * 100_000]
_DOUBLES = [0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308]
_WHOLE = {
    Field.CPPTYPE_INT32: [0, 1, -1, 50, 1000, 1001, 2**31 - 1, -(2**31)],
    Field.CPPTYPE_UINT32: [0, 1, 2, 2**31, 2**32 - 1],
    Field.CPPTYPE_INT64: [0, 1, -1, 2**63 - 1, -(2**63), 253_402_300_800],
    Field.CPPTYPE_UINT64: [0, 1, 2, 3, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1],
    Field.CPPTYPE_ENUM: [0, 1, 2, 3, 77, 2**31 - 1, -(2**31)],
}
#: Every run draws the same. What fails is not made smaller: each try may cost seconds.
FUZZ = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: Levels at which nothing deeper is drawn; a parser gives up at 100.
_DEEP = 8


class Drawing:
    """Draws messages from one source of numbers, which hypothesis seeds."""

    def __init__(self, source: random.Random, known: dict[str, list[Any]]) -> None:
        self._source = source
        self._known = known

    def message(self, kind: Descriptor, depth: int = 0) -> Message:
        """A message of this kind. Some are nearly empty, some full; of a oneof several may be set, the last counts."""
        message = GetMessageClass(kind)()
        fullness = self._source.choice([0.1, 0.5, 0.9])
        for field in kind.fields:
            if self._source.random() < fullness:
                self._fill(message, field, depth)
        return message

    def mangled(self, message: Message) -> bytes:
        """Bytes of a message, cut, flipped, repeated, or led by fields that lie about their length."""
        source, raw = self._source, bytearray(message.SerializeToString())
        match source.randrange(7):
            case 0:
                return bytes(raw[: source.randrange(len(raw) + 1)])
            case 1:
                for _ in range(source.randrange(1, 9)):
                    if raw:
                        raw[source.randrange(len(raw))] ^= 1 << source.randrange(8)
                return bytes(raw)
            case 2:
                return bytes(raw) * source.randrange(2, 5)
            case 3:  # a length of 2^63 or -1
                return bytes(raw) + bytes([source.randrange(1, 16) << 3 | 2]) + b"\xff" * 9 + b"\x01"
            case 4:  # invalid UTF-8 in a text field
                return bytes(raw) + bytes([source.randrange(1, 16) << 3 | 2, 2]) + b"\xff\xfe"
            case 5:  # groups without end
                return bytes(raw) + b"\x0b" * source.randrange(1, 500)
        return source.randbytes(source.choice([1, 7, 100, 5_000]))

    def _fill(self, message: Message, field: Field, depth: int) -> None:
        source = self._source
        if field.message_type is not None and depth >= _DEEP:
            return
        if not field.is_repeated:
            if field.message_type is None:
                setattr(message, field.name, self._scalar(field))
            else:
                getattr(message, field.name).CopyFrom(self._inner(field, depth))
            return
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return
        count = source.choice([0, 1, 1, 2, 3]) if depth else source.choice([0, 1, 2, 3, 3, 30])
        if field.message_type is None:
            values = [self._scalar(field) for _ in range(count)]
            if count == 30:
                values *= source.choice([1, 50])
            getattr(message, field.name).extend(values)
        else:
            for _ in range(min(count, 4)):
                getattr(message, field.name).add().CopyFrom(self._inner(field, depth))

    def _inner(self, field: Field, depth: int) -> Message:
        known = self._known.get(field.message_type.name)
        if known and self._source.random() < 0.5:
            inner = GetMessageClass(field.message_type)()
            inner.CopyFrom(self._source.choice(known))
            return inner
        return self.message(field.message_type, depth + 1)

    def _scalar(self, field: Field) -> Any:
        source = self._source
        known = self._known.get(field.name)
        if known and source.random() < 0.6:
            return source.choice(known)
        match field.cpp_type:
            case Field.CPPTYPE_STRING if field.type == Field.TYPE_BYTES:
                return source.choice(_BYTES)
            case Field.CPPTYPE_STRING:
                return source.choice(_TEXTS)
            case Field.CPPTYPE_BOOL:
                return source.random() < 0.5
            case Field.CPPTYPE_DOUBLE:
                return source.choice(_DOUBLES)
            case Field.CPPTYPE_FLOAT:
                return source.choice([0.0, 1.5, float("nan"), float("inf")])
            case kind:
                drawn = source.choice(_WHOLE[kind])
                return drawn if source.random() < 0.7 or kind == Field.CPPTYPE_ENUM else drawn >> source.randrange(32)


def drawings(**known: list[Any]) -> st.SearchStrategy[Drawing]:
    """Sources of messages. `known` are values that mean something, by field name or message name: half of all draws."""
    return st.integers(0, 2**64).map(lambda seed: Drawing(random.Random(seed), known))


def nested(kind: type[Message], levels: int, *path: str) -> bytes:
    """The bytes of a message that holds itself so many times along this path of fields, however deep that is."""
    tags = []
    descriptor: Descriptor = kind.DESCRIPTOR
    for name in path:
        field = descriptor.fields_by_name[name]
        tags.append(bytes([field.number << 3 | 2]))
        descriptor = field.message_type
    raw = b""
    for _ in range(levels):
        for tag in reversed(tags):
            raw = tag + _varint(len(raw)) + raw
    return raw


def is_readable(kind: type[Message], raw: bytes) -> bool:
    """Whether protobuf takes these bytes."""
    try:
        kind.FromString(raw)
    except DecodeError:
        return False
    return True


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
