"""Values as they lie in columns: failures and partition keys as protobuf, tokens packed, pairs as JSON."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from rivers.lifecycle.events import Failure
from rivers.lifecycle.fan_out import Expansion
from rivers.partitions.key import PartitionKey
from rivers.v1 import failure_pb2, identity_pb2
from rivers.wire.failures import decode_failure, encode_failure
from rivers.wire.identity import decode_partition_key, encode_partition_key

Pairs = tuple[tuple[str, str], ...]

_ONE = struct.Struct("<q")


def failure_bytes(failure: Failure | None) -> bytes | None:
    """A failure."""
    return encode_failure(failure).SerializeToString() if failure is not None else None


def failure_of(image: bytes | None) -> Failure | None:
    """The failure of its bytes."""
    return decode_failure(failure_pb2.Failure.FromString(image)) if image is not None else None


def key_bytes(key: PartitionKey | None) -> bytes | None:
    """A partition key."""
    return encode_partition_key(key).SerializeToString() if key is not None else None


def key_of(image: bytes | None) -> PartitionKey | None:
    """The partition key of its bytes."""
    return decode_partition_key(identity_pb2.PartitionKey.FromString(image)) if image is not None else None


def token_bytes(tokens: Sequence[int]) -> bytes:
    """Tokens, eight bytes each."""
    return _ONE.pack(tokens[0]) if len(tokens) == 1 else struct.pack(f"<{len(tokens)}q", *tokens)


def tokens_of(image: bytes) -> list[int]:
    """The tokens of their bytes."""
    return list(struct.unpack(f"<{len(image) // 8}q", image))


def expansion_text(expansion: Expansion | None) -> str | None:
    """What a step was expanded into."""
    return json.dumps([expansion.token, expansion.first, *expansion.keys]) if expansion is not None else None


def expansion_of(image: str | None) -> Expansion | None:
    """The expansion of its text."""
    if image is None:
        return None
    token, first, *keys = json.loads(image)
    return Expansion(token, tuple(keys), first)


def pairs_text(pairs: Sequence[tuple[str, str]] | Sequence[tuple[str, int]]) -> str:
    """Pairs, in their order."""
    return json.dumps(pairs) if pairs else "[]"


def pairs_of(image: str) -> tuple[tuple[str, Any], ...]:
    """The pairs of their text."""
    return tuple([(name, value) for name, value in json.loads(image)]) if image != "[]" else ()


def names_text(names: Sequence[str]) -> str:
    """Names, in their order."""
    return json.dumps(names) if names else "[]"


def names_of(image: str) -> tuple[str, ...]:
    """The names of their text."""
    return tuple(json.loads(image)) if image != "[]" else ()
