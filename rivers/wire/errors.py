"""Errors ↔ gRPC statuses: the class that a server raised is the class that its client raises.

The status is a `google.rpc.Status` with an `ErrorDetail`, in the trailing metadata where gRPC libraries look for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import status_pb2  # type: ignore[import-untyped]

from rivers.errors import (
    InvalidRequestError,
    OverloadedError,
    RequestError,
    RiversError,
    SchedulerUnavailableError,
    UnavailableError,
    by_code,
)
from rivers.v1 import failure_pb2

if TYPE_CHECKING:
    import grpc

DETAILS_KEY = "grpc-status-details-bin"

#: A peer refuses trailers over 8 KiB, and the text is in there twice, once with three bytes for one.
_LONGEST_TEXT = 1200

_NUMBERS = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}
_NAMES = {number: name for name, number in _NUMBERS.items()}


def to_status(error: RiversError) -> status_pb2.Status:
    """The status that an error travels as."""
    packed = AnyMessage()
    packed.Pack(to_detail(error))
    return status_pb2.Status(code=_NUMBERS[error.status], message=_clip(str(error), _LONGEST_TEXT), details=[packed])


def to_detail(error: RiversError) -> failure_pb2.ErrorDetail:
    """The class of an error, and what it is about."""
    return failure_pb2.ErrorDetail(
        code=error.code,
        field=_clip(error.field, 200),
        ids={name: _clip(str(value), 200) for name, value in list(error.ids.items())[:10]},
        remedy=_clip(error.remedy, 500),
    )


def to_abort(error: RiversError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """The arguments of `context.abort(...)`, in `grpc.aio` and without."""
    import grpc

    status = to_status(error)
    return grpc.StatusCode[error.status], status.message, ((DETAILS_KEY, status.SerializeToString()),)


def from_status(status: status_pb2.Status, *, address: str = "") -> RiversError:
    """The error that a status stands for."""
    detail = failure_pb2.ErrorDetail()
    for packed in status.details:
        if packed.Unpack(detail):
            return from_detail(status.code, status.message, detail)
    return _without_detail(_NAMES.get(status.code, "UNKNOWN"), status.message, address)


def from_detail(status: int, message: str, detail: failure_pb2.ErrorDetail) -> RiversError:
    """The error that a detail names; one that this version does not know is the nearest class that it does."""
    cls = by_code(detail.code)
    if cls is RiversError and detail.code != RiversError.code:
        cls = _nearest(_NAMES.get(status, "UNKNOWN"))
    taken = ("message", "field", "remedy", "self")
    named = {name: value for name, value in detail.ids.items() if name not in taken}
    return cls(message, field=detail.field, remedy=detail.remedy, **named)


def from_rpc_error(error: grpc.RpcError, *, address: str) -> RiversError:
    """The error behind a failed call, of `grpc` or `grpc.aio`. `address` is what was called, for the message."""
    call: Any = error
    payload = _details(call.trailing_metadata() or ())
    if payload is not None:
        return from_status(status_pb2.Status.FromString(payload), address=address)
    return _without_detail(call.code().name, call.details() or "", address)


def _details(metadata: Iterable[Any]) -> bytes | None:
    for key, value in metadata:
        if key == DETAILS_KEY:
            return bytes(value)
    return None


def _nearest(status: str) -> type[RiversError]:
    match status:
        case "UNAVAILABLE" | "DEADLINE_EXCEEDED" | "ABORTED":
            return UnavailableError
        case "UNKNOWN" | "INTERNAL" | "DATA_LOSS" | "CANCELLED":
            return RiversError
    return RequestError


def _without_detail(status: str, text: str, address: str) -> RiversError:
    """What a peer that is not rivers, or nobody at all, answered."""
    match status:
        case "UNAVAILABLE":
            return SchedulerUnavailableError(_without_tls(text, address), address=address)
        case "CANCELLED" | "INTERNAL" | "UNKNOWN" if status == "CANCELLED" or "stream" in text.lower():
            return UnavailableError(f"{address} broke off the call ({text}); try again", address=address)
        case "RESOURCE_EXHAUSTED" if "larger than max" in text:
            return InvalidRequestError(f"{address} does not take a message of this size: {text}", address=address)
        case "RESOURCE_EXHAUSTED":
            return OverloadedError(f"{address} has too much to do ({text}); try again", address=address)
        case "DEADLINE_EXCEEDED":
            return UnavailableError(f"{address} did not answer in time; try again, or allow more time", address=address)
        case "UNIMPLEMENTED":
            return RequestError(
                f"{address} does not know this call ({text}); is it a scheduler, and of this version?", address=address
            )
        case "INVALID_ARGUMENT" | "OUT_OF_RANGE":
            return InvalidRequestError(text)
    return _nearest(status)(f"{address} answered {status}: {text}", address=address)


def _without_tls(text: str, address: str) -> str:
    """What to look at when somebody is there who cannot be talked to; "" when nobody is."""
    if "handshake failed" in text.lower() or "verification" in text.lower():
        reason = text.removesuffix(": OK").rpartition("OPENSSL_internal:")[2].rpartition("error: ")[2]
        return (
            f"no TLS with {address} ({reason.rstrip('.')}); check --tls-ca, and the date and names of its certificate"
        )
    if "Socket closed" in text and "failed to connect" in text:
        return f"{address} hangs up; it may ask for TLS (--tls-ca) or for a certificate (--tls-cert and --tls-key)"
    return ""


def _clip(text: str, limit: int) -> str:
    raw = text.encode("utf-8", "backslashreplace")
    return raw.decode() if len(raw) <= limit else raw[: limit - 3].decode("utf-8", "ignore") + "..."
