"""Certificates made for a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """An authority, and the files of what it has signed."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self._directory = directory
        self._ca = trustme.CA()
        self.path = directory / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.path))

    def files(self, name: str, *names: str, common_name: str | None = None, expired: bool = False) -> tuple[Path, Path]:
        """A certificate for these names, and its key."""
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        made = self._ca.issue_cert(*names, common_name=common_name, not_after=until)
        cert, key = self._directory / f"{name}.cert.pem", self._directory / f"{name}.key.pem"
        cert.unlink(missing_ok=True)
        for blob in made.cert_chain_pems:
            blob.write_to_path(str(cert), append=True)
        made.private_key_pem.write_to_path(str(key))
        return cert, key

    def server(self, name: str, *names: str, common_name: str | None = None, expired: bool = False) -> tuple[str, ...]:
        """Options of a server that shows a certificate and asks for one of this authority."""
        cert, key = self.files(name, *names, common_name=common_name, expired=expired)
        return ("--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(self.path))
