"""Points in time and durations ↔ protobuf. Rows carry nanoseconds since the epoch and seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_time(nanoseconds: int) -> Timestamp:
    """Nanoseconds since the epoch."""
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return Timestamp(seconds=seconds, nanos=nanos)


def decode_time(time: Timestamp) -> int:
    """Nanoseconds since the epoch."""
    return time.seconds * 1_000_000_000 + time.nanos


def decode_datetime(time: Timestamp) -> datetime:
    """An aware point in time, UTC, to the microsecond."""
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)


def encode_duration(seconds: float) -> Duration:
    """Seconds."""
    whole = int(seconds)
    nanos = round((seconds - whole) * 1e9)
    if nanos in (1_000_000_000, -1_000_000_000):
        whole, nanos = whole + (1 if nanos > 0 else -1), 0
    return Duration(seconds=whole, nanos=nanos)


def decode_duration(duration: Duration) -> float:
    """Seconds."""
    return duration.seconds + duration.nanos / 1e9
