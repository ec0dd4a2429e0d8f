"""Scheduler, locations, client and commands over mutual TLS, with tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from rivers.errors import SchedulerUnavailableError, UnauthenticatedError
from rivers.lifecycle.states import RunState
from rivers.v1.location_service_pb2 import RegisterRequest
from rivers.v1.location_service_pb2_grpc import LocationServiceStub
from rivers_client import AsyncClient, Client
from tests.services.credentials.authority import Authority
from tests.services.credentials.cli import create, refused, rivers
from tests.services.credentials.guarded import Guarded


class Encrypted(Guarded):
    """With an authority that everybody trusts."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.authority = Authority(directory)
        cert, key = self.authority.files("person", "person.example")
        self.tls = {"tls_ca": self.authority.path, "tls_cert": cert, "tls_key": key}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with Encrypted(tmp_path_factory.mktemp("mutual")) as running:
        server = running.authority.server("scheduler", "127.0.0.1", "scheduler.example")
        running.start_guarded_scheduler("--log-level", "debug", *server)
        running.start_guarded_location("team", *running.authority.server("team", "team"), "--log-level", "debug")
        yield running


def said(stack: Encrypted, name: str, text: str) -> None:
    stack.until(lambda: text in stack.locations[name].stderr(), text)


def await_message(stack: Encrypted, name: str, text: str) -> None:
    def message() -> bool:
        return any(one.name == name and text in one.message for one in stack.client.locations.list())

    stack.until(message, text)


def test_a_run_goes_through(stack: Encrypted) -> None:
    assert stack.client.runs.submit("team", job="totals").wait(timeout=30).state == RunState.SUCCEEDED


async def test_the_client_for_asyncio_goes_through(stack: Encrypted) -> None:
    async with AsyncClient(f"127.0.0.1:{stack.port}", token=stack.tokens["viewer"], **stack.tls) as client:
        assert [one.name async for one in client.locations.list()][:1] == ["team"]


def test_commands_take_certificates_by_option_and_from_the_environment(stack: Encrypted) -> None:
    told = ("--scheduler", f"127.0.0.1:{stack.port}", "--token-file", stack.token_file("operator"))
    paths = {name: str(path) for name, path in stack.tls.items()}
    options = [part for name, path in paths.items() for part in (f"--{name.replace('_', '-')}", path)]
    waited = rivers(stack.directory, "runs", "submit", "team", "--job", "totals", "--wait", *told, *options)
    assert waited.returncode == 0, waited.stderr
    variables = {f"RIVERS_{name.upper()}": path for name, path in paths.items()}
    shown = rivers(stack.directory, "locations", "list", *told, **variables)
    assert shown.returncode == 0, shown.stderr
    assert "team" in shown.stdout
    assert "TLS" in refused(rivers(stack.directory, "locations", "list", *told))


def test_a_certificate_is_no_token(stack: Encrypted) -> None:
    with Client(f"127.0.0.1:{stack.port}", **stack.tls) as client, pytest.raises(UnauthenticatedError):
        list(client.runs.list())


@pytest.mark.parametrize("which", ["another authority's", "an expired", "no"])
def test_a_client_with_another_certificate_is_not_heard(stack: Encrypted, tmp_path: Path, which: str) -> None:
    shown = {}
    if which != "no":
        authority = Authority(tmp_path) if which == "another authority's" else stack.authority
        cert, key = authority.files("bad", "person.example", expired=which == "an expired")
        shown = {"tls_cert": cert, "tls_key": key}
    address = f"127.0.0.1:{stack.port}"
    with (
        Client(address, token=stack.tokens["admin"], patience=0, tls_ca=stack.authority.path, **shown) as client,
        pytest.raises(SchedulerUnavailableError, match=address),
    ):
        list(client.runs.list())


def test_a_client_talks_to_nobody_whom_it_does_not_trust(stack: Encrypted, tmp_path: Path) -> None:
    trusts = {**stack.tls, "tls_ca": Authority(tmp_path).path}
    with (
        Client(f"127.0.0.1:{stack.port}", token="unused", patience=0, **trusts) as client,
        pytest.raises(SchedulerUnavailableError, match=r"no TLS with .*CERTIFICATE_VERIFY_FAILED"),
    ):
        list(client.runs.list())


@pytest.mark.parametrize("which", ["expired", "of another address"])
def test_a_client_does_not_talk_to_a_scheduler_whose_certificate_is_bad(tmp_path: Path, which: str) -> None:
    with Encrypted(tmp_path) as stack:
        name = "127.0.0.1" if which == "expired" else "scheduler.example"
        cert, key = stack.authority.files("scheduler", name, expired=which == "expired")
        stack.start_scheduler("--tls-cert", str(cert), "--tls-key", str(key))
        with (
            Client(f"127.0.0.1:{stack.port}", patience=0, tls_ca=stack.authority.path) as client,
            pytest.raises(SchedulerUnavailableError, match=r"no TLS with .*(expired|Hostname Verification)"),
        ):
            list(client.runs.list())


def test_a_location_whose_certificate_names_another_is_refused(stack: Encrypted) -> None:
    stack.start_guarded_location("thief", *stack.authority.server("thief", "team"), await_ready=False)
    said(stack, "thief", "certificate does not name location 'thief'")
    assert "thief" not in {one.name for one in stack.client.locations.list()}


def test_a_location_may_be_named_by_the_common_name(stack: Encrypted) -> None:
    stack.start_guarded_location("plain", *stack.authority.server("plain", "plain", common_name="plain"))


@pytest.mark.parametrize("which", ["another authority's", "an expired", "no"])
def test_a_location_with_another_certificate_is_not_heard(stack: Encrypted, tmp_path: Path, which: str) -> None:
    name = which.split()[-1].replace("'", "")
    authority = Authority(tmp_path) if which == "another authority's" else stack.authority
    shown = authority.server(name, name, expired=which == "an expired") if which != "no" else ()
    options = (*shown, "--tls-ca", str(stack.authority.path))
    stack.start_guarded_location(name, *options, await_ready=False)
    said(stack, name, "no scheduler answers")
    assert name not in {one.name for one in stack.client.locations.list()}


def test_the_link_goes_to_the_location_that_the_certificate_names(stack: Encrypted) -> None:
    """A location that registers somebody else's address does not get the scheduler to talk to that one."""
    target = stack.locations["team"].line_with("serving ").rsplit(":", 1)[1]
    token = create(stack.directory, "location:liar")
    cert, key = stack.authority.files("liar", "liar")
    shown = grpc.ssl_channel_credentials(stack.authority.path.read_bytes(), key.read_bytes(), cert.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{stack.port}", shown) as channel:
        request = RegisterRequest(location="liar", address=f"127.0.0.1:{target}", home_id="home", boot=1)
        LocationServiceStub(channel).Register(request, timeout=10, metadata=(("authorization", f"Bearer {token}"),))
    await_message(stack, "liar", "Hostname Verification")


def test_keys_and_tokens_are_seen_nowhere(stack: Encrypted) -> None:
    keys = [path.read_text() for path in stack.directory.glob("*.key.pem")]
    lines = {line for key in keys for line in key.splitlines() if len(line) > 40}
    assert lines
    for where, text in stack.traces().items():
        for secret in (*stack.tokens.values(), *lines):
            assert secret not in text, where


def test_bad_files_are_named_in_a_line(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = map(str, authority.files("one", "one"))
    _, other_key = map(str, authority.files("two", "two"))
    (tmp_path / "text.pem").write_text("nothing")
    (tmp_path / "module.py").write_text("")
    for command in (("scheduler", "--port", "0"), ("serve", "module", "--grpc-port", "0")):
        for options, expected in (
            (("--tls-cert", cert), "--tls-key"),
            (("--tls-client-ca", cert), "--tls-cert"),
            (("--tls-cert", cert, "--tls-key", other_key), "no certificate with its key"),
            (("--tls-cert", "nowhere.pem", "--tls-key", key), "'nowhere.pem' cannot be read"),
            (("--tls-cert", cert, "--tls-key", key, "--tls-client-ca", "text.pem"), "'text.pem' holds no certificate"),
        ):
            line = refused(rivers(tmp_path, *command, *options, PYTHONPATH=str(tmp_path)))
            assert expected in line, line
