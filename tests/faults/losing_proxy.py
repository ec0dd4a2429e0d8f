"""A proxy before PostgreSQL that can lose the answer to a COMMIT."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class LosingProxy:
    """Listens in a folder of its own and passes everything on to the server in another one.

    After `lose_next`, the next COMMIT reaches the server and happens, but the connection is cut before the answer.
    """

    def __init__(self, server: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="px")  # short, as a socket's path must be
        self.is_waiting = False
        self._server = f"{server}/{SOCKET}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self.folder}/{SOCKET}")
        self._listener.listen()
        Path(f"{self.folder}/{SOCKET}").chmod(0o777)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> LosingProxy:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        self._listener.close()
        shutil.rmtree(self.folder)

    def lose_next(self) -> None:
        """The answer to the next COMMIT is lost."""
        self.is_waiting = True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            loses = threading.Event()
            for one, other, is_up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(one, other, is_up, loses), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_up: bool, loses: threading.Event) -> None:
        with source:
            try:
                while data := source.recv(1 << 16):
                    if is_up and self.is_waiting and data.endswith(COMMIT):
                        loses.set()
                    elif not is_up and loses.is_set():  # the server has committed
                        self.is_waiting = False
                        break
                    target.sendall(data)
            except OSError:
                pass
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
