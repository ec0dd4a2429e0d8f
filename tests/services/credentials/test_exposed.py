"""Servers that others can reach do not start without TLS and tokens, unless that is meant."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from rivers.credentials.rules import rule_of
from rivers.credentials.secret import for_location
from rivers.lifecycle.states import RunState
from tests import contract
from tests.services.credentials import every_method
from tests.services.credentials.authority import Authority
from tests.services.credentials.cli import accept, create, refused, rivers
from tests.services.credentials.guarded import Guarded
from tests.stack import Stack

ANYWHERE = ("--host", "0.0.0.0")


@pytest.fixture
def tls(tmp_path: Path) -> tuple[str, ...]:
    cert, key = Authority(tmp_path).files("server", "127.0.0.1")
    return "--tls-cert", str(cert), "--tls-key", str(key)


def test_a_scheduler_names_what_is_missing(tmp_path: Path, tls: tuple[str, ...]) -> None:
    def line(*options: str) -> str:
        said = refused(rivers(tmp_path, "scheduler", *ANYWHERE, "--port", "0", "--storage-path", "scheduler", *options))
        assert "0.0.0.0 is not a loopback address" in said
        assert "--insecure" in said
        return said

    assert "without TLS and tokens" in line()
    assert "without tokens" in line(*tls)
    create(tmp_path, "viewer", "--expires", "0s")
    assert "`rivers tokens create`" in line(*tls)
    create(tmp_path, "viewer")
    assert "--tls-cert with --tls-key" in line()
    assert not (tmp_path / "scheduler" / "rivers.db").exists()


def test_a_location_names_what_is_missing(tmp_path: Path, tls: tuple[str, ...]) -> None:
    (tmp_path / "module.py").write_text("")
    known = accept(tmp_path, "module", "the token of a scheduler")

    def line(*options: str) -> str:
        serve = ("serve", "module", *ANYWHERE, "--grpc-port", "0", *options)
        return refused(rivers(tmp_path, *serve, PYTHONPATH=str(tmp_path)))

    assert "--tls-cert with --tls-key and --scheduler-token-file" in line()
    assert "give --scheduler-token-file," in line(*tls)
    assert "give --tls-cert with --tls-key," in line("--scheduler-token-file", str(known))
    assert "--insecure" in line()


def test_servers_that_are_meant_to_be_open_start(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler(*ANYWHERE, "--insecure")
        stack.start_location(
            "team", "repo = rs.CodeRepository(assets=[])", options=(*ANYWHERE, "--insecure", "--advertise", "127.0.0.1")
        )


def test_with_tls_and_tokens_they_start_and_tell_nobody_anything(tmp_path: Path) -> None:
    with Guarded(tmp_path) as stack:
        authority = Authority(tmp_path)
        stack.tls["tls_ca"] = authority.path

        def options(name: str) -> tuple[str, ...]:
            cert, key = authority.files(name, "127.0.0.1")
            given = ("--tls-cert", str(cert), "--tls-key", str(key), "--tls-ca", str(authority.path))
            return (*ANYWHERE, *given)

        stack.start_guarded_scheduler(*options("scheduler"))
        team = stack.start_guarded_location("team", *options("team"), "--advertise", "127.0.0.1")
        assert stack.client.runs.submit("team", job="totals").wait(timeout=30).state == RunState.SUCCEEDED
        trusted = grpc.ssl_channel_credentials(authority.path.read_bytes())
        port = team.line_with("serving ").rsplit(":", 1)[1]
        for address, methods in ((stack.port, contract.SCHEDULER), (port, contract.LOCATION)):
            with grpc.secure_channel(f"127.0.0.1:{address}", trusted) as channel:
                for method, status in every_method.served(channel, methods, None):
                    assert status == "UNAUTHENTICATED", method
        with grpc.secure_channel(f"127.0.0.1:{stack.port}", trusted) as channel:
            for method, status in every_method.served(channel, contract.SCHEDULER, stack.tokens["viewer"]):
                assert (status in every_method.REFUSALS) == ("viewer" not in rule_of(method).kinds), method
        with grpc.secure_channel(f"127.0.0.1:{port}", trusted) as channel:
            shown = for_location(stack.tokens["scheduler"], "team")
            for method, status in every_method.served(channel, contract.LOCATION, shown):
                assert status not in every_method.REFUSALS, method
