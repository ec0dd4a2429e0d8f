"""Requests of evaluations, made into runs and backfills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rivers.automation.ticks import AutomationKind
from rivers.definitions.requests import BackfillRequest, Request, RunRequest
from rivers.errors import ExecutionError
from rivers.lifecycle.states import LaunchCause
from rivers.partitions.key import PartitionKey
from rivers.repository.launching import Launcher
from rivers.repository.session import Session

_CAUSES = {AutomationKind.SCHEDULE: LaunchCause.SCHEDULE, AutomationKind.SENSOR: LaunchCause.SENSOR}

#: Launches one request and adds the ids of what it made.
Launch = Callable[[list[str], list[str]], None]


class Asking(Protocol):
    """What requests are for when they do not say."""

    @property
    def tags(self) -> Mapping[str, str]: ...

    @property
    def assets(self) -> Sequence[str]: ...


class Requests:
    """Launches requests of a repository's schedules and sensors."""

    def __init__(self, session: Session, launcher: Launcher) -> None:
        self._session = session
        self._launcher = launcher

    def prepare(self, kind: AutomationKind, name: str, request: Request, asking: Asking) -> Launch:
        """Finds out what is wrong with a request before anything is launched, and says how to launch it."""
        if isinstance(request, BackfillRequest):
            raise ExecutionError("backfills asked for by automations are not available in this version of rivers")
        return self._run(kind, name, request, asking)

    def _run(self, kind: AutomationKind, name: str, request: RunRequest, asking: Asking) -> Launch:
        partition = None if request.partition_key is None else PartitionKey.single(request.partition_key)
        plan = self._session.plan(
            None if request.job_name is not None else asking.assets,
            job=request.job_name,
            partition_key=partition,
            has_values=True,
        )
        tags = tuple({**asking.tags, **(request.tags or {})}.items())
        request_id = None
        if request.run_key is not None:
            request_id = f"{kind.name.lower()}/{name}/{request.run_key}"

        def launch(run_ids: list[str], backfill_ids: list[str]) -> None:
            run_id = self._launcher.launch(plan, cause=_CAUSES[kind], cause_name=name, tags=tags, request_id=request_id)
            if run_id is not None:  # else a run of that key is known
                run_ids.append(run_id)

        return launch
