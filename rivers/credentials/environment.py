"""What processes that run user code do not get to see."""

from __future__ import annotations

from collections.abc import Mapping

from rivers.credentials.secret import TOKEN_VARIABLE
from rivers.database_url import DATABASE_VARIABLE

SECRETS = frozenset({TOKEN_VARIABLE, DATABASE_VARIABLE})


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for user code."""
    return {name: value for name, value in environment.items() if name not in SECRETS}
