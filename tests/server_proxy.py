"""A proxy before PostgreSQL: what passes through it can be watched, or cut off."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Self

SOCKET = ".s.PGSQL.5432"


class ServerProxy:
    """Listens in a folder of its own and passes everything on to the server in another one."""

    def __init__(self, server: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="px")  # short, as a socket's path must be
        self._server = f"{server}/{SOCKET}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self.folder}/{SOCKET}")
        self._listener.listen()
        Path(f"{self.folder}/{SOCKET}").chmod(0o777)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(10)
        self._listener.close()
        shutil.rmtree(self.folder)

    def passes(self, client: socket.socket, data: bytes, *, is_up: bool) -> bool:
        """Whether what a client says (`is_up`), or is told, is passed on; the connection is cut otherwise."""
        return True

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            for source, target, is_up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, target, client, is_up), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, client: socket.socket, is_up: bool) -> None:
        with source:
            try:
                while (data := source.recv(1 << 16)) and self.passes(client, data, is_up=is_up):
                    target.sendall(data)
            except OSError:
                pass
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
