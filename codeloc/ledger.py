"""What a location keeps about one scheduler's store: the spool, and the newest session that was opened for it."""

from __future__ import annotations

import json
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
        write_durably(self._leader, json.dumps([term, session]).encode())
        self.highest = (term, session)

    def close(self) -> None:
        """Closes the spool."""
        self.spool.close()
