"""What the package offers."""

import inspect

import rivers_client


def test_all_names_are_there_and_sorted():
    assert list(rivers_client.__all__) == sorted(rivers_client.__all__)
    for name in rivers_client.__all__:
        assert getattr(rivers_client, name).__doc__


def test_both_clients_offer_the_same():
    for sync, other in [("Client", "AsyncClient"), ("RunHandle", "AsyncRunHandle")]:
        ours, theirs = getattr(rivers_client, sync), getattr(rivers_client, other)
        assert _public(ours) == _public(theirs)


def test_namespaces_offer_the_same():
    from rivers_client import _aio_client, _client

    for name in ("Runs", "Locations", "Assets", "Jobs"):
        assert _public(getattr(_client, name)) == _public(getattr(_aio_client, f"Async{name}"))


def _public(cls: type) -> dict[str, list[str]]:
    members = {name: member for name, member in inspect.getmembers(cls) if not name.startswith("_")}
    return {
        name: list(inspect.signature(member).parameters) if callable(member) else [] for name, member in members.items()
    }
