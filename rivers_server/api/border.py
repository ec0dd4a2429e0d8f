"""The border: what of a request is refused before anybody looks at what it means.

One walk over the message. Every text has a length that can be kept and no NUL, which PostgreSQL does not store; lists
have a size; numbers fit into 63 bits; enumerations are known. Each refusal names field, limit and what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from rivers.errors import InvalidRequestError
from rivers.v1.identity_pb2 import PartitionKey
from rivers.v1.value_pb2 import MapValue, Value
from rivers_server.limits import Limits

LARGEST = (1 << 63) - 1
#: Requests of a batch are checked alone; of keys each has to be one of a definition's.
_CHECKED_LATER = ("rivers.v1.BatchSubmitRunsRequest.requests", "rivers.v1.SelectedKeys.keys")


class Border:
    """Checks requests against limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._texts = {
            "rivers.v1.Tag.key": limits.tag_key_characters,
            "rivers.v1.Tag.value": limits.tag_value_characters,
            "rivers.v1.SubmitRunRequest.request_id": limits.request_id_characters,
            "rivers.v1.CancelRunRequest.reason": limits.reason_characters,
            "rivers.v1.CreateBackfillRequest.request_id": limits.request_id_characters,
            "rivers.v1.RerunBackfillRequest.request_id": limits.request_id_characters,
            "rivers.v1.CancelBackfillRequest.reason": limits.reason_characters,
            "rivers.v1.PauseBackfillRequest.reason": limits.reason_characters,
            "rivers.v1.ForgetLocationRequest.reason": limits.reason_characters,
        }
        self._lists = {
            "rivers.v1.Selection.nodes": limits.nodes,
            "rivers.v1.SubmitRunRequest.tags": limits.tags,
            "rivers.v1.BatchSubmitRunsRequest.requests": limits.batch,
            "rivers.v1.CreateBackfillRequest.nodes": limits.nodes,
            "rivers.v1.CreateBackfillRequest.tags": limits.tags,
            "rivers.v1.PartitionKeys.keys": limits.partition_values,
            "rivers.v1.SelectedKeys.keys": limits.partition_values,
            "rivers.v1.AddDynamicPartitionsRequest.keys": limits.partition_values,
            "rivers.v1.RemoveDynamicPartitionsRequest.keys": limits.partition_values,
        }

    def check(self, request: Message, place: str = "") -> None:
        """Raises InvalidRequestError for the first thing that is wrong. Each request of a batch is checked alone."""
        for field, value in request.ListFields():
            name = f"{place}{field.name}"
            if field.is_repeated:
                self._count(name, len(value), self._lists.get(field.full_name, self.limits.page))
                if field.full_name in _CHECKED_LATER:
                    continue
                for number, item in enumerate(value):
                    self._check_one(field, f"{name}[{number}]", item)
            else:
                self._check_one(field, name, value)

    def _check_one(self, field: Any, name: str, value: Any) -> None:
        match field.cpp_type:
            case FieldDescriptor.CPPTYPE_STRING:
                self._check_text(name, value, self._longest(field))
            case FieldDescriptor.CPPTYPE_MESSAGE if isinstance(value, MapValue):
                self._check_config(name, value)
            case FieldDescriptor.CPPTYPE_MESSAGE if isinstance(value, PartitionKey):
                self._check_partition(name, value)
            case FieldDescriptor.CPPTYPE_MESSAGE:
                self.check(value, f"{name}.")
            case FieldDescriptor.CPPTYPE_ENUM if value not in field.enum_type.values_by_number:
                known = ", ".join(str(number) for number in sorted(field.enum_type.values_by_number))
                raise _refusal(name, f"{name} is {value}, which is none of {known}")
            case FieldDescriptor.CPPTYPE_UINT64 if value > LARGEST:
                raise _refusal(name, f"{name} must be at most {LARGEST}, got {value}")

    def _longest(self, field: Any) -> int:
        if field.name == "page_token":
            return self.limits.page_token_characters
        return self._texts.get(field.full_name, self.limits.name_characters)

    def _count(self, name: str, count: int, limit: int) -> None:
        if count > limit:
            raise _refusal(name, f"{name} holds at most {limit} entries, got {count}")

    def _check_text(self, name: str, text: str, limit: int) -> None:
        if len(text) > limit:
            raise _refusal(name, f"{name} has at most {limit} characters, got {len(text)}: {text[:40]!r}...")
        if "\0" in text:
            raise _refusal(
                name, f"{name} holds a NUL character after {text.index(chr(0))} others, which cannot be stored"
            )

    def _check_config(self, name: str, config: MapValue) -> None:
        size = config.ByteSize()
        if size > self.limits.config_bytes:
            raise _refusal(name, f"{name} has at most {self.limits.config_bytes} bytes, got {size}")
        self._check_map(name, config, 1)

    def _check_map(self, name: str, mapping: MapValue, depth: int) -> None:
        self._check_depth(name, depth)
        seen: set[str] = set()
        for entry in mapping.entries:
            if entry.key in seen:
                raise _refusal(name, f"{name[:200]} has the key {entry.key[:100]!r} twice; keys are unique")
            seen.add(entry.key)
            self._check_value(f"{name}[{entry.key!r:.50}]", entry.value, depth)

    def _check_value(self, name: str, value: Value, depth: int) -> None:
        match value.WhichOneof("kind"):
            case "map_value":
                self._check_map(name, value.map_value, depth + 1)
            case "list_value":
                self._check_depth(name, depth + 1)
                for number, item in enumerate(value.list_value.values):
                    self._check_value(f"{name}[{number}]", item, depth + 1)

    def _check_depth(self, name: str, depth: int) -> None:
        if depth > self.limits.config_depth:
            raise _refusal(
                "config", f"{name[:200]} is nested {depth} levels deep; config has at most {self.limits.config_depth}"
            )

    def _check_partition(self, name: str, key: PartitionKey) -> None:
        count = self._count_values(name, key, 1)
        if count > self.limits.partition_values:
            raise _refusal(name, f"{name} holds at most {self.limits.partition_values} values, got {count}")

    def _count_values(self, name: str, key: PartitionKey, depth: int) -> int:
        if depth > self.limits.partition_depth:
            raise _refusal(
                name, f"{name} is nested at least {depth} levels deep; at most {self.limits.partition_depth} are taken"
            )
        match key.WhichOneof("kind"):
            case "single":
                return self._check_values(f"{name}.single.values", key.single.values)
            case "multi":
                names = [dimension.dimension for dimension in key.multi.dimensions]
                self._check_values(f"{name}.multi.dimensions", names)
                if len(set(names)) < len(names):
                    twice = next(one for one in names if names.count(one) > 1)
                    raise _refusal(name, f"{name} has the dimension {twice!r:.100} twice")
                return sum(
                    self._check_values(f"{name}.multi.dimensions[{number}].values", dimension.values)
                    for number, dimension in enumerate(key.multi.dimensions)
                )
            case "set" if key.set.keys:
                return sum(
                    self._count_values(f"{name}.set.keys[{number}]", member, depth + 1)
                    for number, member in enumerate(key.set.keys)
                )
        raise _refusal(name, f"{name} names no partition; leave it unset for what is unpartitioned")

    def _check_values(self, name: str, values: Iterable[str]) -> int:
        count = 0
        for count, value in enumerate(values, start=1):
            self._check_text(f"{name}[{count - 1}]", value, self.limits.name_characters)
        if not count:
            raise _refusal(name, f"{name} is empty; a partition key has at least one value")
        return count


def _refusal(field: str, sentence: str) -> InvalidRequestError:
    return InvalidRequestError(sentence, field=field)
