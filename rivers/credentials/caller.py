"""What a program shows to those whom it calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rivers.credentials.secret import for_location
from rivers.credentials.tls import Tls

if TYPE_CHECKING:
    import grpc.aio


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, certificates, or nothing. `peer` is whom the other side's certificate has to name; "" is its address."""

    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    peer: str = ""

    def to_location(self, name: str) -> Caller:
        """The same scheduler, as this one location knows it.

        Where TLS is mutual, locations have certificates that name them, and nobody else's will do.
        """
        return replace(
            self,
            token=for_location(self.token, name) if self.token is not None else None,
            peer=name if self.tls is not None and self.tls.is_mutual else "",
        )

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token is not None else ()

    def open(self, address: str, options: Sequence[tuple[str, Any]]) -> grpc.aio.Channel:
        """A channel on the running loop."""
        import grpc.aio

        if self.tls is None:
            return grpc.aio.insecure_channel(address, options)
        if self.peer:
            options = (*options, ("grpc.ssl_target_name_override", self.peer))
        return grpc.aio.secure_channel(address, self.tls.channel_credentials(), options)
