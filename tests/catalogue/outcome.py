"""What a program of the catalogue says of itself: how it is launched and what must come of it."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import rivers as rs

#: Where programs note what happened to them, and file handlers keep values; set for all processes by `conftest`.
SCRATCH = "CATALOGUE_SCRATCH"
#: The error text of what depends on a failure.
SKIPPED = "ExecutionError: Skipped: upstream dependency failed"


@dataclass(frozen=True)
class Launch:
    """How a program is run: a job, or a selection; neither means everything."""

    job: str | None = None
    select: Sequence[str] | None = None
    include_upstream: bool = False
    config: Mapping[str, Any] | None = None
    tags: Sequence[tuple[str, str]] = ()
    partition_key: rs.PartitionKey | str | None = None

    @property
    def key(self) -> rs.PartitionKey | None:
        """The partition key."""
        return rs.PartitionKey.single(self.partition_key) if isinstance(self.partition_key, str) else self.partition_key


@dataclass(frozen=True)
class Outcome:
    """What must come of a program, whichever way it runs.

    `failed` are error texts by node and decide whether the run succeeds. `metadata` are plain values by node and name
    (those of the handler apart), `versions` data versions, `stdout` what steps printed, `retries` how often a step was
    tried again, `notes` what was noted by name.
    """

    materialized: Sequence[str] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    observed: Sequence[str] = ()
    stdout: Mapping[str, str] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Program:
    """One file of the catalogue."""

    def __init__(self, module: ModuleType) -> None:
        self.name = module.__name__.rsplit(".", 1)[1]
        self.assets: list[Any] = list(getattr(module, "ASSETS", []))
        self.tasks: list[Any] = list(getattr(module, "TASKS", []))
        self.jobs: list[rs.Job] = list(getattr(module, "JOBS", []))
        self.resources: dict[str, Any] = dict(getattr(module, "RESOURCES", {}))
        self.retries: dict[str, rs.RetryPolicy] = dict(getattr(module, "RETRIES", {}))
        self.partitions: dict[str, Any] = dict(getattr(module, "PARTITIONS", {}))
        self.dynamic: dict[str, list[str]] = dict(getattr(module, "DYNAMIC", {}))
        self.expected: Outcome = module.EXPECTED
        self.launch: Launch = getattr(module, "LAUNCH", None) or self._of_everything()

    def repository(self, executor: Any) -> rs.CodeRepository:
        """Its own repository, for a run in this process."""
        return repository_of([self], executor)

    def _of_everything(self) -> Launch:
        return Launch(select=list(self.repository(rs.Executor.in_process()).assets))


def programs() -> list[Program]:
    """Every program, by name."""
    package = importlib.import_module("tests.catalogue.programs")
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return [Program(importlib.import_module(f"{package.__name__}.{name}")) for name in names]


def repository_of(some: Sequence[Program], executor: Any) -> rs.CodeRepository:
    """One repository of several programs, whose names are different."""
    return rs.CodeRepository(
        assets=[asset for program in some for asset in program.assets],
        tasks=[task for program in some for task in program.tasks],
        jobs=[job for program in some for job in program.jobs],
        resources={name: one for program in some for name, one in program.resources.items()},
        retries={name: one for program in some for name, one in program.retries.items()},
        partition_defs={name: one for program in some for name, one in program.partitions.items()} or None,
        default_executor=executor,
    )


def note(run_id: str | None, name: str, text: str = "x") -> int:
    """Notes something under a name in a run, from whatever process; how many notes there are then."""
    path = scratch() / f"{run_id}.{name.replace('/', '-')}"
    with open(path, "a") as file:
        file.write(f"{text}\n")
    return len(path.read_text().splitlines())


def noted(run_id: str, name: str) -> list[str]:
    """What was noted under a name in a run."""
    path = scratch() / f"{run_id}.{name.replace('/', '-')}"
    return path.read_text().splitlines() if path.exists() else []


def scratch() -> Path:
    """The directory of all ways."""
    return Path(os.environ[SCRATCH])
