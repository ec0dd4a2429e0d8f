"""Certificates and keys, as read from their files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rivers.errors import ConfigurationError

if TYPE_CHECKING:
    import grpc

#: Files with the authority of those who are called, a certificate and its key.
VARIABLES = ("RIVERS_TLS_CA", "RIVERS_TLS_CERT", "RIVERS_TLS_KEY")


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate with its key, the authority of those who are called, and that of those who call.

    With an authority for callers TLS is mutual: who has no certificate of it is not even heard. Where only that one is
    given, it vouches for those who are called, too; without any the machine's own authorities do.
    """

    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    authority: bytes | None = None
    client_authority: bytes | None = None

    @classmethod
    def load(
        cls,
        *,
        cert: Path | None = None,
        key: Path | None = None,
        ca: Path | None = None,
        client_ca: Path | None = None,
    ) -> Tls | None:
        """From PEM files; `None` when none is named. `ConfigurationError` names the file that is wrong."""
        if not (cert or key or ca or client_ca):
            return None
        if (cert is None) != (key is None):
            given, missing = ("--tls-cert", "--tls-key") if cert else ("--tls-key", "--tls-cert")
            raise ConfigurationError(f"{given} is given without {missing}; name both", field="tls")
        if client_ca is not None and cert is None:
            raise ConfigurationError("--tls-client-ca is given without --tls-cert and --tls-key", field="tls")
        if cert is not None and key is not None:
            _check_pair(cert, key)
        for authority in (ca, client_ca):
            if authority is not None:
                _check_authority(authority)
        return cls(*(_read(path) if path is not None else None for path in (cert, key, ca, client_ca)))

    @classmethod
    def from_environment(
        cls, *, ca: Path | None = None, cert: Path | None = None, key: Path | None = None
    ) -> Tls | None:
        """For a client: what is given, the environment for what is not, `None` when there is neither."""
        given = zip((ca, cert, key), VARIABLES, strict=True)
        paths = [path or (Path(os.environ[name]) if os.environ.get(name) else None) for path, name in given]
        return cls.load(ca=paths[0], cert=paths[1], key=paths[2])

    @property
    def is_mutual(self) -> bool:
        """Whether callers have to show a certificate."""
        return self.client_authority is not None

    @property
    def can_serve(self) -> bool:
        """Whether there is a certificate to serve with."""
        return self.certificate is not None

    def server_credentials(self) -> grpc.ServerCredentials:
        """For a server."""
        import grpc

        assert self.key is not None
        assert self.certificate is not None
        return grpc.ssl_server_credentials(
            [(self.key, self.certificate)], self.client_authority, require_client_auth=self.is_mutual
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a channel."""
        import grpc

        return grpc.ssl_channel_credentials(self.authority or self.client_authority, self.key, self.certificate)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"'{path}' cannot be read: {error.strerror}", field="tls") from None


def _check_pair(cert: Path, key: Path) -> None:
    import ssl

    _read(cert), _read(key)
    try:
        # A key that asks for a password would stop a server at its terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"'{cert}' and '{key}' are no certificate with its key: {_reason(error)}", field="tls"
        ) from None


def _check_authority(path: Path) -> None:
    import ssl

    _read(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"'{path}' holds no certificate of an authority: {_reason(error)}", field="tls"
        ) from None


def _reason(error: Exception) -> str:
    return (getattr(error, "reason", None) or str(error) or type(error).__name__).lower().replace("_", " ")
