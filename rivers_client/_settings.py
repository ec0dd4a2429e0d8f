"""Whom a client talks to, and how long it tries."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rivers.credentials.secret import TOKEN_VARIABLE, checked
from rivers.credentials.tls import Tls
from rivers.errors import InvalidRequestError

if TYPE_CHECKING:
    import grpc

FilePath: TypeAlias = str | Path
TlsPaths: TypeAlias = tuple[FilePath | None, FilePath | None, FilePath | None]

ADDRESS_VARIABLE = "RIVERS_SCHEDULER"
DEFAULT_ADDRESS = "127.0.0.1:3010"

#: Pings find a dead peer; the server allows them this often. A scheduler that restarts is found again within a second.
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """`timeout` bounds a call, `patience` how long it is repeated while nobody answers; both in seconds."""

    address: str
    token: str | None = field(repr=False)
    timeout: float
    patience: float
    credentials: grpc.ChannelCredentials | None

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


def settle(
    address: str | None,
    token: str | None,
    timeout: float,
    patience: float,
    credentials: grpc.ChannelCredentials | None,
    tls: TlsPaths = (None, None, None),
) -> Settings:
    """Settings, with the environment for what was not given."""
    address = address or os.environ.get(ADDRESS_VARIABLE) or DEFAULT_ADDRESS
    if not address.rpartition(":")[2].isdecimal():
        raise InvalidRequestError(
            f"{address!r} is no address of a scheduler; give HOST:PORT, for example {DEFAULT_ADDRESS}", field="address"
        )
    token = checked(token or os.environ.get(TOKEN_VARIABLE) or None)
    if credentials is None:
        ca, cert, key = (Path(given) if given else None for given in tls)
        loaded = Tls.from_environment(ca=ca, cert=cert, key=key)
        credentials = loaded.channel_credentials() if loaded is not None else None
    return Settings(address, token, timeout, patience, credentials)
