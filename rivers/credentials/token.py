"""What is known of a token after it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rivers.credentials.role import Role
from rivers.errors import UnauthenticatedError


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its hash. `id` is what people call it by; nothing of the token itself is in it."""

    id: str
    role: Role
    name: str
    digest: str
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raises `UnauthenticatedError` when it is not good any more."""
        if self.revoked is not None:
            raise UnauthenticatedError(f"token {self.id} was revoked", token=self.id)
        if self.expires is not None and now >= self.expires:
            raise UnauthenticatedError(
                f"token {self.id} expired at {self.expires:%Y-%m-%d %H:%M:%S} UTC", token=self.id
            )

    def state(self, now: datetime) -> str:
        """valid, expired or revoked."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "valid"

    def encode(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "role": str(self.role),
            "name": self.name,
            "sha256": self.digest,
            "created": self.created.isoformat(),
            "expires": self.expires.isoformat() if self.expires else None,
            "revoked": self.revoked.isoformat() if self.revoked else None,
        }

    @classmethod
    def decode(cls, row: dict[str, Any]) -> Token:
        """From JSON; `ValueError`, `KeyError`, `TypeError` or `AttributeError` for what is none."""
        return cls(
            id=str(row["id"]),
            role=Role.parse(row["role"]),
            name=str(row["name"]),
            digest=str(row["sha256"]),
            created=_moment(row["created"]),
            expires=_moment(row["expires"]) if row.get("expires") else None,
            revoked=_moment(row["revoked"]) if row.get("revoked") else None,
        )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} names no time zone")
    return moment
