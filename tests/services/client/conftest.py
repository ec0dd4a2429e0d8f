"""A stand-in scheduler, and each client against it."""

import asyncio

import pytest

import rivers_client
from tests.services.client.blocking import Blocking
from tests.services.client.standin import Standin


@pytest.fixture
def scheduler():
    standin = Standin()
    standin.start()
    yield standin
    standin.stop()


@pytest.fixture(params=["sync", "async"])
def connect(request):
    """Makes clients of one kind; closes them at the end."""
    if request.param == "sync":
        clients = []

        def make(address, **settings):
            clients.append(rivers_client.Client(address, **settings))
            return clients[-1]

        yield make
        for client in clients:
            client.close()
    else:
        loop = asyncio.new_event_loop()
        opened = []

        def make(address, **settings):
            opened.append(rivers_client.AsyncClient(address, **settings))
            return Blocking(opened[-1], loop)

        yield make
        for client in opened:
            loop.run_until_complete(client.close())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.fixture
def client(connect, scheduler):
    return connect(scheduler.address)
