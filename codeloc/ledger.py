"""What a location keeps about one scheduler's store: the spool, and the newest session that was opened for it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from codeloc.data_directory import write_durably
from codeloc.spool import Spool


class Ledger:
    """The spool of a store, beside the highest (term, session) seen for it.

    Tokens are taken from a store, so attempts of two stores must never meet in one spool.
    """

    def __init__(self, store_id: str, directory: Path, *, durable: bool = False) -> None:
        self.store_id = store_id
        self.spool = Spool(directory, durable=durable)
        self._leader = directory / "leader.json"
        try:
            term, session = json.loads(self._leader.read_text())
            self.highest = (int(term), int(session))
        except FileNotFoundError:
            self.highest = (0, 0)

    def note_session(self, term: int, session: int) -> None:
        """A session is about to be opened; an older one is refused from here on, after a restart too."""
        content = json.dumps([term, session]).encode()
        try:
            write_durably(self._leader, content)
        except OSError:
            if not self._leader.exists():
                raise
            _overwrite(self._leader, content)  # a full disk has room for what was there
        self.highest = (term, session)

    def close(self) -> None:
        """Closes the spool."""
        self.spool.close()


def _overwrite(path: Path, content: bytes) -> None:
    """Replaces a few bytes where they are, in one write; blanks make up for what was longer."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, content.ljust(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
