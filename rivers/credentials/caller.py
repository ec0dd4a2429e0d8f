"""What a program shows to those whom it calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rivers.credentials.secret import for_location

if TYPE_CHECKING:
    import grpc.aio


@dataclass(frozen=True, slots=True)
class Caller:
    """A token, or nothing."""

    token: str | None = field(default=None, repr=False)

    def to_location(self, name: str) -> Caller:
        """The same scheduler, as this one location knows it."""
        return replace(self, token=for_location(self.token, name) if self.token is not None else None)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token is not None else ()

    def open(self, address: str, options: Sequence[tuple[str, Any]]) -> grpc.aio.Channel:
        """A channel on the running loop."""
        import grpc.aio

        return grpc.aio.insecure_channel(address, options)
