"""Decides who is let in to one server."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from rivers.clock import Clock
from rivers.credentials.rules import Rule, rule_of
from rivers.credentials.secret import TOKEN_VARIABLE
from rivers.credentials.token import Token
from rivers.credentials.token_file import TokenFile
from rivers.errors import PermissionDeniedError, UnauthenticatedError, UnavailableError

_SCHEME = "Bearer "
_REMEDY = f"give a token with --token-file or {TOKEN_VARIABLE}"


class Gate:
    """Tokens are asked for when there are some, from then on for ever, or always when `is_strict`.

    `is_public` servers answer health and reflection to everybody. With `names_peers` a location's certificate has to
    name it.
    """

    def __init__(
        self,
        tokens: TokenFile | None,
        clock: Clock,
        *,
        is_strict: bool = False,
        is_public: bool = True,
        names_peers: bool = False,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._asks = is_strict
        self._is_public = is_public
        self._names_peers = names_peers

    def admit(self, method: str, authorization: str | None) -> Token | None:
        """The token of a caller; `None` for one who needs none. Raises the refusal."""
        rule = rule_of(method)
        if not self._is_asking() or (rule.is_public and self._is_public):
            return None
        if authorization is None:
            raise UnauthenticatedError(f"this server asks for a token; {_REMEDY}", remedy=_REMEDY)
        token = self._known(authorization)
        if not rule.admits(token.role):
            raise PermissionDeniedError(
                f"token {token.id} has the role {token.role}, which may not call {method.rpartition('/')[2]}",
                token=token.id,
                role=str(token.role),
                method=method,
            )
        return token

    def recheck(self, token: Token) -> None:
        """Raises the refusal when a token that was good is so no more: it expired, was revoked or is gone."""
        token.check(self._now())
        if self._tokens is None or not self._tokens.is_current(token):
            raise UnauthenticatedError(f"token {token.id} was revoked", token=token.id)

    def admit_location(self, token: Token | None, location: str, certificate_names: Collection[str]) -> None:
        """Raises the refusal unless the caller is this location."""
        if token is not None and token.role.location != location:
            raise PermissionDeniedError(
                f"token {token.id} has the role {token.role}, which may not speak for location '{location}'",
                token=token.id,
                role=str(token.role),
                location=location,
            )
        if self._names_peers and location not in certificate_names:
            raise PermissionDeniedError(
                f"the certificate does not name location '{location}'; "
                "its subject alternative names must hold the location's name",
                location=location,
            )

    def needs_request(self, rule: Rule, token: Token | None) -> bool:
        """Whether what is asked for decides, too."""
        return rule.as_itself and (token is not None or self._names_peers)

    def _is_asking(self) -> bool:
        if not self._asks and self._tokens is not None:
            try:
                self._asks = bool(self._tokens.all())
            except Exception as error:
                raise self._unreadable(error) from error
        return self._asks

    def _known(self, authorization: str) -> Token:
        if not authorization.startswith(_SCHEME):
            raise UnauthenticatedError("the authorization is no bearer token")
        try:
            token = self._tokens.find(authorization.removeprefix(_SCHEME)) if self._tokens is not None else None
        except Exception as error:
            raise self._unreadable(error) from error
        if token is None:
            raise UnauthenticatedError("the token is not known here")
        token.check(self._now())
        return token

    def _unreadable(self, error: Exception) -> UnavailableError:
        """Nobody is let in while it is unknown who may be."""
        return UnavailableError(f"the tokens of this server cannot be read: {error}")

    def _now(self) -> datetime:
        return self._clock.wall()
