"""The file of accepted tokens: hashes, roles and dates, in JSON.

A file and no table: a location has no database, a scheduler may have any, and tokens are made before either ran. It is
replaced whole, under a lock, and read again as soon as it has changed.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rivers.credentials import secret
from rivers.credentials.role import Role
from rivers.credentials.token import Token
from rivers.errors import ConfigurationError, InvalidRequestError, RiversError, StorageError

NAME = "tokens.json"
_VERSION = 1


class TokenFile:
    """Accepted tokens, read by servers and changed by `rivers tokens`. A file that is not there holds none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: tuple[Token, ...] = ()
        self._by_digest: dict[str, Token] = {}

    def all(self) -> tuple[Token, ...]:
        """Every token, as they were made; `StorageError` when the file cannot be read."""
        self._refresh()
        return self._tokens

    def find(self, text: str) -> Token | None:
        """The token that has this text."""
        self._refresh()
        return self._by_digest.get(secret.digest(text))

    def is_current(self, token: Token) -> bool:
        """Whether the token is still what it was when it was found."""
        self._refresh()
        return self._by_digest.get(token.digest) == token

    def create(self, role: Role, name: str, *, now: datetime, expires: datetime | None = None) -> tuple[Token, str]:
        """A new token and its text, which is kept nowhere."""
        text = secret.mint()
        token = Token(secrets.token_hex(4), role, name, secret.digest(text), now, expires)
        with self._changing() as tokens:
            tokens.append(token)
        return token, text

    def revoke(self, token_id: str, *, now: datetime) -> Token:
        """Makes a token worthless; a repeat changes nothing."""
        with self._changing() as tokens:
            for place, token in enumerate(tokens):
                if token.id == token_id:
                    if token.revoked is None:
                        tokens[place] = replace(token, revoked=now)
                    return tokens[place]
        raise InvalidRequestError(
            f"there is no token {token_id!r} in {self.path}; `rivers tokens list` shows what there is", field="id"
        )

    def _refresh(self) -> None:
        try:
            status = os.stat(self.path)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            if status.st_mode & 0o022:
                raise StorageError(f"{self.path} can be changed by other users; `chmod 600` it", path=str(self.path))
            tokens = decode(self.path.read_text(), str(self.path))
        except FileNotFoundError:
            stamp, tokens = None, ()
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror}", path=str(self.path)) from None
        self._stamp, self._tokens = stamp, tokens
        self._by_digest = {token.digest: token for token in tokens}

    @contextmanager
    def _changing(self) -> Iterator[list[Token]]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = list(self.all())
            before = tuple(tokens)
            yield tokens
            if tuple(tokens) != before:
                _replace(self.path, encode(tokens))
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}", path=str(self.path)) from None
        finally:
            os.close(lock)


def encode(tokens: list[Token]) -> str:
    """The content of a file."""
    return json.dumps({"version": _VERSION, "tokens": [token.encode() for token in tokens]}, indent=1) + "\n"


def decode(text: str, where: str) -> tuple[Token, ...]:
    """The tokens in a file's content."""
    try:
        content = json.loads(text)
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        return tuple(map(Token.decode, content["tokens"]))
    except (ValueError, KeyError, TypeError, AttributeError, RiversError) as error:
        raise ConfigurationError(f"{where} is no file of tokens: {error!r}", field="tokens_file") from None


def _replace(path: Path, content: str) -> None:
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
