"""One server under fire: any bytes to any method, and whether it still stands."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.contract import path

#: Answers that mean that a server met something that it was not made for.
BAD = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
#: Megabytes that a server may grow by over a whole test.
GROWTH = 150.0
DEADLINE = 10.0


class Target:
    """A server, by address and process; checks at the end that it has not grown."""

    def __init__(self, address: str, pid: int) -> None:
        self.address = address
        self._pid = pid
        self._channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", 64 << 20)])

    def __enter__(self) -> Target:
        assert self.is_healthy()
        self._before = self.memory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                assert self.is_healthy()
                grown = self.memory() - self._before
                assert grown < GROWTH, f"grew by {grown:.0f} MB"
        finally:
            self._channel.close()

    def ask(self, method: MethodDescriptor, *raws: bytes) -> tuple[grpc.StatusCode, str]:
        """Sends a request, or those of a stream; the status, once the stream of answers has ended or gives one."""
        answers: Any
        if method.client_streaming:
            answers = self._channel.stream_stream(path(method))(iter(raws), timeout=DEADLINE)
        else:
            (raw,) = raws
            answers = self._channel.unary_stream(path(method))(raw, timeout=DEADLINE)
        try:
            for answer in answers:
                GetMessageClass(method.output_type).FromString(answer)
                if method.server_streaming:
                    answers.cancel()
                    break
        except grpc.RpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, ""

    def attach(self, method: MethodDescriptor, messages: list[bytes | Message]) -> tuple[grpc.StatusCode, str]:
        """Sends messages on a stream, and hears it out."""
        raws = [one if isinstance(one, bytes) else one.SerializeToString() for one in messages]
        answers: Any = self._channel.stream_stream(path(method))(iter(raws), timeout=DEADLINE)
        try:
            for answer in answers:
                GetMessageClass(method.output_type).FromString(answer)
        except grpc.RpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, ""

    def is_healthy(self) -> bool:
        """Whether it answers a question about its health."""
        answer: Any = health_pb2_grpc.HealthStub(self._channel).Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def memory(self) -> float:
        """Megabytes that its process holds."""
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise AssertionError("it is gone")
