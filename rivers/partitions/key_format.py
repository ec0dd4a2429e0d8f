"""How the start of a window is written as a key, and read back."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from rivers.errors import PartitionDefinitionError

RESERVED = "|,"
_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_OFFSET = re.compile(r"(.*)([+-]\d{4}(?:\d{2})?)", re.DOTALL)


#: Formats that are the beginning of ISO 8601, of this length.
_ISO_LENGTHS = {"%Y-%m-%d": 10, "%Y-%m-%dT%H:%M": 16, "%Y-%m-%dT%H:%M:%S": 19}


class KeyFormat:
    """A `strftime` format. In a zone the second of two equal wall clock times has its UTC offset at the end."""

    __slots__ = ("_has_offset", "_iso", "_zone", "fmt")

    def __init__(self, fmt: str, zone: ZoneInfo | None = None) -> None:
        self.fmt = fmt
        self._zone = zone
        self._iso = _ISO_LENGTHS.get(fmt) if zone is None else None
        self._has_offset = "z" in _DIRECTIVE.findall(fmt)

    def key(self, start: datetime) -> str:
        """The key of the window that starts then."""
        if self._iso is not None and start.year >= 1000:  # what strftime says, in a third of the time
            return start.isoformat()[: self._iso] if not start.microsecond else start.strftime(self.fmt)
        text = start.strftime(self.fmt)
        if start.fold and self._zone is not None and not self._has_offset and _comes_twice(start):
            return text + start.strftime("%z")
        return text

    def start(self, key: str) -> datetime | None:
        """The start that a key says, whether there is such a window or not; `None` for a text that says none."""
        try:
            return self._read(key)
        except OverflowError:  # at the ends of the calendar
            return None

    def _read(self, key: str) -> datetime | None:
        if self._zone is None:
            read = _parse(key, self.fmt)
            return None if read is None else read.replace(tzinfo=None)
        if self._has_offset:
            read = _parse(key, self.fmt)
            return None if read is None or read.tzinfo is None else read.astimezone(self._zone)
        read = _parse(key, self.fmt)
        if read is not None:
            return read.replace(tzinfo=self._zone)
        parts = _OFFSET.fullmatch(key)
        if parts is None:
            return None
        read = _parse(key, self.fmt + "%z")
        return None if read is None else read.astimezone(self._zone)

    def tells_apart(self, needed: set[str]) -> bool:
        """Whether the format has year, month, day and what is needed of the time of day, and nothing but numbers: then
        every tick has a key of its own that can be read back."""
        directives = set(_DIRECTIVE.findall(self.fmt))
        return directives <= set("YmdHMSf%") and {"Y", "m", "d"} | needed <= directives

    def check(self, key: str) -> None:
        """Raises for a key that holds a character with a meaning of its own."""
        for character in RESERVED:
            if character in key:
                raise PartitionDefinitionError(
                    f"fmt '{self.fmt}' produces keys containing reserved character '{character}' "
                    "(used by the canonical display form)"
                )


def _comes_twice(start: datetime) -> bool:
    return start.utcoffset() != start.replace(fold=0).utcoffset()


def _parse(text: str, fmt: str) -> datetime | None:
    try:
        return datetime.strptime(text, fmt)
    except (ValueError, re.error):  # a format can be one that only writes
        return None
