"""The lines to the workers that are busy with the steps of one run, heard by one thread.

What a worker answers is decided on by that thread, which then sends the next errand itself: between an answer and the
next errand nothing is handed over from thread to thread.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from rivers.driver.worker import Worker


class Switchboard:
    """Tells who answered: `heard` gets the answer, `lost` whether the worker had ended before it read its errand."""

    def __init__(self, heard: Callable[[Worker, bytes], None], lost: Callable[[Worker, bool], None]) -> None:
        self._heard = heard
        self._lost = lost
        self._lock = threading.Lock()
        self._selector: selectors.BaseSelector | None = None
        self._thread: threading.Thread | None = None
        self._bell: socket.socket | None = None
        self._connected: set[Worker] = set()
        self._is_over = False

    @property
    def is_here(self) -> bool:
        """Whether it is its thread that asks."""
        return threading.current_thread() is self._thread

    def expect(self, worker: Worker) -> None:
        """Waits for an answer, from any thread: selectors of epoll and kqueue take that while another one waits."""
        if self._selector is None:
            with self._lock:
                if self._selector is None:
                    self._selector = self._open()
        if worker not in self._connected:
            self._connected.add(worker)
            self._selector.register(worker, selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.has_unsent else 0))
        elif worker.has_unsent:
            self._selector.modify(worker, selectors.EVENT_READ | selectors.EVENT_WRITE)

    def disconnect(self, worker: Worker) -> None:
        """Listens to a worker no more."""
        assert self._selector is not None
        self._selector.unregister(worker)
        self._connected.discard(worker)

    def stop(self) -> None:
        """Ends the thread, after what it is about."""
        if self._thread is None or self._bell is None or self._selector is None:
            return
        self._is_over = True
        with suppress(OSError):  # the thread has seen it already
            self._bell.send(b"\0")
        self._thread.join()
        self._selector.close()
        self._bell.close()

    def _open(self) -> selectors.BaseSelector:
        self._bell, heard = socket.socketpair()
        selector = selectors.DefaultSelector()
        selector.register(heard, selectors.EVENT_READ)
        arguments = (selector, heard)
        self._thread = threading.Thread(target=self._listen, args=arguments, name="rivers-workers", daemon=True)
        self._thread.start()
        return selector

    def _listen(self, selector: selectors.BaseSelector, bell: socket.socket) -> None:
        with bell:
            while not self._is_over:
                for key, events in selector.select():
                    if isinstance(key.fileobj, Worker):
                        self._attend(selector, key.fileobj, events)

    def _attend(self, selector: selectors.BaseSelector, worker: Worker, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                worker.send_rest()
                if not worker.has_unsent:
                    selector.modify(worker, selectors.EVENT_READ)
            answer = worker.receive()
        except (EOFError, OSError) as error:
            self.disconnect(worker)
            self._lost(worker, not isinstance(error, EOFError))
            return
        if answer is not None:
            self._heard(worker, answer)
