"""Commands to protobuf, and reports from it.

What a report says of the protocol itself must be right, or `InvalidRequestError` ends the session. What it carries from
user code is bent until it can be kept, since a report that is never taken would come again for ever.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from rivers.errors import InvalidRequestError, RiversError
from rivers.lifecycle.states import AttemptOutcome, LogStream
from rivers.partitions.dynamic_key import check_dynamic_key
from rivers.partitions.key import PartitionKey
from rivers.v1 import identity_pb2, step_service_pb2
from rivers.wire.beat import SHORTEST_LEASE
from rivers.wire.failures import decode_failure
from rivers.wire.identity import decode_partition_key, encode_partition_key
from rivers.wire.steps import encode_work
from rivers.wire.times import decode_duration, decode_time, encode_duration
from rivers.wire.values import decode_metadata, encode_map, encode_tags
from rivers_server.core import commands, reports

#: Characters of a chunk of output; what is longer is cut. A location sends pieces of 64 KiB.
LONGEST_CHUNK = 1 << 20
LONGEST_ID = 500
_LARGEST = (1 << 63) - 1

E = TypeVar("E", bound=IntEnum)


def encode_command(command: commands.Command, last_beat: int) -> step_service_pb2.Command:
    """One command as protobuf. `last_beat` is the last beat heard: an assignment is fresh only relative to it (A3)."""
    match command:
        case commands.Ack():
            ack = step_service_pb2.Ack(token=command.token, seq=command.seq)
            return step_service_pb2.Command(ack=ack)
        case commands.Assign():
            return step_service_pb2.Command(assign=_encode_assign(command, last_beat))
        case commands.Stop():
            stop = step_service_pb2.Stop(
                token=command.token, grace=encode_duration(command.grace), reason=command.reason
            )
            return step_service_pb2.Command(stop=stop)
        case commands.Fence():
            return step_service_pb2.Command(fence=step_service_pb2.Fence(token=command.token))
        case commands.ReleaseHome():
            return step_service_pb2.Command(release_home=step_service_pb2.ReleaseHome(run_id=command.run_id))
        case commands.CallHooks():
            hooks = step_service_pb2.CallHooks(
                run_id=command.run_id,
                step=command.step,
                nodes=command.nodes,
                error=command.error,
                config=encode_map(command.config) if command.config is not None else None,
            )
            return step_service_pb2.Command(call_hooks=hooks)
        case commands.Adopt():
            adopt = step_service_pb2.Adopt(
                beat=command.beat,
                keep=command.keep,
                fence=command.fence,
                forget=command.forget,
                release_homes=command.release_homes,
            )
            return step_service_pb2.Command(adopt=adopt)


def decode_report(report: step_service_pb2.Report) -> reports.Report | None:
    """One report; `None` for a beat, which the link itself answers, and for kinds that this version does not know.

    `InvalidRequestError` for what no location of any version would say.
    """
    try:
        return _decode_report(report)
    except InvalidRequestError:
        raise
    except RiversError as error:
        raise InvalidRequestError(str(error)) from None


def _decode_report(report: step_service_pb2.Report) -> reports.Report | None:
    match report.WhichOneof("kind"):
        case "event":
            return _decode_event(report.event)
        case "inventory":
            return _decode_inventory(report.inventory)
        case "replayed":
            return reports.Replayed()
    return None


def _encode_assign(command: commands.Assign, last_beat: int) -> step_service_pb2.Assign:
    return step_service_pb2.Assign(
        token=command.token,
        boot=command.boot,
        last_beat=last_beat,
        run_id=command.run_id,
        attempt=command.attempt,
        digest=command.digest,
        lease=encode_duration(command.lease),
        step=encode_work(
            command.step,
            command.producers,
            home_required=command.home_required,
            config=encode_map(command.config) if command.config is not None else None,
            partition_key=encode_partition_key(command.partition_key) if command.partition_key is not None else None,
            tags=encode_tags(command.tags),
            job=command.job,
            run_id=command.run_id,
            mapping_index=command.mapping_index,
            previous=command.previous,
            registered=command.registered,
        ),
    )


def _decode_inventory(message: step_service_pb2.Inventory) -> reports.Inventory:
    lease = decode_duration(message.step_lease) if message.HasField("step_lease") else None
    if lease is not None and lease < SHORTEST_LEASE:
        raise InvalidRequestError(f"step_lease must be at least {SHORTEST_LEASE} s, got {lease} s", field="step_lease")
    for name in (message.home_id, *message.digests, *message.homes):
        if not 0 < len(name) <= LONGEST_ID or "\0" in name:
            raise InvalidRequestError(f"an id has 1 to {LONGEST_ID} characters and no NUL, got {name[:40]!r}")
    return reports.Inventory(
        home_id=message.home_id,
        boot=_whole("boot", message.boot),
        beat=message.beat,
        workers=message.workers,
        places=message.places,
        digests=tuple(message.digests),
        attempts=tuple(
            reports.Held(item.token, item.boot, _known(reports.Phase, item.phase, "phase"), item.last_seq)
            for item in message.attempts
        ),
        homes=tuple(message.homes),
        step_lease=lease,
    )


def _decode_event(message: step_service_pb2.AttemptEvent) -> reports.AttemptReport:
    return reports.AttemptReport(message.token, message.seq, _decode_moment(message.time), _decode_body(message))


def _decode_body(message: step_service_pb2.AttemptEvent) -> reports.Body:
    match message.WhichOneof("body"):
        case "started":
            return reports.Started()
        case "log":
            return reports.Logged(_decode_stream(message.log.stream), _cut(message.log.text))
        case "materialized":
            stored = message.materialized
            return reports.Materialized(
                _kept(stored.node),
                decode_metadata(stored.metadata),
                _kept(stored.data_version),
                _decode_partition(stored.partition_key) if stored.HasField("partition_key") else None,
                stored.has_value,
            )
        case "observed":
            seen = message.observed
            return reports.Observed(
                _kept(seen.node),
                decode_metadata(seen.metadata),
                _kept(seen.data_version) if seen.HasField("data_version") else None,
                _decode_partition(seen.partition_key) if seen.HasField("partition_key") else None,
            )
        case "mapped_items":
            items = message.mapped_items
            return reports.Mapped(_kept(items.node), tuple([_kept(key) for key in items.keys]))
        case "partition_failed":
            key = _decode_partition(message.partition_failed.partition_key)
            if key is None:
                raise InvalidRequestError("partition_failed names no partition", field="partition_key")
            failed = message.partition_failed
            return reports.PartitionFailed(_kept(failed.node), key, _cut(failed.error))
        case "partitions_changed":
            return _decode_change(message.partitions_changed)
        case "ended":
            ended = message.ended
            failure = decode_failure(ended.failure) if ended.HasField("failure") else None
            outcome = _known(AttemptOutcome, ended.outcome, "outcome")
            if outcome == AttemptOutcome.LOST:
                raise InvalidRequestError("outcome LOST is for the scheduler to say", field="outcome")
            return reports.Ended(outcome, failure, ended.home_lost)
    return reports.Ignored()


def _decode_change(changed: step_service_pb2.AttemptPartitionsChanged) -> reports.Body:
    """Keys that no definition can have are left out, as the location itself refuses them."""
    name, keys = _kept(changed.name), tuple([_kept(key) for key in changed.keys if _may_be_key(key)])
    return reports.PartitionsChanged(name, keys, not changed.is_removal) if name and keys else reports.Ignored()


def _may_be_key(key: str) -> bool:
    try:
        check_dynamic_key(key)
    except RiversError:
        return False
    return True


def _known(kind: type[E], number: int, field: str) -> E:
    try:
        return kind(number)
    except ValueError:
        raise InvalidRequestError(f"{field} {number} is none that this version knows", field=field) from None


def _whole(field: str, number: int) -> int:
    if number > _LARGEST:
        raise InvalidRequestError(f"{field} must be at most {_LARGEST}, got {number}", field=field)
    return number


def _decode_stream(number: int) -> LogStream:
    """A stream that this version does not know is output like any other."""
    try:
        return LogStream(number)
    except ValueError:
        return LogStream.STDOUT


def _decode_moment(time: Timestamp) -> int:
    """Nanoseconds since the epoch, or the nearest that can be kept."""
    return min(max(decode_time(time), 0), _LARGEST)


def _decode_partition(message: identity_pb2.PartitionKey) -> PartitionKey | None:
    key = decode_partition_key(message)
    if "\0" in str(key):
        raise InvalidRequestError(f"partition {str(key)[:40]!r} holds a NUL", field="partition_key")
    return key


def _kept(text: str) -> str:
    """A text that every database keeps: PostgreSQL has none with a NUL in it."""
    return text.replace("\0", "\\x00")


def _cut(text: str) -> str:
    if len(text) <= LONGEST_CHUNK:
        return text
    return f"{text[:LONGEST_CHUNK]}\n... {len(text) - LONGEST_CHUNK} characters of output were cut here\n"
