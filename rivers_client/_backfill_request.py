"""What is to be made: a backfill of keys, of a range, or of all partitions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rivers.definitions.suggestion import nearest_or_all
from rivers.errors import InvalidRequestError
from rivers.lifecycle.backfill.build import failure_policy
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.v1 import backfill_service_pb2
from rivers.wire.identity import encode_partition_key
from rivers.wire.partitions import encode_range, encode_strategy
from rivers.wire.values import encode_map, encode_tags

Key = PartitionKey | str

#: Keys that go in one request; more than that are sent in pages of so many keys or characters.
_AT_ONCE, _PAGE, _PAGE_CHARACTERS = 1_000, 10_000, 1 << 20


def new_id() -> str:
    """An id that makes a request repeatable."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """A backfill to make. `select=None` is every partitioned asset of the location.

    Exactly one of `partition_keys` (in this order), `partition_range` and `all_partitions` says what it covers. A
    priority comes from the tag `rivers/priority` and is -10 without it.
    """

    location: str
    select: Sequence[str] | None = None
    partition_keys: Sequence[Key] | None = None
    partition_range: PartitionKeyRange | None = None
    all_partitions: bool = False
    strategy: BackfillStrategy | None = None
    failure_policy: str = "continue"
    max_concurrency: int = 4
    tags: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    config: Mapping[str, object] | None = None
    request_id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        if not self.location:
            raise InvalidRequestError("a backfill needs a location; `rivers locations list` shows what there is")
        for name in ("select", "partition_keys"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise TypeError(f"{name} is a list, not text: [{given!r}]")
        given = [self.partition_keys is not None, self.partition_range is not None, self.all_partitions]
        if sum(given) > 1:
            raise InvalidRequestError(
                "partition_keys, partition_range and all_partitions exclude each other; give one of them",
                field="partitions",
            )

    @property
    def is_paged(self) -> bool:
        """Whether there are so many keys that they are sent in pages."""
        return self.partition_keys is not None and len(self.partition_keys) > _AT_ONCE


def write_backfill(request: BackfillRequest) -> backfill_service_pb2.CreateBackfillRequest:
    """A request, for the wire; without its keys when these go in pages."""
    message = backfill_service_pb2.CreateBackfillRequest(
        request_id=request.request_id,
        location=request.location,
        nodes=request.select or (),
        failure_policy=int(failure_policy(request.failure_policy)),  # type: ignore[arg-type]
        max_concurrency=max(request.max_concurrency, 1),
    )
    if request.partition_keys is not None and not request.is_paged:
        message.keys.keys.extend(encode_partition_key(_key(key)) for key in request.partition_keys)
        message.keys.SetInParent()
    elif request.partition_range is not None:
        message.range.CopyFrom(encode_range(request.partition_range))
    elif request.all_partitions:
        message.all.SetInParent()
    if request.strategy is not None:
        message.strategy.CopyFrom(encode_strategy(request.strategy))
    if request.tags:
        pairs = request.tags.items() if isinstance(request.tags, Mapping) else request.tags
        message.tags.extend(encode_tags(pairs))
    if request.config is not None:
        message.config.CopyFrom(encode_map(request.config))
    return message


def write_pages(request: BackfillRequest) -> Iterator[backfill_service_pb2.CreateBackfillFromKeysRequest]:
    """The pieces of a request with many keys, made as they are sent."""
    make = backfill_service_pb2.CreateBackfillFromKeysRequest
    yield make(request=write_backfill(request))
    values: list[str] = []
    size = 0
    for given in request.partition_keys or ():
        value = given if isinstance(given, str) else _value(given)
        if value is None:
            if values:
                yield _page(values)
                values, size = [], 0
            piece = make()
            piece.keys.keys.append(encode_partition_key(_key(given)))
            yield piece
            continue
        values.append(value)
        size += len(value)
        if len(values) == _PAGE or size > _PAGE_CHARACTERS:
            yield _page(values)
            values, size = [], 0
    if values:
        yield _page(values)


def rerun_scope(name: str) -> int:
    """The scope of a name, as it goes over the wire."""
    scopes = ("unsuccessful", "failed", "canceled", "missing", "all")
    if name not in scopes:
        raise InvalidRequestError(
            f"unknown scope {name!r}: a rerun covers what is {', '.join(scopes)}",
            field="scope",
            remedy=nearest_or_all(name, scopes, "scopes"),
        )
    return backfill_service_pb2.RerunScope.Value(f"RERUN_SCOPE_{name.upper()}")


def _page(values: list[str]) -> backfill_service_pb2.CreateBackfillFromKeysRequest:
    piece = backfill_service_pb2.CreateBackfillFromKeysRequest()
    piece.values.keys.extend(values)
    return piece


def _value(key: PartitionKey) -> str | None:
    """The only value of a key of one dimension."""
    return key.key[0] if isinstance(key, PartitionKey.Single) and len(key.key) == 1 else None


def _key(key: Key) -> PartitionKey:
    return PartitionKey.single(key) if isinstance(key, str) else key
