"""Where a server listens, in the clear or with TLS."""

from __future__ import annotations

import grpc.aio

from rivers.credentials.tls import Tls


def bind(server: grpc.aio.Server, address: str, tls: Tls | None) -> int:
    """The port; 0 or RuntimeError when the address cannot be had."""
    if tls is None or not tls.can_serve:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, tls.server_credentials())
