"""Commands to protobuf, and reports from it."""

from __future__ import annotations

from rivers.lifecycle.states import AttemptOutcome, LogStream
from rivers.v1 import step_service_pb2
from rivers.wire.failures import decode_failure
from rivers.wire.identity import decode_partition_key
from rivers.wire.steps import encode_work
from rivers.wire.times import decode_duration, decode_time, encode_duration
from rivers.wire.values import decode_metadata, encode_map, encode_tags
from rivers_server.core import commands, reports


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
    """One report; `None` for a beat, which the link itself answers, and for kinds that this version does not know."""
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
            tags=encode_tags(command.tags),
            job=command.job,
        ),
    )


def _decode_inventory(message: step_service_pb2.Inventory) -> reports.Inventory:
    return reports.Inventory(
        home_id=message.home_id,
        boot=message.boot,
        beat=message.beat,
        workers=message.workers,
        places=message.places,
        digests=tuple(message.digests),
        attempts=tuple(
            reports.Held(item.token, item.boot, reports.Phase(item.phase), item.last_seq) for item in message.attempts
        ),
        homes=tuple(message.homes),
        step_lease=decode_duration(message.step_lease) if message.HasField("step_lease") else None,
    )


def _decode_event(message: step_service_pb2.AttemptEvent) -> reports.AttemptReport:
    return reports.AttemptReport(message.token, message.seq, decode_time(message.time), _decode_body(message))


def _decode_body(message: step_service_pb2.AttemptEvent) -> reports.Body:
    match message.WhichOneof("body"):
        case "started":
            return reports.Started()
        case "log":
            return reports.Logged(LogStream(message.log.stream), message.log.text)
        case "materialized":
            stored = message.materialized
            return reports.Materialized(
                stored.node,
                decode_metadata(stored.metadata),
                stored.data_version,
                decode_partition_key(stored.partition_key) if stored.HasField("partition_key") else None,
            )
        case "observed":
            seen = message.observed
            return reports.Observed(
                seen.node,
                decode_metadata(seen.metadata),
                seen.data_version if seen.HasField("data_version") else None,
                decode_partition_key(seen.partition_key) if seen.HasField("partition_key") else None,
            )
        case "ended":
            ended = message.ended
            failure = decode_failure(ended.failure) if ended.HasField("failure") else None
            return reports.Ended(AttemptOutcome(ended.outcome), failure, ended.home_lost)
    return reports.Ignored()
