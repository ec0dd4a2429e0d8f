"""The loggers of steps."""

from __future__ import annotations

import logging

from rivers.kernel import capture


class StepLogger(logging.Logger):
    """A logger whose records are captured from INFO on, whatever the program's own threshold; handlers of the program
    see what they would see of any other logger."""

    def getEffectiveLevel(self) -> int:
        level = super().getEffectiveLevel()
        return min(level, logging.INFO) if capture.is_capturing() and self.level == logging.NOTSET else level

    def isEnabledFor(self, level: int) -> bool:
        # the answer depends on who is capturing, so it is not kept
        return not self.disabled and self.manager.disable < level and level >= self.getEffectiveLevel()

    def callHandlers(self, record: logging.LogRecord) -> None:
        capture.log(record)
        if record.levelno >= super().getEffectiveLevel():
            capture.pass_on(self, record)


def step_logger(family: str, name: str) -> logging.Logger:
    """The logger of a step; the same object as `logging.getLogger` returns."""
    logger = logging.getLogger(f"{family}.{name}")
    if type(logger) is logging.Logger:
        logger.__class__ = StepLogger
    return logger
