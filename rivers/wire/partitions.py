"""Partitions definitions, mappings and strategies ↔ `rivers.v1`."""

from __future__ import annotations

from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from rivers.errors import InvalidRequestError
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.mapping import PartitionMapping
from rivers.v1 import partitions_pb2
from rivers.wire.identity import decode_partition_key, fill_partition_key

_EPOCH = datetime(1970, 1, 1)


def encode_partitions(definition: PartitionsDefinition) -> partitions_pb2.PartitionsDefinition:
    """A definition."""
    target = partitions_pb2.PartitionsDefinition()
    match definition:
        case PartitionsDefinition.Static(keys):
            target.static.keys.extend(keys)
            target.static.SetInParent()
        case PartitionsDefinition.TimeWindow():
            target.time_window.CopyFrom(
                partitions_pb2.TimeWindowPartitions(
                    cron=definition.cron_schedule,
                    interval_seconds=definition.interval_seconds,
                    start=_encode_wall_clock(definition.start),
                    end=_encode_wall_clock(definition.end) if definition.end is not None else None,
                    format=definition.fmt,
                    timezone=definition.timezone,
                    end_offset=definition.end_offset,
                )
            )
        case PartitionsDefinition.Multi(dimensions):
            for name, one in dimensions:
                target.multi.dimensions.add(name=name, definition=encode_partitions(one))
        case PartitionsDefinition.Dynamic(name):
            target.dynamic.name = name
        case _:
            raise TypeError(f"not a partitions definition: {definition!r}")
    return target


def decode_partitions(message: partitions_pb2.PartitionsDefinition) -> PartitionsDefinition:
    """A definition, checked: what makes none is a `PartitionDefinitionError`."""
    definition = _decode_partitions(message)
    definition.check()
    return definition


def encode_mapping(mapping: PartitionMapping) -> partitions_pb2.PartitionMapping:
    """A mapping."""
    target = partitions_pb2.PartitionMapping()
    match mapping:
        case PartitionMapping.Identity():
            target.identity.SetInParent()
        case PartitionMapping.AllPartitions():
            target.all_partitions.SetInParent()
        case PartitionMapping.Subset():
            target.subset.SetInParent()
        case PartitionMapping.Static(table):
            target.static.SetInParent()
            target.static.keys.update(table)
        case PartitionMapping.TimeWindow(offset):
            target.time_window.SetInParent()
            target.time_window.offset = offset
        case PartitionMapping.Multi(dimensions):
            target.multi.SetInParent()
            for dimension, (downstream, inner) in dimensions.items():
                target.multi.dimensions.add(dimension=dimension, downstream=downstream, mapping=encode_mapping(inner))
        case PartitionMapping.MultiToSingle(dimension, inner):
            target.multi_to_single.dimension = dimension
            target.multi_to_single.mapping.CopyFrom(encode_mapping(inner))
        case PartitionMapping.SpecificPartitions(keys):
            target.specific_partitions.keys.extend(keys)
        case PartitionMapping.ForKeys(selectors):
            target.for_keys.SetInParent()
            for selector in selectors:
                added = target.for_keys.selectors.add()
                if isinstance(selector, PartitionKeyRange):
                    added.range.CopyFrom(encode_range(selector))
                else:
                    fill_partition_key(added.key, selector)
        case _:
            raise TypeError(f"not a partition mapping: {mapping!r}")
    return target


def decode_mapping(message: partitions_pb2.PartitionMapping) -> PartitionMapping:
    """A mapping."""
    match message.WhichOneof("kind"):
        case "identity":
            return PartitionMapping.identity()
        case "all_partitions":
            return PartitionMapping.all_partitions()
        case "subset":
            return PartitionMapping.subset()
        case "static":
            return PartitionMapping.static_(dict(sorted(message.static.keys.items())))
        case "time_window":
            return PartitionMapping.time_window(message.time_window.offset)
        case "multi":
            return PartitionMapping.multi(
                {one.dimension: (one.downstream, decode_mapping(one.mapping)) for one in message.multi.dimensions}
            )
        case "multi_to_single":
            inner = decode_mapping(message.multi_to_single.mapping)
            return PartitionMapping.multi_to_single(message.multi_to_single.dimension, inner)
        case "specific_partitions":
            return PartitionMapping.specific_partitions(list(message.specific_partitions.keys))
        case "for_keys":
            return PartitionMapping.for_keys([_decode_selector(one) for one in message.for_keys.selectors])
    raise InvalidRequestError("a partition mapping of a kind that is not known here")


def encode_range(given: PartitionKeyRange) -> partitions_pb2.PartitionKeyRange:
    """A range of keys."""
    if given.dimensions is None:
        span = partitions_pb2.KeySpan(from_key=given.from_key, to_key=given.to_key)
        return partitions_pb2.PartitionKeyRange(span=span)
    target = partitions_pb2.PartitionKeyRange()
    for dimension, some in given.dimensions.items():
        added = target.dimensions.ranges.add(dimension=dimension)
        if isinstance(some, tuple):
            added.span.from_key, added.span.to_key = some
            added.span.SetInParent()
        else:
            added.keys.SetInParent()
            added.keys.keys.extend(some)
    return target


def decode_range(message: partitions_pb2.PartitionKeyRange) -> PartitionKeyRange:
    """A range of keys."""
    match message.WhichOneof("kind"):
        case "span":
            return PartitionKeyRange.single(message.span.from_key, message.span.to_key)
        case "dimensions":
            return PartitionKeyRange.multi(
                {
                    one.dimension: (one.span.from_key, one.span.to_key)
                    if one.WhichOneof("kind") == "span"
                    else list(one.keys.keys)
                    for one in message.dimensions.ranges
                }
            )
    raise InvalidRequestError("a range of partition keys of a kind that is not known here")


def encode_strategy(strategy: BackfillStrategy) -> partitions_pb2.BackfillStrategy:
    """A backfill strategy."""
    target = partitions_pb2.BackfillStrategy()
    match strategy:
        case BackfillStrategy.MultiRun():
            target.multi_run.SetInParent()
        case BackfillStrategy.SingleRun():
            target.single_run.SetInParent()
        case BackfillStrategy.PerDimension(multi_run, single_run):
            target.per_dimension.multi_run.extend(multi_run)
            target.per_dimension.single_run.extend(single_run)
        case _:
            raise TypeError(f"not a backfill strategy: {strategy!r}")
    return target


def decode_strategy(message: partitions_pb2.BackfillStrategy) -> BackfillStrategy:
    """A backfill strategy."""
    match message.WhichOneof("kind"):
        case "multi_run":
            return BackfillStrategy.multi_run()
        case "single_run":
            return BackfillStrategy.single_run()
        case "per_dimension":
            given = message.per_dimension
            return BackfillStrategy.per_dimension(list(given.multi_run), list(given.single_run))
    raise InvalidRequestError("a backfill strategy of a kind that is not known here")


def _decode_partitions(message: partitions_pb2.PartitionsDefinition) -> PartitionsDefinition:
    match message.WhichOneof("kind"):
        case "static":
            return PartitionsDefinition.Static(list(message.static.keys))
        case "time_window":
            given = message.time_window
            return PartitionsDefinition.TimeWindow(
                given.cron if given.HasField("cron") else None,
                given.interval_seconds if given.HasField("interval_seconds") else None,
                _decode_wall_clock(given.start),
                _decode_wall_clock(given.end) if given.HasField("end") else None,
                given.format,
                timezone=given.timezone if given.HasField("timezone") else None,
                end_offset=given.end_offset,
            )
        case "multi":
            return PartitionsDefinition.Multi(
                [(one.name, _decode_partitions(one.definition)) for one in message.multi.dimensions]
            )
        case "dynamic":
            return PartitionsDefinition.Dynamic(message.dynamic.name)
    raise InvalidRequestError("a partitions definition of a kind that is not known here")


def _decode_selector(message: partitions_pb2.KeySelector) -> PartitionKey | PartitionKeyRange:
    if message.WhichOneof("kind") == "range":
        return decode_range(message.range)
    key = decode_partition_key(message.key)
    if key is None:
        raise InvalidRequestError("a selector of partition keys names no key")
    return key


def _encode_wall_clock(moment: datetime) -> Timestamp:
    target = Timestamp()
    target.FromDatetime(moment)
    return target


def _decode_wall_clock(stamp: Timestamp) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError:
        raise InvalidRequestError("a wall clock time is outside of the years 1 to 9999") from None
