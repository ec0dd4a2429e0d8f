"""What a check has found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is. A warning works now and may not for long, or may be meant."""

    OK = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it."""

    check: str
    level: Level
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.message}; {self.remedy}" if self.remedy else self.message
        return f"{self.level.name.lower():<8}  {self.check:<20}  {' '.join(text.split())}"


def is_wrong(findings: Iterable[Finding]) -> bool:
    """Whether something has to be done."""
    return any(finding.level == Level.ERROR for finding in findings)
