"""The terminal, or whatever else standard error of the supervisor is.

Two kinds of lines leave here: text for whoever started the location (`tell`), and events as verbs in the past with ids
as fields (`debug`, `info`, `warning`), in the scheduler's form but without its library, which a supervisor has no
memory for.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from datetime import UTC, datetime

from rivers.log_options import LogOptions

_options = LogOptions()
_bound: dict[str, object] = {}


def configure(options: LogOptions, **ids: object) -> None:
    """Says what is written and how; `ids` are part of every event."""
    global _options, _bound
    _options, _bound = options, ids


def tell(text: str, event: str = "text_written", **ids: object) -> None:
    """Writes text that is for whoever started the location, whatever the level; as an event where lines are JSON."""
    if _options.is_json:
        _write(_line("warning", event, {**ids, "text": text.rstrip("\n")}))
    else:
        _write(text)


def is_debug() -> bool:
    """Whether transitions are written, for those whose fields cost something."""
    return _options.level <= logging.DEBUG


def debug(event: str, **ids: object) -> None:
    """A transition."""
    if _options.level <= logging.DEBUG:
        _write(_line("debug", event, ids))


def info(event: str, **ids: object) -> None:
    """The start or the end of something that lasts."""
    if _options.level <= logging.INFO:
        _write(_line("info", event, ids))


def warning(event: str, **ids: object) -> None:
    """Something that should not be, and that the location copes with."""
    if _options.level <= logging.WARNING:
        _write(_line("warning", event, ids))


def _line(level: str, event: str, ids: dict[str, object]) -> str:
    fields, at = {**_bound, **ids}, datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if _options.is_json:
        return json.dumps({**fields, "event": event, "level": level, "timestamp": at}, default=str) + "\n"
    told = " ".join(f"{name}={_word(value)}" for name, value in sorted(fields.items()))
    return f"{at} [{level:<9}] {event:<30} {told}".rstrip() + "\n"


def _word(value: object) -> str:
    """A value that can be taken for nothing else, and that moves no terminal's cursor."""
    text = str(value)
    return text if text and text.isprintable() and not set(text) & {" ", "=", '"', "'"} else repr(text)


def _write(text: str) -> None:
    """A terminal that is gone stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
