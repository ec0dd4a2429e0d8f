"""User code holds the GIL: health, leases and cancel answer all the same (L-03)."""

from __future__ import annotations

import time

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
    slowest, count = 0.0, 0
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        stub.Check(health_pb2.HealthCheckRequest())
        while "let go" not in stack.marks("busy"):
            began = time.perf_counter()
            answer = stub.Check(health_pb2.HealthCheckRequest(service="rivers.v1.StepService"), timeout=5)
            slowest = max(slowest, time.perf_counter() - began)
            count += 1
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            time.sleep(0.02)
    assert count > 100
    assert slowest < 0.1
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("busy") == ["holds", "let go"]


def test_L03_cancel_ends_a_step_that_holds_the_gil(stack: Stack) -> None:
    stack.start_location("busy", BUSY, options=("--step-lease", "15"))
    run = stack.client.runs.submit(location="busy", job="all")
    stack.until(lambda: stack.marks("busy"), "the body")
    run.cancel()
    assert run.wait(timeout=30).state.name == "CANCELED"
    assert stack.marks("busy") == ["holds"]
