"""The scheduler's log: events as verbs in the past with ids as fields, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from rivers.log_options import LogOptions


def configure(options: LogOptions) -> None:
    """Says what is logged and how, for structlog and for libraries that use the standard library's logging.

    Called once, before anything is logged: loggers are resolved at their first use, so that an event below the level
    costs no more than a call.
    """
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor]
    if options.is_json:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    else:
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(options.level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    theirs = logging.StreamHandler(sys.stderr)
    theirs.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[theirs], level=max(options.level, logging.WARNING))
