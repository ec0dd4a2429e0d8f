"""Ids of traces and spans. They follow from what runs, steps and attempts are called: nobody stores or sends them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_traced(environment: Mapping[str, str]) -> bool:
    """Whether somebody wants traces, by OpenTelemetry's own variables."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return any(environment.get(name) for name in _ENDPOINTS)


def trace_of(run_id: str) -> int:
    """The trace of a run, 128 bits."""
    return _number(16, run_id)


def run_span(run_id: str) -> int:
    """The span of a run, 64 bits."""
    return _number(8, run_id, "run")


def step_span(run_id: str, step_key: str) -> int:
    """The span of a step."""
    return _number(8, run_id, "step", step_key)


def attempt_span(run_id: str, step_key: str, attempt: int) -> int:
    """The span of an attempt, the one that user code runs in."""
    return _number(8, run_id, "attempt", step_key, str(attempt))


def _number(size: int, *parts: str) -> int:
    """Never zero, which means that there is none."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=size).digest()
    return int.from_bytes(digest, "big") or 1
