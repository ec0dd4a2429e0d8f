"""The file of tokens: what it holds, and who finds what."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rivers.clock import SystemClock
from rivers.credentials.gate import Gate
from rivers.credentials.role import Role
from rivers.credentials.secret import for_location
from rivers.credentials.token_file import TokenFile
from rivers.errors import (
    ConfigurationError,
    InvalidRequestError,
    PermissionDeniedError,
    StorageError,
    UnauthenticatedError,
    UnavailableError,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
READ, SUBMIT = "/rivers.v1.RunService/GetRun", "/rivers.v1.RunService/SubmitRun"
HEALTH = "/grpc.health.v1.Health/Check"


class StillClock(SystemClock):
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def wall(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "tokens.json"


def test_the_text_of_a_token_is_kept_nowhere(path: Path) -> None:
    token, text = TokenFile(path).create(Role("viewer"), "ann", now=NOW)
    assert len(text) > 43
    assert text not in path.read_text()
    assert text.removeprefix("rivers_") not in repr(token)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_reader_sees_changes_of_somebody_else(path: Path) -> None:
    reader = TokenFile(path)
    assert reader.all() == ()
    token, text = TokenFile(path).create(Role("viewer"), "ann", now=NOW)
    assert reader.find(text) == token
    assert reader.is_current(token)
    revoked = TokenFile(path).revoke(token.id, now=NOW)
    assert reader.find(text) == revoked
    assert not reader.is_current(token)
    assert TokenFile(path).revoke(token.id, now=NOW + timedelta(1)).revoked == NOW


def test_an_unknown_id_is_refused(path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no token 'x'"):
        TokenFile(path).revoke("x", now=NOW)


def test_a_file_that_others_can_change_is_refused(path: Path) -> None:
    TokenFile(path).create(Role("viewer"), "", now=NOW)
    path.chmod(0o622)
    with pytest.raises(StorageError, match="chmod 600"):
        TokenFile(path).all()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 2, "tokens": []}', '{"version": 1, "tokens": [{}]}'])
def test_a_file_of_something_else_is_refused(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="no file of tokens"):
        TokenFile(path).all()


def test_without_tokens_nobody_is_asked_and_with_the_first_one_everybody_is(path: Path, clock: StillClock) -> None:
    gate = Gate(TokenFile(path), clock)
    assert gate.admit(SUBMIT, None) is None
    _, text = TokenFile(path).create(Role("viewer"), "", now=NOW)
    with pytest.raises(UnauthenticatedError, match="asks for a token"):
        gate.admit(SUBMIT, None)
    assert gate.admit(READ, f"Bearer {text}") is not None
    path.unlink()
    with pytest.raises(UnauthenticatedError):
        gate.admit(READ, None)
    with pytest.raises(UnauthenticatedError):
        gate.admit(READ, f"Bearer {text}")


def test_nobody_is_let_in_while_the_file_cannot_be_read(path: Path, clock: StillClock) -> None:
    gate = Gate(TokenFile(path), clock)
    _, text = TokenFile(path).create(Role("viewer"), "", now=NOW)
    path.write_text("damaged")
    for authorization in (None, f"Bearer {text}"):
        with pytest.raises(UnavailableError, match="cannot be read"):
            gate.admit(READ, authorization)


def test_a_token_ends_when_it_expires_or_is_revoked(path: Path, clock: StillClock) -> None:
    gate = Gate(TokenFile(path), clock)
    token, text = TokenFile(path).create(Role("viewer"), "", now=NOW, expires=NOW + timedelta(days=1))
    assert gate.admit(READ, f"Bearer {text}") == token
    gate.recheck(token)
    clock.now += timedelta(days=1)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError, match=f"token {token.id} expired"):
            gate.admit(READ, f"Bearer {text}")
        with pytest.raises(UnauthenticatedError, match="expired"):
            gate.recheck(token)
    TokenFile(path).revoke(token.id, now=NOW)
    clock.now = NOW
    with pytest.raises(UnauthenticatedError, match=f"token {token.id} was revoked"):
        gate.admit(READ, f"Bearer {text}")
    with pytest.raises(UnauthenticatedError, match="revoked"):
        gate.recheck(token)


def test_refusals_do_not_show_what_was_sent(path: Path, clock: StillClock) -> None:
    _, text = TokenFile(path).create(Role("viewer"), "", now=NOW)
    gate = Gate(TokenFile(path), clock)
    for sent in (f"Basic {text}", text, f"Bearer {text}x", f"Bearer {text[:-1]}", "Bearer ", "bearer " + text):
        with pytest.raises(UnauthenticatedError) as refused:
            gate.admit(READ, sent)
        assert text[7:20] not in str(refused.value)
    with pytest.raises(PermissionDeniedError, match="viewer, which may not call SubmitRun") as denied:
        gate.admit(SUBMIT, f"Bearer {text}")
    assert text not in repr(denied.value.ids)


def test_health_is_open_to_this_machine_only(path: Path, clock: StillClock) -> None:
    TokenFile(path).create(Role("viewer"), "", now=NOW)
    assert Gate(TokenFile(path), clock).admit(HEALTH, None) is None
    with pytest.raises(UnauthenticatedError):
        Gate(TokenFile(path), clock, is_public=False).admit(HEALTH, None)


def test_a_strict_gate_asks_even_without_tokens(clock: StillClock) -> None:
    with pytest.raises(UnauthenticatedError):
        Gate(None, clock, is_strict=True).admit(READ, None)
    with pytest.raises(UnauthenticatedError):
        Gate(None, clock, is_strict=True).admit(READ, "Bearer x")


def test_a_location_is_itself_by_token_and_by_certificate(path: Path, clock: StillClock) -> None:
    token, _ = TokenFile(path).create(Role.parse("location:team"), "", now=NOW)
    gate = Gate(TokenFile(path), clock, names_peers=True)
    gate.admit_location(token, "team", {"team", "other.host"})
    with pytest.raises(PermissionDeniedError, match="may not speak for location 'other'"):
        gate.admit_location(token, "other", {"other"})
    with pytest.raises(PermissionDeniedError, match="certificate does not name location 'team'"):
        gate.admit_location(token, "team", {"other"})
    with pytest.raises(PermissionDeniedError, match="certificate"):
        gate.admit_location(None, "team", ())


def test_every_location_gets_another_token_of_its_scheduler() -> None:
    shown = {for_location("secret", name) for name in ("a", "b", "c")} | {for_location("other", "a")}
    assert len(shown) == 4
    assert for_location("secret", "a") in shown
    assert not any("secret" in one for one in shown)
