"""What a backfill pins ↔ `rivers.v1`."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import cast

from rivers.lifecycle.backfill.pinned import PinnedBackfill, PinnedLink, PinnedSegment
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits, Units
from rivers.partitions.spans import Spans
from rivers.v1 import backfill_pb2, backfill_plan_pb2
from rivers.wire.partitions import (
    decode_mapping,
    decode_partitions,
    decode_strategy,
    encode_mapping,
    encode_partitions,
    encode_strategy,
)
from rivers.wire.values import decode_map, encode_map


def encode_backfill_plan(pinned: PinnedBackfill) -> backfill_plan_pb2.BackfillPlan:
    """All but the keys of dynamic definitions, which may be many."""
    target = backfill_plan_pb2.BackfillPlan(
        segments=[_encode_segment(segment) for segment in pinned.segments],
        strategy=encode_strategy(pinned.strategy),
        max_concurrency=pinned.max_concurrency,
        failure_policy=cast("backfill_pb2.FailurePolicy.ValueType", pinned.failure_policy),
        config=encode_map(pinned.config) if pinned.config is not None else None,
        utc_offset=int((pinned.now.utcoffset() or timedelta(0)).total_seconds()),
    )
    target.now.FromDatetime(pinned.now)
    return target


def decode_backfill_plan(
    plan: backfill_plan_pb2.BackfillPlan, registered: Mapping[str, Sequence[str]]
) -> PinnedBackfill:
    """What was pinned, with the keys of dynamic definitions."""
    now: datetime = plan.now.ToDatetime(timezone(timedelta(seconds=plan.utc_offset)))
    return PinnedBackfill(
        segments=tuple(_decode_segment(segment) for segment in plan.segments),
        now=now,
        strategy=decode_strategy(plan.strategy),
        max_concurrency=plan.max_concurrency,
        failure_policy=FailurePolicy(plan.failure_policy),
        config=decode_map(plan.config) if plan.HasField("config") else None,
        registered=registered,
    )


def _encode_segment(segment: PinnedSegment) -> backfill_plan_pb2.PinnedSegment:
    target = backfill_plan_pb2.PinnedSegment(
        nodes=segment.nodes,
        definition=encode_partitions(segment.definition),
        links=[
            backfill_plan_pb2.PinnedLink(
                upstream=link.upstream, mapping=encode_mapping(link.mapping) if link.mapping is not None else None
            )
            for link in segment.links
        ],
        own=encode_mapping(segment.own) if segment.own is not None else None,
    )
    match segment.units:
        case ProductUnits() as units:
            target.product.shape.extend(units.shape)
            target.product.places.extend(places.to_bytes() for places in units.places)
            target.product.outer.extend(units.outer)
        case ListedUnits() as units:
            target.listed.indexes = units.listed.to_bytes()
            if units.sizes is not None:
                target.listed.sizes.extend(units.sizes)
    return target


def _decode_segment(segment: backfill_plan_pb2.PinnedSegment) -> PinnedSegment:
    return PinnedSegment(
        nodes=tuple(segment.nodes),
        definition=decode_partitions(segment.definition),
        units=_decode_units(segment),
        links=tuple(
            PinnedLink(link.upstream, decode_mapping(link.mapping) if link.HasField("mapping") else None)
            for link in segment.links
        ),
        own=decode_mapping(segment.own) if segment.HasField("own") else None,
    )


def _decode_units(segment: backfill_plan_pb2.PinnedSegment) -> Units:
    if segment.WhichOneof("units") == "product":
        product = segment.product
        return ProductUnits(product.shape, [Spans.from_bytes(places) for places in product.places], product.outer)
    sizes = array("q", segment.listed.sizes) if segment.listed.sizes else None
    return ListedUnits(Spans.from_bytes(segment.listed.indexes), sizes)
