"""Pieces of what a location says in one message, so that no message is much more than one decision (W7). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rivers_server.core.inputs import Reported
from rivers_server.core.reports import AttemptReport, Logged, Report

#: A piece has at most so many reports, of about so many bytes.
MAX_REPORTS, MAX_BYTES = 100, 64 << 10
#: What a report weighs besides its output.
_REPORT = 32


def output_of(report: Report) -> int:
    """The characters of output in a report."""
    return len(report.body.text) if isinstance(report, AttemptReport) and isinstance(report.body, Logged) else 0


def cut(message: Reported, parts: Sequence[Sequence[Report]]) -> list[list[Reported]]:
    """The pieces of each part of the reports, in order; they share the bytes of the message."""
    whole = sum(map(_weigh, message.reports))
    seen = shared = 0
    pieces: list[list[Reported]] = []
    for part in parts:
        pieces.append([])
        for reports in _portions(part):
            seen += sum(map(_weigh, reports))
            size = message.size * seen // whole - shared
            shared += size
            pieces[-1].append(Reported(message.location, message.session, reports, size))
    return pieces


def _portions(reports: Sequence[Report]) -> Iterator[list[Report]]:
    portion: list[Report] = []
    size = 0
    for report in reports:
        weight = _weigh(report)
        if portion and (len(portion) == MAX_REPORTS or size + weight > MAX_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(report)
        size += weight
    if portion:
        yield portion


def _weigh(report: Report) -> int:
    return _REPORT + output_of(report)
