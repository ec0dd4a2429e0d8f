"""`rivers doctor` where certificates and tokens are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from rivers.cli.checkup.certificates import check_certificates, expiry
from rivers.cli.checkup.finding import Level
from tests.services.credentials.authority import Authority
from tests.services.credentials.guarded import Guarded
from tests.services.operability.test_doctor import doctor


def test_a_set_up_with_tls_and_tokens_is_looked_into_with_both(tmp_path: Path) -> None:
    with Guarded(tmp_path) as stack:
        authority = Authority(tmp_path)
        cert, key = authority.files("person", "person.example")
        stack.start_guarded_scheduler(*authority.server("scheduler", "127.0.0.1", "scheduler.example"))
        where = ("--scheduler", f"127.0.0.1:{stack.port}", "--storage-path", "scheduler")
        shown = ("--tls-ca", str(authority.path), "--tls-cert", str(cert), "--tls-key", str(key))
        code, found = doctor(tmp_path, *where, *shown, "--token-file", stack.token_file("viewer"))
        assert code == 0, found
        assert found["scheduler"]["level"] == found["tls ca"]["level"] == found["tls cert"]["level"] == "ok"
        code, found = doctor(tmp_path, *where, *shown)
        assert code == 1
        assert "UNAUTHENTICATED" in found["scheduler"]["message"]
        assert "--token-file" in found["scheduler"]["remedy"]
        stranger = Authority(tmp_path, "stranger")
        code, found = doctor(tmp_path, *where, "--tls-ca", str(stranger.path))
        assert code == 1
        assert "TLS" in found["scheduler"]["message"]


def test_a_certificate_that_has_expired_or_will_soon_is_told(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    now = datetime.now(UTC)
    old, _ = authority.files("old", "a.example", expired=True)
    (found,) = check_certificates({"cert": old}, now)
    assert found.level == Level.ERROR
    assert "expired" in found.message
    assert abs(expiry(old.read_text()) - (now - timedelta(days=1))) < timedelta(minutes=1)
    good, _ = authority.files("good", "a.example")
    end = expiry(good.read_text())
    levels = [
        finding.level
        for before in (timedelta(days=15), timedelta(days=13), timedelta(0))
        for finding in check_certificates({"cert": good}, end - before)
    ]
    assert levels == [Level.OK, Level.WARNING, Level.ERROR]
