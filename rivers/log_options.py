"""How much a server says of itself, and in which form: the same two options for every program."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from rivers.errors import ConfigurationError

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
FORMATS = ("console", "json")
#: Where the options come from when they are not given, so that whoever starts several programs says it once.
LEVEL_VARIABLE, FORMAT_VARIABLE = "RIVERS_LOG_LEVEL", "RIVERS_LOG_FORMAT"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The least level that is written, and whether lines are JSON objects."""

    level: int = logging.WARNING
    is_json: bool = False

    @classmethod
    def parse(cls, level: str, format: str) -> LogOptions:
        """Reads the options; ConfigurationError for a word that is none of theirs."""
        number = LEVELS.get(level.lower())
        if number is None:
            raise ConfigurationError(f"--log-level {level!r}: choose debug, info, warning or error", field="log_level")
        if format not in FORMATS:
            raise ConfigurationError(f"--log-format {format!r}: choose console or json", field="log_format")
        return cls(number, format == "json")
