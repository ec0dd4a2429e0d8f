"""The options that say which certificates a command shows and trusts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

_OPTIONS: dict[str, Any] = {
    "tls_ca": Annotated[
        Path | None,
        typer.Option("--tls-ca", metavar="PATH", help="Who vouches for the scheduler (or RIVERS_TLS_CA)."),
    ],
    "tls_cert": Annotated[
        Path | None, typer.Option("--tls-cert", metavar="PATH", help="A certificate to show (or RIVERS_TLS_CERT).")
    ],
    "tls_key": Annotated[Path | None, typer.Option("--tls-key", metavar="PATH", help="Its key (or RIVERS_TLS_KEY).")],
}
_files: ContextVar[dict[str, Path | None] | None] = ContextVar("files", default=None)


def with_tls(command: Callable[..., None]) -> Callable[..., None]:
    """The same command with these options, for whoever makes its client."""

    @functools.wraps(command)
    def call(**arguments: Any) -> None:
        files = {name: arguments.pop(name) for name in _OPTIONS}
        restore = _files.set(files)
        try:
            command(**arguments)
        finally:
            _files.reset(restore)

    hints = get_type_hints(command, include_extras=True)
    known = [
        parameter.replace(annotation=hints[name]) for name, parameter in inspect.signature(command).parameters.items()
    ]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in _OPTIONS.items()
    ]
    call.__signature__ = inspect.Signature([*known, *added])  # type: ignore[attr-defined]
    call.__annotations__ = {**hints, **_OPTIONS}
    return call


def tls_files() -> dict[str, Path | None]:
    """What the command that runs was given."""
    return _files.get() or {}
