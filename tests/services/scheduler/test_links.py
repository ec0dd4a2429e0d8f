"""A link and what a location does to its streams. Pauses last an hour here, so what is dialled is dialled at once."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from rivers.credentials.caller import Caller
from rivers.v1 import step_service_pb2 as pb
from rivers_server.core.inputs import Message, SnapshotRead
from rivers_server.links.link import Link, SessionNumbers
from rivers_server.links.redial import BURST, Redial
from tests.fuzz.fake_location import FakeLocation, Session

HOUR = 3600.0


class Listener:
    """Takes what a link says, as the core would, and lets a test wait for it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def put(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, SnapshotRead):
            message.reply.set(None)
        self._news.set()

    async def count(self, kind: str, at_least: int) -> None:
        """Waits until so many messages of a kind have come."""
        async with asyncio.timeout(20):
            while sum(type(message).__name__ == kind for message in self.messages) < at_least:
                self._news.clear()
                await self._news.wait()

    def has(self, kind: str) -> int:
        return sum(type(message).__name__ == kind for message in self.messages)


@pytest.fixture
def location() -> Iterator[FakeLocation]:
    fake = FakeLocation("127.0.0.1:1", "team")
    yield fake
    fake.__exit__(None, None, None)


@asynccontextmanager
async def dialled(location: FakeLocation, address: str = "") -> AsyncIterator[tuple[Link, Listener]]:
    listener = Listener()
    link = Link(
        location.name,
        address or f"127.0.0.1:{location.port}",
        store_id="store",
        term=1,
        beat_interval=timedelta(seconds=60),
        sessions=SessionNumbers(),
        put=listener.put,
        known_snapshot=lambda: None,
        caller=Caller(),
        redial=Redial(first=HOUR, longest=HOUR),
    )
    try:
        yield link, listener
    finally:
        await link.close()


def opened(session: Session) -> Iterator[pb.AttachResponse | bytes]:
    """The beginning of a session with nothing to replay; nobody here answers the inventory."""
    yield pb.AttachResponse(reports=[pb.Report(inventory=session.inventory), pb.Report(replayed=pb.Replayed())])


def announce(link: Link, location: FakeLocation, boot: int = 1) -> None:
    link.announce(f"127.0.0.1:{location.port}", location.inventory.home_id, boot)


async def test_a_session_that_ended_by_itself_is_opened_again_at_once_but_not_for_ever(location: FakeLocation) -> None:
    location.answers = opened  # and then it hangs up
    async with dialled(location) as (link, listener):
        await listener.count("SessionClosed", BURST + 1)
        await asyncio.to_thread(location.await_sessions, BURST + 1)
        assert location.sessions == BURST + 1
        announce(link, location)
        await listener.count("SessionClosed", BURST + 2)


async def test_an_announcement_that_crosses_the_end_of_its_session_is_not_forgotten(location: FakeLocation) -> None:
    is_announced = threading.Event()

    def answers(session: Session) -> Iterator[pb.AttachResponse | bytes]:
        yield pb.AttachResponse(reports=[pb.Report(inventory=session.inventory)])
        is_announced.wait(20)

    location.answers = answers
    async with dialled(location) as (link, listener):
        await listener.count("Reported", 1)
        announce(link, location)
        assert not listener.has("SessionClosed"), "it is the same start of the same home"
        is_announced.set()
        await listener.count("SessionClosed", 2)


async def test_an_announcement_of_a_later_start_ends_the_stream_to_the_earlier(location: FakeLocation) -> None:
    is_over = threading.Event()

    def answers(session: Session) -> Iterator[pb.AttachResponse | bytes]:
        yield from opened(session)
        is_over.wait(20)

    location.answers = answers
    async with dialled(location) as (link, listener):
        await listener.count("Reported", 1)
        announce(link, location, boot=2)
        await listener.count("SessionClosed", 1)
        is_over.set()
        await listener.count("Reported", 2)


async def test_an_announcement_from_elsewhere_ends_a_dial_that_nobody_answers(location: FakeLocation) -> None:
    location.answers = opened
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connects, and says nothing ever
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        async with dialled(location, address) as (link, listener):
            connection, _ = await asyncio.wait_for(asyncio.to_thread(silent.accept), 20)
            with connection:
                announce(link, location)
                await listener.count("Reported", 1)


async def test_an_announcement_leaves_a_stream_that_is_just_being_opened_alone(location: FakeLocation) -> None:
    is_attached, may_answer = threading.Event(), threading.Event()

    def answers(session: Session) -> Iterator[pb.AttachResponse | bytes]:
        is_attached.set()
        may_answer.wait(20)
        yield from opened(session)
        session.await_command("stop", 20)

    location.answers = answers
    async with dialled(location) as (link, listener):
        await asyncio.to_thread(is_attached.wait, 20)
        for _ in range(3):
            announce(link, location)
        may_answer.set()
        await listener.count("Reported", 1)
        assert not listener.has("SessionClosed")
