"""Tokens of a scheduler: made, used and revoked with real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from rivers.credentials.role import Role
from rivers.credentials.rules import rule_of
from rivers.errors import PermissionDeniedError, UnauthenticatedError
from rivers_client import Client
from tests import contract
from tests.services.credentials import every_method
from tests.services.credentials.cli import create, refused, rivers
from tests.stack import Stack

ROLES = ("viewer", "operator", "admin", "scheduler", "location:team", "location:other")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("tokens")) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(stack: Stack) -> dict[str, str]:
    """A token for each role, made before the scheduler ever ran."""
    made = {role: create(stack.directory, role, "--name", role) for role in ROLES}
    stack.start_scheduler()
    return made


@pytest.fixture
def channel(stack: Stack, tokens: dict[str, str]) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{stack.port}") as opened:
        yield opened


@pytest.mark.parametrize("role", ROLES)
def test_every_method_is_for_its_roles_only(channel: grpc.Channel, tokens: dict[str, str], role: str) -> None:
    for method, status in every_method.served(channel, contract.SCHEDULER, tokens[role]):
        rule = rule_of(method)
        admitted = rule.is_public or (
            rule.admits(Role.parse(role)) and not (rule.as_itself and role != "location:team")
        )
        assert status == "PERMISSION_DENIED" if not admitted else status not in every_method.REFUSALS, (method, status)


def test_without_a_valid_token_only_health_answers(channel: grpc.Channel, stack: Stack, tokens: dict[str, str]) -> None:
    directory = stack.directory
    revoked = create(directory, "admin", "--name", "leaver")
    listed = json.loads(rivers(directory, "tokens", "list", "--json", "--storage-path", "scheduler").stdout)
    token_id = listed[-1]["id"]
    assert rivers(directory, "tokens", "revoke", token_id, "--storage-path", "scheduler").returncode == 0
    expired = create(directory, "admin", "--expires", "0s")
    for token in (None, "", "x", tokens["admin"] + "x", revoked, expired):
        for method, status in every_method.served(channel, contract.SCHEDULER, token):
            if rule_of(method).is_public:
                assert status not in every_method.REFUSALS
            else:
                assert status == "UNAUTHENTICATED", method


def test_the_client_raises_the_class_that_the_server_raised(stack: Stack, tokens: dict[str, str]) -> None:
    address = f"127.0.0.1:{stack.port}"
    with Client(address) as nobody, pytest.raises(UnauthenticatedError, match="asks for a token"):
        list(nobody.runs.list())
    with Client(address, token=tokens["viewer"]) as viewer:
        assert list(viewer.runs.list()) == []
        with pytest.raises(PermissionDeniedError, match="role viewer, which may not call SubmitRun") as denied:
            viewer.runs.submit("team")
    assert denied.value.role == "viewer"
    assert tokens["viewer"] not in repr(denied.value.__dict__)


def test_commands_take_tokens_from_the_environment_and_from_files(stack: Stack, tokens: dict[str, str]) -> None:
    address = f"127.0.0.1:{stack.port}"
    asked = rivers(stack.directory, "runs", "list", "--scheduler", address)
    assert "--token-file" in refused(asked)
    shown = rivers(stack.directory, "runs", "list", "--scheduler", address, RIVERS_TOKEN=tokens["viewer"])
    assert shown.returncode == 0, shown.stderr
    file = stack.directory / "viewer.token"
    file.write_text(tokens["viewer"] + "\n")
    assert rivers(stack.directory, "runs", "list", "--scheduler", address, "--token-file", str(file)).returncode == 0
    denied = rivers(stack.directory, "runs", "cancel", "x", "--scheduler", address, "--token-file", str(file))
    assert "viewer" in refused(denied)


def test_a_token_that_is_made_while_the_scheduler_runs_is_good_at_once_until_it_is_revoked(
    stack: Stack, tokens: dict[str, str]
) -> None:
    file = stack.directory / "late.token"
    made = create(stack.directory, "viewer", "--out", str(file))
    assert made == ""
    assert file.stat().st_mode & 0o777 == 0o600
    listed = json.loads(rivers(stack.directory, "tokens", "list", "--json", "--storage-path", "scheduler").stdout)
    with Client(f"127.0.0.1:{stack.port}", token=file.read_text().strip()) as client:
        assert list(client.runs.list()) == []
        done = rivers(stack.directory, "tokens", "revoke", listed[-1]["id"], "--storage-path", "scheduler")
        assert done.returncode == 0
        with pytest.raises(UnauthenticatedError, match=f"token {listed[-1]['id']} was revoked"):
            list(client.runs.list())


def test_a_scheduler_without_tokens_asks_nobody_until_there_is_one(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        address = stack.start_scheduler()
        assert rivers(tmp_path, "runs", "list", "--scheduler", address, RIVERS_TOKEN="unknown").returncode == 0
        token = create(tmp_path, "viewer")
        assert "asks for a token" in refused(rivers(tmp_path, "runs", "list", "--scheduler", address))
        assert rivers(tmp_path, "runs", "list", "--scheduler", address, RIVERS_TOKEN=token).returncode == 0


def test_tokens_are_listed_without_their_text(stack: Stack, tokens: dict[str, str]) -> None:
    shown = rivers(stack.directory, "tokens", "list", "--storage-path", "scheduler")
    assert shown.returncode == 0
    for role, token in tokens.items():
        assert role in shown.stdout
        assert token not in shown.stdout
        assert token not in (stack.directory / "scheduler" / "tokens.json").read_text()


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    assert "viewer, operator, admin" in refused(rivers(tmp_path, "tokens", "create", "--role", "root"))
    assert "duration" in refused(rivers(tmp_path, "tokens", "create", "--role", "viewer", "--expires", "soon"))
    assert "no token 'x'" in refused(rivers(tmp_path, "tokens", "revoke", "x"))
    (tmp_path / "taken").touch()
    assert "taken" in refused(rivers(tmp_path, "tokens", "create", "--role", "viewer", "--out", "taken"))
    store = tmp_path / "store"
    store.mkdir()
    (store / "tokens.json").write_text("nonsense")
    (store / "tokens.json").chmod(0o600)
    assert "no file of tokens" in refused(rivers(tmp_path, "scheduler", "--port", "0", "--storage-path", "store"))
