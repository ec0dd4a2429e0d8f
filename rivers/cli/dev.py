"""`rivers dev`: a scheduler and one location per module, as child processes of this one."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rivers.cli.children import Child, Children
from rivers.cli.modules import require
from rivers.database_url import DATABASE_VARIABLE, refuse_password
from rivers.errors import ConfigurationError, SchemaMigrationNeededError

if TYPE_CHECKING:
    from rivers.cli.config import RiversConfig

#: How far a taken port is searched past.
_FOLLOWING = 99
_COLORS = ("cyan", "green", "magenta", "yellow", "blue")


def dev(
    context: typer.Context,
    modules: Annotated[
        list[str] | None, typer.Argument(metavar="[MODULE]...", help="Modules, one location each.")
    ] = None,
    repo_var: Annotated[str | None, typer.Option("--repo-var", help="The variable that holds a repository.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Where to listen [default: 127.0.0.1].")] = None,
    scheduler_port: Annotated[
        int | None, typer.Option("--scheduler-port", help="Port of the scheduler [default: 3010]; 0: a free one.")
    ] = None,
    grpc_port: Annotated[
        int | None,
        typer.Option("--grpc-port", help="Port of the first location [default: 3001, or the next free one]."),
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port of the web page, kept for it.", hidden=True)] = None,
    storage_path: Annotated[
        str | None, typer.Option("--storage-path", help="Directory of the store [default: .rivers/storage/].")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", envvar=DATABASE_VARIABLE, help="A database; beats --storage-path."),
    ] = None,
    no_daemon: Annotated[
        bool | None, typer.Option("--no-daemon/--no-no-daemon", help="Without automation.", show_default=False)
    ] = None,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Delete everything stored at the end.")] = False,
) -> None:
    """Run a scheduler and code locations on this machine."""
    refuse_password(context, database_url)
    config = _configuration(
        module=",".join(modules or []) or None,
        repo_var=repo_var,
        host=host,
        port=port,
        grpc_port=grpc_port,
        storage_path=storage_path,
        database_url=database_url,
        no_daemon=no_daemon,
        scheduler_port=scheduler_port,
    )
    named = _names(config)
    for module in named.values():
        require(module)
    if not ephemeral:
        _offer_migration(config)
    with ExitStack() as stack:
        data = None
        if ephemeral:
            data = Path(tempfile.mkdtemp(prefix="rivers-dev-"))
            stack.callback(shutil.rmtree, data, ignore_errors=True)
        children = Children(_printer(["scheduler", *named]))
        stack.callback(children.close)
        ended = _run(children, config, named, data)
        if ended is not None:
            typer.echo(f"Error: {ended.name} ended with exit code {ended.process.returncode}", err=True)
        children.end()
    if ended is not None:
        raise typer.Exit(ended.process.returncode if ended.process.returncode in (1, 2) else 1)


def _run(children: Children, config: RiversConfig, named: dict[str, str], data: Path | None) -> Child | None:
    """Starts everything and waits; returns the child that ended by itself, if one did."""
    environment = _environment(config, named)
    address = ""

    def is_up(name: str, line: str) -> bool:
        nonlocal address
        if name == "scheduler" and line.startswith("scheduler on "):
            address = line.split()[-1]
        return bool(address)

    scheduler = children.start("scheduler", _scheduler(config, data), environment)
    if not children.until(is_up):
        return None if children.is_asked_to_end else scheduler
    next_port = config.server.grpc_port
    environment.pop(DATABASE_VARIABLE, None)  # locations have no database
    for name, module in named.items():
        if next_port:
            next_port = _free_port(config.server.host, next_port)
        children.start(name, _location(config, name, module, address, next_port, data), environment)
        next_port += bool(next_port)
    return children.until_one_ends()


def _scheduler(config: RiversConfig, data: Path | None) -> list[str]:
    arguments = ["scheduler", "--host", config.server.host, "--port", str(config.server.scheduler_port)]
    if data is not None:
        return _rivers(*arguments, "--storage-path", str(data / "scheduler"))
    if config.storage.url is None:
        arguments += ["--storage-path", config.storage.path]
    return _rivers(*arguments)


def _location(config: RiversConfig, name: str, module: str, address: str, port: int, data: Path | None) -> list[str]:
    arguments = ["serve", module, "--name", name, "--scheduler", address, "--repo-var", config.module.repo_var]
    arguments += ["--host", config.server.host, "--grpc-port", str(port)]
    if data is not None:
        arguments += ["--data-dir", str(data / name)]
    return _rivers(*arguments)


def _rivers(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "rivers.cli", *arguments]


def _environment(config: RiversConfig, named: dict[str, str]) -> dict[str, str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "RIVERS_DEPLOYMENT": "dev"}
    environment["RIVERS_MODULE"] = ",".join(named.values())
    environment.pop(DATABASE_VARIABLE, None)
    if config.storage.url is not None:
        environment[DATABASE_VARIABLE] = config.storage.url
    return environment


def _configuration(**arguments: object) -> RiversConfig:
    from pydantic import ValidationError

    from rivers.cli.config import RiversConfig, sentence

    try:
        return RiversConfig.from_cli(**arguments)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigurationError(sentence(error)) from error


def _names(config: RiversConfig) -> dict[str, str]:
    """Modules by the name of their location: the last part, or the whole where that is not enough."""
    modules = [part.strip() for part in (config.module.path or "").split(",") if part.strip()]
    if not modules:
        raise ConfigurationError(
            "no module configured. Name one (`rivers dev shop.pipeline`), or set path in [module] of rivers.toml"
        )
    if len(set(modules)) < len(modules):
        twice = next(module for module in modules if modules.count(module) > 1)
        raise ConfigurationError(f"module {twice!r} is named twice; a location serves it once")
    short = [module.rpartition(".")[2] for module in modules]
    return {
        module if short.count(name) > 1 or name == "scheduler" else name: module
        for name, module in zip(short, modules, strict=True)
    }


def _offer_migration(config: RiversConfig) -> None:
    """Asks before an older store is migrated; without a terminal the scheduler says what to do."""
    if not sys.stdin.isatty():
        return
    from rivers.storage.database import Database
    from rivers.storage.migration import migrate, migrate_embedded

    url, path = config.storage.url, Path(config.storage.path)
    if url is None and not path.exists():
        return
    try:
        (Database.connect(url) if url is not None else Database.embedded(path)).close()
    except SchemaMigrationNeededError as error:
        typer.echo(str(error))
        if not typer.confirm("Run the migration now?", default=False):
            raise
        if url is not None:
            migrate(url)
        else:
            migrate_embedded(path)


def _free_port(host: str, first: int) -> int:
    for port in range(first, min(first + _FOLLOWING, 65535) + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise ConfigurationError(f"ports {first} to {first + _FOLLOWING} are in use; choose another with --grpc-port")


def _printer(names: Sequence[str]) -> Callable[[str, str], None]:
    """Prints lines after their child's name, in colors on a terminal."""
    width = max(map(len, names))
    in_color = sys.stdout.isatty()

    def show(name: str, line: str) -> None:
        head = f"{name:<{width}} |"
        if in_color:
            head = typer.style(head, fg=_COLORS[names.index(name) % len(_COLORS)])
        sys.stdout.write(f"{head} {line}\n")
        sys.stdout.flush()

    return show
