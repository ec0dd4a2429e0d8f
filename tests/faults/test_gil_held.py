"""User code holds the GIL: health, leases and cancel answer all the same (L-03)."""

from __future__ import annotations

import time
from statistics import median

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.stack import Stack

BUSY = """
    import ctypes
    @rs.Asset
    def holds() -> int:
        mark("holds")
        ctypes.PyDLL(None).sleep(10)  # a C call that does not let go of the GIL
        mark("let go")
        return 1
    repo = rs.CodeRepository(assets=[holds], jobs=[rs.Job("all", [holds])])
"""


def test_L03_health_and_leases_answer_while_user_code_holds_the_gil(stack: Stack) -> None:
    location = stack.start_location("busy", BUSY)
    address = location.line_with("serving ").split()[-1]
    run = stack.client.runs.submit(location="busy", job="all")
    stack.until(lambda: stack.marks("busy"), "the body")
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        stub.Check(health_pb2.HealthCheckRequest())
        held = answer_times(stub)
        assert "let go" not in stack.marks("busy"), "all of that was asked while the GIL was held"
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        idle = answer_times(stub)
    # A server that shares an interpreter with the body answers each time as late as the call lets go, if at all.
    assert median(held) < 10 * median(idle) + 0.01
    assert stack.marks("busy") == ["holds", "let go"]


def answer_times(stub: health_pb2_grpc.HealthStub) -> list[float]:
    """How long some questions about health take, in seconds."""
    times = []
    for _ in range(100):
        began = time.perf_counter()
        answer = stub.Check(health_pb2.HealthCheckRequest(service="rivers.v1.StepService"), timeout=5)
        times.append(time.perf_counter() - began)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    return times


def test_L03_cancel_ends_a_step_that_holds_the_gil(stack: Stack) -> None:
    stack.start_location("busy", BUSY, options=("--step-lease", "15"))
    run = stack.client.runs.submit(location="busy", job="all")
    stack.until(lambda: stack.marks("busy"), "the body")
    run.cancel()
    assert run.wait(timeout=30).state.name == "CANCELED"
    assert stack.marks("busy") == ["holds"]
