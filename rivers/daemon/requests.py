"""Requests of evaluations, made into runs and backfills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from rivers.automation.ticks import AutomationKind
from rivers.definitions.requests import BackfillRequest, Request, RunRequest
from rivers.errors import ExecutionError
from rivers.lifecycle.states import LaunchCause
from rivers.partitions.definition import PartitionsDefinition
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
            return self._backfill(kind, name, request, asking)
        return self._run(kind, name, request, asking)

    def _run(self, kind: AutomationKind, name: str, request: RunRequest, asking: Asking) -> Launch:
        partition = None if request.partition_key is None else self._key(request, asking)
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

    def _backfill(self, kind: AutomationKind, name: str, request: BackfillRequest, asking: Asking) -> Launch:
        if request.action is not None:
            raise ExecutionError(
                f"action {request.action!r}: asset actions are not available in this version of rivers"
            )
        tags = tuple({**asking.tags, **(request.tags or {})}.items())

        def launch_backfill(*, dry_run: bool) -> str:
            result = self._session.backfills.launch(
                request.selection,
                keys=request.partition_keys,
                key_range=request.partition_range,
                strategy=request.strategy,
                policy=request.failure_policy or "continue",
                max_concurrency=request.max_concurrency,
                tags=tags,
                config=None,
                block=False,
                dry_run=dry_run,
                cause=_CAUSES[kind],
                cause_name=name,
            )
            return result.backfill_id

        launch_backfill(dry_run=True)  # raises what is wrong with it, and stores nothing

        def launch(run_ids: list[str], backfill_ids: list[str]) -> None:
            backfill_ids.append(launch_backfill(dry_run=False))

        return launch

    def _key(self, request: RunRequest, asking: Asking) -> PartitionKey:
        """The key that the text stands for, in the form of the first partitioned asset that the run makes."""
        text = request.partition_key or ""
        for definition in self._partitions(request, asking):
            if isinstance(definition, PartitionsDefinition.Multi):
                pairs = [part.partition("=") for part in text.split("|")]
                return PartitionKey.multi({name.strip(): value for name, _, value in pairs})
            if definition is not None:
                break
        return PartitionKey.single(text)

    def _partitions(self, request: RunRequest, asking: Asking) -> Iterator[PartitionsDefinition | None]:
        """How the assets of a run are partitioned."""
        snapshot = self._session.bound.snapshot
        job = snapshot.job_by_name.get(request.job_name or "")
        if job is not None:
            for key in job.steps:
                yield from (output.partitions for output in snapshot.step_by_key[key].outputs)
        elif request.job_name is None:
            yield from (snapshot.output_by_node[node].partitions for node in asking.assets)
