"""Forks that user code makes of a worker. They are not the worker, whatever they think."""

from __future__ import annotations

import os

from codeloc.loading import flush_streams


class Original:
    """This process. What falls out of a body in a fork of it ends there: nothing is stored, said or read by it."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def insist(self) -> None:
        """Ends a fork."""
        if os.getpid() != self._pid:
            flush_streams()
            os._exit(0)
