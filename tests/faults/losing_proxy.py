"""A proxy before PostgreSQL that can lose the answer to a COMMIT."""

from __future__ import annotations

import socket

from tests.server_proxy import ServerProxy

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class LosingProxy(ServerProxy):
    """After `lose_next`, the next COMMIT reaches the server and happens, but nobody is told: the connection is cut."""

    def __init__(self, server: str) -> None:
        super().__init__(server)
        self.is_waiting = False
        self._loser: socket.socket | None = None

    def lose_next(self) -> None:
        """The answer to the next COMMIT is lost."""
        self.is_waiting = True

    def passes(self, client: socket.socket, data: bytes, *, is_up: bool) -> bool:
        if is_up and self.is_waiting and self._loser is None and data.endswith(COMMIT):
            self._loser = client
        elif not is_up and self._loser is client:  # the server has committed
            self.is_waiting = False
            self._loser = None
            return False
        return True
