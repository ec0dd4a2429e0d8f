"""Retry policies that a repository knows by name."""

from __future__ import annotations

from collections.abc import Mapping

from rivers.definitions.declared import listed
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.snapshot import RetryDefinition
from rivers.definitions.suggestion import nearest
from rivers.errors import ConfigurationError


class NamedRetries:
    """The policies of `CodeRepository(retries=)`."""

    __slots__ = ("_policies",)

    def __init__(self, policies: Mapping[str, RetryPolicy]) -> None:
        self._policies = policies

    def resolve(self, retry: RetryPolicy | str | None, where: str) -> RetryDefinition | None:
        """A policy as frozen data; `where` says who refers to it, for the message about an unknown name."""
        if retry is None:
            return None
        if isinstance(retry, RetryPolicy):
            return retry.definition
        if retry in self._policies:
            return self._policies[retry].definition
        known = list(self._policies)
        raise ConfigurationError(
            f"unknown retry policy '{retry}' {where}; registered: {listed(known)}", remedy=nearest(retry, known)
        )
