"""The driver: a run executed in the calling process."""

from rivers.driver.execute import execute
from rivers.driver.outcome import RunOutcome

__all__ = ["RunOutcome", "execute"]
