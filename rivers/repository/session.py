"""A resolved repository in this process: its storage, the values in its memory, and the runs that it executes.

The only place where definitions, driver and storage meet.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rivers.definitions.binding import BoundRepository
from rivers.definitions.kinds import StepKind
from rivers.definitions.pool_limits import check_claims
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.snapshot import ExecutorDefinition
from rivers.driver.execute import execute
from rivers.driver.outcome import RunOutcome
from rivers.errors import ConfigurationError, ExecutionError, InvalidRequestError
from rivers.io_handlers.memory import InMemoryIOHandler
from rivers.lifecycle.states import LaunchCause, RunKind
from rivers.partitions.key import PartitionKey
from rivers.planning.build import MATERIALIZE, plan_job, plan_selection
from rivers.planning.launch_document import executor_of, normalised
from rivers.planning.partitions import check_partition_key, dynamic_keys
from rivers.planning.plan import RunPlan
from rivers.repository import arguments
from rivers.repository.backfills import Backfills
from rivers.repository.observation import ObservationResult, seen_in
from rivers.repository.run_handle import RunHandle
from rivers.repository.run_queue import RunQueue
from rivers.repository.run_result import RunResult, fields_of
from rivers.repository.storage import Storage, topology
from rivers.storage import assets, partitions, pools
from rivers.storage.assets import AssetRow
from rivers.storage.rows import RunRow
from rivers.wire.values import encode_map

log = logging.getLogger("rivers.repository")

Tags = tuple[tuple[str, str], ...]

#: Plans a run from its launch document and the executor that this names.
Plan = Callable[[dict[str, Any] | None, ExecutorDefinition | None], RunPlan]


class Session:
    """One repository with one storage."""

    def __init__(self, bound: BoundRepository, storage: Storage | None) -> None:
        if storage is not None and not isinstance(storage, Storage):
            raise TypeError(f"storage must be a Storage or None, not {type(storage).__name__}")
        self.bound = bound
        self.storage = Storage.memory() if storage is None else storage
        self.memory_handler = InMemoryIOHandler()
        settings = bound.snapshot.run_queue
        self.queue = None if settings is None else RunQueue(self.storage, bound.snapshot, self.execute_launched)
        self.backfills = Backfills(self)

    def beside(self, storage: Storage) -> Session:
        """The same repository with another storage, and with the values in this one's memory."""
        other = Session(self.bound, storage)
        other.memory_handler = self.memory_handler
        other.register()
        return other

    def register(self) -> None:
        """Writes asset records and pools to the storage."""
        rows = []
        claimed: dict[str, None] = {}
        for step in self.bound.snapshot.steps:
            claimed |= dict.fromkeys(claim.pool for claim in step.pools)
            rows += [
                AssetRow(
                    output.name,
                    tags=output.tags,
                    kinds=output.kinds,
                    group=output.group,
                    code_version=output.code_version,
                    pools=tuple((claim.pool, claim.slots) for claim in output.pools),
                )
                for output in step.outputs
                if output.is_asset
            ]
        limits = dict(self.bound.snapshot.pool_limits)
        with self.storage.database.transaction() as connection:
            assets.define(connection, rows)
            topology.register(connection, self.bound.snapshot.steps)
            pools.define(connection, limits)
            pools.register(connection, [pool for pool in claimed if pool not in limits])
            if claimed:
                stored = {row.pool: row.slot_limit for row in pools.limits(connection)}
                check_claims(self.bound.snapshot.steps, stored)

    def handler_for(self, node: str) -> Any:
        """The handler that stores a node."""
        handler = self.bound.handler_for(node)
        return self.memory_handler if handler is None else handler

    def materialize(
        self,
        selection: Sequence[str] | None,
        *,
        partition_key: PartitionKey | None,
        tags: Tags,
        raise_on_error: bool,
        config: Mapping[str, Any] | None,
        run_id: str | None,
        include_upstream: bool,
        resume: bool,
        retry: RetryPolicy | str | None,
    ) -> RunResult:
        """Runs a selection; `None` is everything."""
        policy = self.bound.retries.resolve(retry, f"referenced by job '{MATERIALIZE}'")

        def plan(document: dict[str, Any] | None, executor: ExecutorDefinition | None) -> RunPlan:
            return plan_selection(
                self.bound.snapshot,
                selection,
                include_upstream=include_upstream,
                config=document,
                partition_key=partition_key,
                executor=executor,
                retry=policy,
            )

        return self._run(plan, config, tags, raise_on_error, run_id=run_id, resume=resume)

    def observe(self, names: Sequence[str] | None) -> ObservationResult:
        """Observes external assets, `None` for all of them; names that cannot be observed are passed over."""
        snapshot = self.bound.snapshot
        nodes = [
            step.key
            for step in snapshot.steps
            if step.kind == StepKind.EXTERNAL_ASSET and step.is_runnable and (names is None or step.key in names)
        ]
        if not nodes:
            return ObservationResult.nothing()
        outcome = self.execute(plan_selection(snapshot, nodes), kind=RunKind.OBSERVATION)
        for node, message in outcome.failed:
            log.error("observe failed for asset '%s': %s", node, message)
        if outcome.error is not None:
            raise outcome.error
        seen = seen_in(self.storage.database, outcome.run_id)
        return ObservationResult.of(**fields_of(outcome), _seen=seen)

    def execute_job(
        self,
        name: str,
        partition_key: PartitionKey | None,
        tags: Any,
        config: Mapping[str, Any] | None,
        raise_on_error: bool,
    ) -> RunResult:
        """Runs a job."""
        arguments.optional("partition_key", partition_key, PartitionKey)

        def plan(document: dict[str, Any] | None, executor: ExecutorDefinition | None) -> RunPlan:
            return plan_job(self.bound.snapshot, name, config=document, partition_key=partition_key, executor=executor)

        return self._run(plan, config, arguments.tags(tags), raise_on_error)

    def _run(
        self,
        make: Plan,
        config: Mapping[str, Any] | None,
        tags: Tags,
        raise_on_error: bool,
        *,
        run_id: str | None = None,
        resume: bool = False,
    ) -> RunResult:
        plan = self._planned(make, config)
        outcome = self.execute(plan, run_id=run_id, tags=tags, resume=resume)
        if raise_on_error and outcome.error is not None:
            raise outcome.error
        return RunResult.of(**fields_of(outcome))

    def submit(
        self,
        selection: Sequence[str] | None = None,
        *,
        job: str | None = None,
        partition_key: PartitionKey | None = None,
        config: Mapping[str, Any] | None = None,
        tags: Tags = (),
        cause: LaunchCause = LaunchCause.USER,
        cause_name: str = "",
        priority: int | None = None,
        run_id: str | None = None,
    ) -> RunHandle:
        """Queues a run of a job, or of a selection, `None` being everything. What is wrong with it is raised here."""
        if self.queue is None:
            raise ExecutionError(
                "Cannot submit run: no RunQueueConfig set", remedy="give the repository run_queue=rs.RunQueueConfig()"
            )
        planned = self.plan(selection, job=job, partition_key=partition_key, config=config)
        submitted = self.queue.submit(
            planned, tags=tags, cause=cause, cause_name=cause_name, priority=priority, run_id=run_id
        )
        return RunHandle.of(self.storage, submitted, self)

    def plan(
        self,
        selection: Sequence[str] | None = None,
        *,
        job: str | None = None,
        partition_key: PartitionKey | None = None,
        config: Mapping[str, Any] | None = None,
        has_values: bool = False,
    ) -> RunPlan:
        """The plan of a run of a job, or of a selection, `None` being everything.

        With `has_values` a selection may load what this process keeps in memory.
        """
        if job is not None and selection is not None:
            raise ExecutionError(f"Cannot submit run: job '{job}' and a selection exclude each other")

        def plan(document: dict[str, Any] | None, executor: ExecutorDefinition | None) -> RunPlan:
            options: Any = {"config": document, "partition_key": partition_key, "executor": executor}
            snapshot = self.bound.snapshot
            if job is not None:
                return plan_job(snapshot, job, **options)
            return plan_selection(snapshot, selection, has_values=has_values, **options)

        return self._planned(plan, config)

    def start_queue(self) -> None:
        """Executes queued runs in this process from now on."""
        if self.queue is not None:
            self.queue.start()

    def execute_launched(self, plan: RunPlan, row: RunRow) -> None:
        """Executes a run that is recorded already; another version of the repository may have submitted it."""
        for step in plan.steps:
            if step.step not in self.bound.steps:
                raise ExecutionError(f"step '{step.key}' is not defined by this repository")
        self.execute(plan, launched=row)

    def _check_partition_key(self, plan: RunPlan) -> None:
        """A launch without a key that it needs, or with one that something lacks, is refused before it is recorded."""
        snapshot, registered = self.bound.snapshot, {}
        if wanted := dynamic_keys(snapshot, plan):
            with self.storage.database.read() as connection:
                registered = {name: partitions.registered(connection, name, keys) for name, keys in wanted.items()}
        check_partition_key(snapshot, plan, datetime.now().astimezone(), registered)

    def execute(self, plan: RunPlan, **options: Any) -> RunOutcome:
        """Runs a plan in this process, with the options of the driver's `execute`."""
        return execute(
            self.bound,
            plan,
            database=weakref.proxy(self.storage.database),  # what a run leaves to the collector keeps no store open
            memory_handler=self.memory_handler,
            **options,
        )

    def _planned(self, make: Plan, config: Mapping[str, Any] | None) -> RunPlan:
        plan = make(None, None)
        document = self.document(config, plan)
        if document is not None:
            plan = make(document, executor_of(document))
        self._check_partition_key(plan)
        return plan

    def document(self, config: Mapping[str, Any] | None, plan: RunPlan) -> dict[str, Any] | None:
        """The launch document, checked against what the plan runs: assets go by their nodes and by their own names."""
        if config is None:
            return None
        steps = self.bound.steps
        running = {str(steps[step.step].owner.name): step.step for step in plan.steps if not step.graph}
        running |= {output.node: step.step for step in plan.steps for output in step.outputs}
        names = {str(step.owner.name) for step in steps.values()} | set(self.bound.snapshot.step_by_node)
        document = normalised(config, names=names, running=running, resources=self.bound.resources)
        if document is not None:
            try:
                encode_map(document)
            except InvalidRequestError as error:
                raise ConfigurationError(f"config cannot be recorded with the run: {error}") from None
        return document
