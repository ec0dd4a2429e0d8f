"""A location and its scheduler, each of which has to be known to the other."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from rivers.credentials.role import Role
from rivers.credentials.rules import rule_of
from rivers.credentials.secret import for_location
from rivers.errors import PermissionDeniedError, UnauthenticatedError
from rivers.lifecycle.states import RunState
from rivers.v1.definition_service_pb2 import GetSnapshotRequest
from rivers.v1.definition_service_pb2_grpc import DefinitionServiceStub
from rivers_client import Client
from tests import contract
from tests.services.credentials import every_method
from tests.services.credentials.cli import accept, create, refused, rivers
from tests.services.credentials.guarded import Guarded
from tests.stack import Program


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with Guarded(tmp_path_factory.mktemp("known")) as running:
        running.start_guarded_scheduler("--log-level", "debug")
        running.start_guarded_location("team", "--log-level", "debug")
        running.start_guarded_location("other")
        yield running


def address(program: Program) -> str:
    return program.line_with("serving ").split()[-1]


def said(stack: Guarded, name: str, text: str) -> None:
    stack.until(lambda: text in stack.locations[name].stderr(), text)


def test_a_run_goes_through_where_everybody_is_known(stack: Guarded) -> None:
    for name in ("team", "other"):
        assert stack.client.runs.submit(name, job="totals").wait(timeout=30).state == RunState.SUCCEEDED


def test_nobody_but_the_scheduler_may_drive_a_location(stack: Guarded) -> None:
    """What another team is shown by the scheduler does not help it here, either."""
    shown = dict(stack.tokens)
    shown["the scheduler to another"] = for_location(stack.tokens["scheduler"], "other")
    with grpc.insecure_channel(address(stack.locations["team"])) as channel:
        for token in (None, "x", *shown.values()):
            for method, status in every_method.served(channel, contract.LOCATION, token):
                if rule_of(method).is_public:
                    assert status not in every_method.REFUSALS, method
                else:
                    assert status == "UNAUTHENTICATED", method
        good = for_location(stack.tokens["scheduler"], "team")
        (attach,) = [method for method in contract.LOCATION if method.name == "Attach"]
        assert every_method.answer(channel, attach, good) == "INVALID_ARGUMENT"


@pytest.mark.parametrize("role", ["viewer", "operator", "admin", "location:team"])
def test_another_role_that_a_location_knows_may_not_drive_it(tmp_path: Path, role: str) -> None:
    with Guarded(tmp_path) as stack:
        known = tmp_path / "known.json"
        made = rivers(tmp_path, "tokens", "create", "--role", role, "--tokens-file", str(known))
        location = stack.start_location(
            "team",
            "repo = rs.CodeRepository(assets=[])",
            options=("--scheduler-token-file", str(known)),
            await_ready=False,
        )
        with grpc.insecure_channel(address(location)) as channel:
            for method, status in every_method.served(channel, contract.LOCATION, made.stdout.strip()):
                admitted = rule_of(method).admits(Role.parse(role))
                assert (status == "PERMISSION_DENIED") == (not admitted), method


def test_another_teams_token_opens_nothing_at_the_scheduler(stack: Guarded) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{stack.port}") as channel:
        for method, status in every_method.served(channel, contract.SCHEDULER, stack.tokens["location:other"]):
            if not rule_of(method).is_public:
                assert status == "PERMISSION_DENIED", method


def test_a_location_registers_as_nobody_else(stack: Guarded) -> None:
    stack.start_guarded_location("thief", role="location:team", await_ready=False)
    said(stack, "thief", "may not speak for location 'thief'")
    stack.start_guarded_location("person", role="admin", await_ready=False)
    said(stack, "person", "has the role admin, which may not call Register")
    assert {one.name for one in stack.client.locations.list()} == {"team", "other"}


def test_a_location_without_a_good_token_is_told_so(stack: Guarded) -> None:
    stack.tokens["location:late"] = create(stack.directory, "location:late", "--expires", "0s")
    stack.start_guarded_location("late", await_ready=False)
    said(stack, "late", "expired")
    stack.start_location("silent", "repo = rs.CodeRepository(assets=[])", await_ready=False)
    said(stack, "silent", "asks for a token")


def test_a_scheduler_that_the_location_does_not_know_is_refused(stack: Guarded) -> None:
    stack.tokens["location:wary"] = create(stack.directory, "location:wary")
    known = accept(stack.directory, "wary", "the token of another scheduler")
    options = ("--token-file", stack.token_file("location:wary"), "--scheduler-token-file", str(known))
    stack.start_location("wary", "repo = rs.CodeRepository(assets=[])", options=options, await_ready=False)
    stack.await_location("wary", "REFUSED")
    (wary,) = [one for one in stack.client.locations.list() if one.name == "wary"]
    assert "not known" in wary.message


def test_a_stream_tells_nothing_more_to_a_token_that_was_revoked(tmp_path: Path) -> None:
    with Guarded(tmp_path) as stack:
        stack.start_guarded_scheduler()
        stack.tokens["location:team"] = create(tmp_path, "location:team")
        known = accept(tmp_path, "team", stack.tokens["scheduler"])
        source = f"""
            @rs.Asset
            def waits() -> int:
                while not os.path.exists({str(tmp_path / "go")!r}):
                    time.sleep(0.01)
                return 1
            repo = rs.CodeRepository(assets=[waits])
        """
        options = ("--token-file", stack.token_file("location:team"), "--scheduler-token-file", str(known))
        stack.start_location("team", source, options=options)
        run = stack.client.runs.submit("team")
        watcher = create(tmp_path, "viewer", "--name", "watcher")
        listed = json.loads(rivers(tmp_path, "tokens", "list", "--json", "--storage-path", "scheduler").stdout)
        with Client(f"127.0.0.1:{stack.port}", token=watcher) as client:
            events = client.runs.get(run.run_id).events()
            next(events)
            assert rivers(tmp_path, "tokens", "revoke", listed[-1]["id"], "--storage-path", "scheduler").returncode == 0
            (tmp_path / "go").touch()
            with pytest.raises(UnauthenticatedError, match="revoked"):
                list(events)
        assert run.wait(timeout=30).state == RunState.SUCCEEDED


def test_a_scheduler_whose_token_was_revoked_loses_its_stream(tmp_path: Path) -> None:
    with Guarded(tmp_path) as stack:
        stack.start_guarded_scheduler()
        stack.start_guarded_location("team")
        known = str(tmp_path / "team.accepted.json")
        (row,) = json.loads(rivers(tmp_path, "tokens", "list", "--json", "--tokens-file", known).stdout)
        assert rivers(tmp_path, "tokens", "revoke", row["id"], "--tokens-file", known).returncode == 0
        stack.await_location("team", "REFUSED")
        (team,) = stack.client.locations.list()
        assert f"token {row['id']} was revoked" in team.message


def test_definitions_are_told_no_more_to_a_scheduler_whose_token_was_revoked(tmp_path: Path) -> None:
    known = accept(tmp_path, "team", "the token of a scheduler")
    with Guarded(tmp_path) as stack:
        source = """
            while not os.path.exists("go"):
                time.sleep(0.01)
            repo = rs.CodeRepository(assets=[])
        """
        team = stack.start_location("team", source, options=("--scheduler-token-file", str(known)), await_ready=False)
        shown = (("authorization", f"Bearer {for_location('the token of a scheduler', 'team')}"),)
        with grpc.insecure_channel(address(team)) as channel:
            parts = DefinitionServiceStub(channel).GetSnapshot(GetSnapshotRequest(), metadata=shown, timeout=30)
            assert next(parts).HasField("progress")
            (row,) = json.loads(rivers(tmp_path, "tokens", "list", "--json", "--tokens-file", str(known)).stdout)
            assert rivers(tmp_path, "tokens", "revoke", row["id"], "--tokens-file", str(known)).returncode == 0
            with pytest.raises(grpc.RpcError) as ended:
                list(parts)
        assert ended.value.code() == grpc.StatusCode.UNAUTHENTICATED
        (tmp_path / "go").touch()


def test_who_forgets_a_location_is_told_by_the_runs_that_it_cost(tmp_path: Path) -> None:
    with Guarded(tmp_path) as stack:
        stack.start_guarded_scheduler()
        stack.tokens["ann"] = create(tmp_path, "operator", "--name", "ann")
        stack.tokens["location:team"] = create(tmp_path, "location:team")
        known = accept(tmp_path, "team", stack.tokens["scheduler"])
        source = """
            @rs.Asset
            def endless() -> int:
                mark("endless")
                while True:
                    time.sleep(1)
            repo = rs.CodeRepository(assets=[endless])
        """
        options = ("--token-file", stack.token_file("location:team"), "--scheduler-token-file", str(known))
        team = stack.start_location("team", source, options=options)
        run = stack.client.runs.submit("team")
        stack.until(lambda: stack.marks("team"), "the body")
        team.kill()
        stack.await_location("team", "CONNECTING")
        address = f"127.0.0.1:{stack.port}"
        with Client(address, token=stack.tokens["viewer"]) as viewer, pytest.raises(PermissionDeniedError):
            viewer.locations.forget("team")
        with Client(address, token=stack.tokens["ann"]) as ann:
            assert ann.locations.forget("team", "it is gone") == 1
        lost = next(event for event in run.events(timeout=30) if event.type.name == "ATTEMPT_LOST")
        assert lost.failure is not None
        assert re.search(r"was forgotten by token \w+ \(ann\): it is gone", lost.failure.message)


def test_tokens_are_seen_nowhere(stack: Guarded) -> None:
    assert stack.client.runs.submit("team", job="totals").wait(timeout=30).state == RunState.SUCCEEDED
    secrets = [*stack.tokens.values(), *(for_location(stack.tokens["scheduler"], name) for name in ("team", "other"))]
    for where, text in stack.traces().items():
        for secret in secrets:
            assert secret not in text, where


def test_user_code_has_no_credentials_in_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Guarded(tmp_path) as stack:
        stack.start_guarded_scheduler()
        token = stack.tokens["location:team"] = create(tmp_path, "location:team")
        monkeypatch.setenv("RIVERS_TOKEN", token)
        monkeypatch.setenv("RIVERS_DATABASE_URL", "postgresql://somebody:hidden@nowhere/rivers")
        known = accept(tmp_path, "team", stack.tokens["scheduler"])
        source = """
            mark(open("/proc/self/environ").read() + str(dict(os.environ)))
            @rs.Asset
            def numbers() -> int:
                mark(open("/proc/self/environ").read() + str(dict(os.environ)))
                return 1
            repo = rs.CodeRepository(assets=[numbers])
        """
        location = stack.start_location("team", source, options=("--scheduler-token-file", str(known)))
        assert stack.client.runs.submit("team").wait(timeout=30).state == RunState.SUCCEEDED
        seen = "".join(stack.marks("team"))
        assert "PATH" in seen
        for pid in stack.processes():
            if pid != location.process.pid and os.getpgid(pid) != os.getpgid(location.process.pid):
                seen += Path(f"/proc/{pid}/environ").read_text()
        assert token not in seen
        assert "hidden" not in seen


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    outcome = rivers(tmp_path, "serve", "empty", "--scheduler-token-file", "nowhere.json", PYTHONPATH=str(tmp_path))
    assert "rivers tokens accept" in refused(outcome)
    (tmp_path / "blank").touch()
    outcome = rivers(tmp_path, "serve", "empty", "--token-file", "blank", PYTHONPATH=str(tmp_path))
    assert "'blank' is empty" in refused(outcome)
    assert "--token-file" in refused(rivers(tmp_path, "tokens", "accept", "team"))
