"""Failures ↔ `rivers.v1`."""

from __future__ import annotations

from typing import cast

from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import FailureReason
from rivers.v1 import failure_pb2


def encode_failure(failure: Failure) -> failure_pb2.Failure:
    """A failure. Text that is not valid Unicode, as an exception's may be, is made printable."""
    return failure_pb2.Failure(
        reason=cast("failure_pb2.FailureReason.ValueType", failure.reason),
        message=printable(failure.message),
        exception_types=failure.exception_types,
        traceback=printable(failure.traceback),
        signal=failure.signal,
        exit_code=failure.exit_code,
    )


def decode_failure(failure: failure_pb2.Failure) -> Failure:
    """A failure; a reason that this version does not know is an error like any other."""
    try:
        reason = FailureReason(failure.reason)
    except ValueError:
        reason = FailureReason.ERROR
    return Failure(
        reason,
        failure.message,
        tuple(failure.exception_types),
        failure.traceback,
        failure.signal,
        failure.exit_code,
    )


def printable(text: str) -> str:
    """The text with lone surrogates written as escapes, since a protobuf string cannot hold them."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
