"""Configuration of `rivers dev`: arguments, environment, `rivers.toml`, `[tool.rivers]` of `pyproject.toml`, defaults.

Both files are looked for in the working directory and then upwards, the nearest of each name is used, and what one
leaves out the other may give. A key that nobody knows is refused with the nearest known one.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from rivers.errors import ConfigurationError


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModuleConfig(_Group):
    """What is served; several modules are separated by commas."""

    path: str | None = None
    repo_var: str = "repo"


class StorageConfig(_Group):
    """Where the scheduler keeps its state; a URL beats the path."""

    path: str = ".rivers/storage/"
    url: str | None = None


class ServerConfig(_Group):
    """Where servers listen: the web page, the first location (others follow it), the scheduler. 0: a free port."""

    host: str = "127.0.0.1"
    port: int = 3000
    grpc_port: int = 3001
    scheduler_port: int = 3010


class DaemonConfig(_Group):
    """Whether automation runs."""

    no_daemon: bool = False


class SyntheticConfig(_Group):
    """A generated graph in place of the real one: 100, 1k, 10k, 50k."""

    size: str | None = None


class RiversConfig(BaseSettings):
    """Everything that `rivers dev` can be told."""

    model_config = SettingsConfigDict(extra="forbid")

    module: ModuleConfig = ModuleConfig()
    storage: StorageConfig = StorageConfig()
    server: ServerConfig = ServerConfig()
    daemon: DaemonConfig = DaemonConfig()
    synthetic: SyntheticConfig = SyntheticConfig()

    @classmethod
    def from_cli(
        cls,
        module: str | None = None,
        repo_var: str | None = None,
        host: str | None = None,
        port: int | None = None,
        grpc_port: int | None = None,
        storage_path: str | None = None,
        database_url: str | None = None,
        no_daemon: bool | None = None,
        synthetic: str | None = None,
        scheduler_port: int | None = None,
    ) -> RiversConfig:
        """The configuration with these arguments on top; `None` leaves the other sources in charge."""
        server = {"host": host, "port": port, "grpc_port": grpc_port, "scheduler_port": scheduler_port}
        given: dict[str, dict[str, Any]] = {
            "module": {"path": module, "repo_var": repo_var},
            "storage": {"path": storage_path, "url": database_url},
            "server": server,
            "daemon": {"no_daemon": no_daemon},
            "synthetic": {"size": synthetic},
        }
        arguments: dict[str, Any] = {
            group: {key: value for key, value in keys.items() if value is not None} for group, keys in given.items()
        }
        return cls(**arguments)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, `rivers.toml`, `pyproject.toml`."""
        found = [_environment(), _file("rivers.toml", ()), _file("pyproject.toml", ("tool", "rivers"))]
        return (init_settings, *(InitSettingsSource(settings_cls, values) for values in found))


_KEYS = {group: tuple(field.annotation.model_fields) for group, field in RiversConfig.model_fields.items()}  # type: ignore[union-attr]


def sentence(error: ValidationError) -> str:
    """What is wrong with a value, in a line."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


def _environment() -> dict[str, Any]:
    """`RIVERS_<GROUP>_<KEY>`. A variable named like a whole group (`RIVERS_MODULE`) means something else."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in os.environ.items():
        prefix, _, rest = name.partition("_")
        group, separator, key = rest.lower().partition("_")
        if prefix == "RIVERS" and separator and group in _KEYS:
            if key not in _KEYS[group]:
                known = {f"RIVERS_{group}_{one}".upper() for one in _KEYS[group]}
                raise ConfigurationError(f"unknown variable {name}{_nearest(name, known)}")
            found.setdefault(group, {})[key] = value
    return found


def _file(name: str, table: tuple[str, ...]) -> dict[str, Any]:
    directory = Path.cwd()
    path = next((found for folder in (directory, *directory.parents) if (found := folder / name).is_file()), None)
    if path is None:
        return {}
    try:
        content: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    for part in table:
        content = content.get(part, {})
    where = f"[{'.'.join(table)}] of {path}" if table else str(path)
    return _checked(content, where)


def _checked(content: Any, where: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{where} is no table")
    for group, keys in content.items():
        if group not in _KEYS:
            raise ConfigurationError(f"{where}: unknown table {group!r}{_nearest(group, _KEYS)}")
        if not isinstance(keys, Mapping):
            raise ConfigurationError(f"{where}: {group!r} is a table; write [{group}] and its keys below")
        for key in keys:
            if key not in _KEYS[group]:
                known = [f"{group}.{one}" for one in _KEYS[group]]
                raise ConfigurationError(f"{where}: unknown key '{group}.{key}'{_nearest(f'{group}.{key}', known)}")
    return dict(content)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(names)}"
