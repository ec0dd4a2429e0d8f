"""Tracebacks: from the author's code on, as Python prints them, and as data."""

from __future__ import annotations

import json
import os
from types import TracebackType
from typing import Any

from rivers.lifecycle.states import LogStream

_OWN = os.path.dirname(__file__)


def text_of(exception: BaseException) -> str:
    """What the exception says; authors' classes may fail to."""
    try:
        return str(exception)
    except Exception as error:
        return f"<{type(error).__name__} in __str__>"


def forget_callers(exception: BaseException) -> None:
    """Drops the kernel's own frames from the top of the traceback: they would keep alive whatever the run holds."""
    trace: TracebackType | None = exception.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN):
        trace = trace.tb_next
    exception.with_traceback(trace)  # not by assignment: an author's class may be frozen


def traceback_of(exception: BaseException) -> str:
    """The traceback as Python prints it."""
    import traceback

    try:
        return "".join(traceback.format_exception(exception))
    except Exception as error:  # an author's own __str__ or __repr__
        return f"{type(exception).__name__} (no traceback: {type(error).__name__})\n"


def traceback_document(exception: BaseException) -> str:
    """JSON of the chain of exceptions, oldest first, each with its frames; and the text as Python prints it."""
    chain: list[BaseException] = []
    link: BaseException | None = exception
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return json.dumps({"exceptions": [_described(one) for one in reversed(chain)], "text": traceback_of(exception)})


def trace_of(exception: BaseException | None) -> tuple[tuple[LogStream, str], ...]:
    """The traceback of what ended an attempt, as a chunk of its output."""
    return () if exception is None else ((LogStream.TRACEBACK, traceback_document(exception)),)


def _described(exception: BaseException) -> dict[str, Any]:
    import traceback

    frames = traceback.extract_tb(exception.__traceback__)
    return {
        "type": f"{type(exception).__module__}.{type(exception).__qualname__}",
        "message": text_of(exception),
        "frames": [
            {"file": frame.filename, "line": frame.lineno, "function": frame.name, "code": frame.line or ""}
            for frame in frames
        ],
    }
