"""What the options of backfill commands say: which partitions, and how they are grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rivers.errors import InvalidRequestError
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import Dimension, PartitionKeyRange

MISSING = "provide --partitions, --from/--to, or --range"


@dataclass(frozen=True, slots=True)
class Partitions:
    """Keys, a range, or all there are."""

    keys: list[PartitionKey] | None = None
    range: PartitionKeyRange | None = None
    all: bool = False


def partitions(
    listed: str | None, first: str | None, last: str | None, ranges: Sequence[str], *, everything: bool = False
) -> Partitions:
    """What one kind of option selects; `InvalidRequestError` for none and for several kinds."""
    kinds = [listed is not None, first is not None or last is not None, bool(ranges), everything]
    if sum(kinds) > 1:
        raise InvalidRequestError(
            "--partitions, --from/--to and --range exclude each other; give one of them", field="partitions"
        )
    if everything:
        return Partitions(all=True)
    if listed is not None:
        keys = [PartitionKey.single(key.strip()) for key in listed.split(",") if key.strip()]
        if not keys:
            raise InvalidRequestError("--partitions names no key; it takes keys, comma separated", field="partitions")
        return Partitions(keys=list(keys))
    if first is not None and last is not None:
        return Partitions(range=PartitionKeyRange.single(first, last))
    if not ranges:
        raise InvalidRequestError(MISSING, field="partitions")
    return Partitions(range=PartitionKeyRange.multi(dict(_dimension(text) for text in ranges)))


def strategy(text: str | None) -> BackfillStrategy | None:
    """`multi_run`, `single_run`, or dimensions with one of these each."""
    match text:
        case None:
            return None
        case "multi_run":
            return BackfillStrategy.multi_run()
        case "single_run":
            return BackfillStrategy.single_run()
    groups: dict[str, list[str]] = {"multi_run": [], "single_run": []}
    for part in text.split(","):
        dimension, separator, kind = part.strip().partition("=")
        if not separator or not dimension or kind not in groups:
            raise InvalidRequestError(
                f"--strategy {text!r}: give multi_run, single_run, or dimensions such as "
                "date=multi_run,region=single_run",
                field="strategy",
            )
        groups[kind].append(dimension)
    return BackfillStrategy.per_dimension(groups["multi_run"], groups["single_run"])


def names(text: str | None) -> list[str] | None:
    """Names, comma separated; `None` for all."""
    if text is None or text.strip() == "*":
        return None
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise InvalidRequestError("--assets names no asset; it takes names, comma separated", field="assets")
    return found


def _dimension(text: str) -> tuple[str, Dimension]:
    name, separator, selected = text.partition("=")
    if not separator or not name or not selected:
        raise InvalidRequestError(f"--range {text!r}: write dim=from..to or dim=k1,k2", field="range")
    first, dots, last = selected.partition("..")
    if dots:
        return name, (first, last)
    return name, [key.strip() for key in selected.split(",") if key.strip()]
