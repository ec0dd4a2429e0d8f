"""Whether only this machine can reach a server, and what one that others can reach has to have."""

from __future__ import annotations

import ipaddress

from rivers.credentials.tls import Tls
from rivers.errors import ConfigurationError


def is_loopback(host: str) -> bool:
    """Whether an address is of the loopback network."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_exposed(host: str, tls: Tls | None, *, has_tokens: bool, tokens_remedy: str) -> None:
    """Raises `ConfigurationError` for a server that others could reach, and use without being asked who they are."""
    if is_loopback(host):
        return
    missing, remedies = [], []
    if tls is None or not tls.can_serve:
        missing.append("TLS")
        remedies.append("--tls-cert with --tls-key")
    if not has_tokens:
        missing.append("tokens")
        remedies.append(tokens_remedy)
    if missing:
        raise ConfigurationError(
            f"--host {host} is not a loopback address: without {' and '.join(missing)} anyone there could run code; "
            f"give {' and '.join(remedies)}, use 127.0.0.1, or --insecure if the network is trusted",
            field="host",
        )
