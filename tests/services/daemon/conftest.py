"""Daemons over storages in memory, and a wait for what they do."""

from __future__ import annotations

import threading
import time

import pytest

import rivers as rs


def eventually(found, seconds=30.0):
    """The first answer that is true; a question that is not answered in time fails."""
    deadline = time.monotonic() + seconds
    while True:
        answer = found()
        if answer:
            return answer
        assert time.monotonic() < deadline, "it has not come in time"
        threading.Event().wait(0.02)


@pytest.fixture
def storage():
    return rs.Storage.memory()


@pytest.fixture
def daemon(storage):
    """Starts a daemon for a repository; it is stopped when the test ends."""
    started = []

    def start(repo, storage=storage, **options):
        options.setdefault("condition_eval_interval", "100ms")
        one = rs.AutomationDaemon(repo, storage, **options)
        started.append((one, repo))
        one.start()
        return one

    yield start
    for one, repo in started:
        one.stop()
        repo.shutdown()
