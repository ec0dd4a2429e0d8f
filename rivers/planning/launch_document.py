"""Launch documents: what a launch says about assets, resources and execution."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rivers.definitions.kinds import ExecutorKind
from rivers.definitions.snapshot import ExecutorDefinition
from rivers.definitions.suggestion import nearest
from rivers.errors import ConfigurationError

SECTIONS = ("assets", "resources", "execution")
_ASSET_SECTIONS = ("config", "metadata")
_EXECUTORS = {"in_process": ExecutorKind.IN_PROCESS, "parallel": ExecutorKind.PARALLEL}


def normalised(
    config: Mapping[str, Any] | None,
    *,
    names: Collection[str],
    running: Mapping[str, str],
    resources: Collection[str] = (),
) -> dict[str, Any] | None:
    """The launch document that `config` is or stands for; `None` when it says nothing.

    `names` are the names of all assets and tasks; `running` maps those that the launch runs, by any name that they go
    by, to the key of their step. In the short form, asset name to fields, names that are unknown are passed over.
    """
    if config is None:
        return None
    _mapping("config", config)
    if not _is_document(config, names):
        assets = {running[name]: {"config": _fields(name, config[name])} for name in config if name in running}
        return {"assets": assets} if assets else None
    document: dict[str, Any] = {}
    for section, content in config.items():
        if section not in SECTIONS:
            raise ConfigurationError(
                f"config has no section '{section}'; sections are assets, resources and execution",
                remedy=nearest(section, [*SECTIONS, *names]),
            )
        _mapping(f"config section '{section}'", content)
        if section == "assets":
            document[section] = {_key(name, running): _asset(name, part) for name, part in content.items()}
        elif section == "resources":
            document[section] = {_resource(name, resources): _fields(name, part) for name, part in content.items()}
        else:
            executor_of({"execution": content})
            document[section] = dict(content)
    return document or None


def executor_of(document: Mapping[str, Any] | None) -> ExecutorDefinition | None:
    """The executor that a launch document asks for."""
    execution = (document or {}).get("execution")
    if not execution:
        return None
    for key in execution:
        if key not in ("executor", "max_workers"):
            raise ConfigurationError(
                f"config section 'execution' has no field '{key}'", remedy=nearest(key, ["executor", "max_workers"])
            )
    name, workers = execution.get("executor", "parallel"), execution.get("max_workers")
    if not isinstance(name, str) or name not in _EXECUTORS:
        raise ConfigurationError(
            f"Unknown executor in config: '{name}'. Valid values: 'in_process', 'parallel'",
            remedy=nearest(str(name), _EXECUTORS),
        )
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise ConfigurationError(f"max_workers in config must be an int of at least 1, got {workers!r}")
    return ExecutorDefinition(_EXECUTORS[name], workers if name == "parallel" else None)


def _is_document(config: Mapping[str, Any], names: Collection[str]) -> bool:
    """A document, unless an asset is called like a section or no key is one."""
    sections = [key for key in config if key in SECTIONS and key not in names]
    return bool(sections) and not any(key in names for key in config)


def _key(name: str, running: Mapping[str, str]) -> str:
    if name not in running:
        raise ConfigurationError(
            f"config names '{name}', which this launch does not run", remedy=nearest(name, running)
        )
    return running[name]


def _resource(name: str, resources: Collection[str]) -> str:
    if name not in resources:
        raise ConfigurationError(
            f"config names '{name}', which this launch does not run", remedy=nearest(name, resources)
        )
    return name


def _asset(name: str, part: Any) -> dict[str, Any]:
    for section in _mapping(f"config of '{name}'", part):
        if section not in _ASSET_SECTIONS:
            raise ConfigurationError(
                f"config of '{name}' has no section '{section}'; sections are config and metadata",
                remedy=nearest(section, _ASSET_SECTIONS),
            )
    return {section: _fields(name, fields) for section, fields in part.items()}


def _fields(name: str, fields: Any) -> dict[str, Any]:
    return dict(_mapping(f"config of '{name}'", fields))


def _mapping(what: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(f"{what} must be a dict with str keys, not {type(value).__name__}")
    return value
