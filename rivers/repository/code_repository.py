"""The container of a team's definitions."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from rivers.clock import SystemClock
from rivers.definitions.asset import Asset
from rivers.definitions.binding import BoundRepository, bind
from rivers.definitions.executor import Executor
from rivers.definitions.job import Job
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.run_backend import RunBackendConfig
from rivers.definitions.run_queue import RunQueueConfig
from rivers.definitions.schedule import Schedule
from rivers.definitions.sensor import Sensor
from rivers.definitions.suggestion import nearest_or_all
from rivers.definitions.task import Task
from rivers.errors import ExecutionError, NodeNotFoundError, PartitionValidationError
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.planning.build import job_not_found
from rivers.repository import arguments, declarations
from rivers.repository.resource_life import ResourceLife

if TYPE_CHECKING:
    from rivers.repository.backfill_result import BackfillResult, BackfillStatus
    from rivers.repository.evaluation import ScheduleTickResult, SensorTickResult
    from rivers.repository.observation import ObservationResult
    from rivers.repository.run_handle import RunHandle
    from rivers.repository.run_result import RunResult
    from rivers.repository.session import Session
    from rivers.repository.storage import Storage

T = TypeVar("T")


class CodeRepository:
    """Assets, tasks, jobs and what they need. Also a context manager; leaving it calls `shutdown()`.

    The constructor checks types only; everything else is checked by `resolve()` and `validate()`, and so by whatever
    is called first.
    """

    def __init__(
        self,
        assets: Sequence[Asset],
        tasks: Sequence[Task] | None = None,
        jobs: Sequence[Job] | None = None,
        schedules: Sequence[Schedule] | None = None,
        sensors: Sequence[Sensor] | None = None,
        default_executor: Executor | None = None,
        resources: dict[str, Any] | None = None,
        partition_defs: dict[str, PartitionsDefinition] | None = None,
        retries: dict[str, RetryPolicy] | None = None,
        default_retry_policy: RetryPolicy | str | None = None,
        run_queue: RunQueueConfig | None = None,
        run_backend: RunBackendConfig | None = None,
        pool_limits: dict[str, int] | None = None,
    ) -> None:
        self._assets = declarations.assets(assets)
        self._tasks = declarations.tasks(tasks)
        self._jobs = arguments.instances("jobs", jobs, Job)
        self._schedules = arguments.instances("schedules", schedules, Schedule)
        self._sensors = arguments.instances("sensors", sensors, Sensor)
        self._default_executor = arguments.optional("default_executor", default_executor, Executor)
        self._resources = arguments.mapping("resources", resources, object)
        self._retries = arguments.mapping("retries", retries, RetryPolicy)
        self._default_retry = arguments.optional("default_retry_policy", default_retry_policy, (RetryPolicy, str))
        self._pool_limits = arguments.mapping("pool_limits", pool_limits, int)
        self._run_queue = arguments.optional("run_queue", run_queue, RunQueueConfig)
        self._run_backend = arguments.optional("run_backend", run_backend, RunBackendConfig)
        self._partition_defs = arguments.mapping("partition_defs", partition_defs, PartitionsDefinition)
        self._source = ("", "")
        self._life = ResourceLife(self._resources)
        self._lock = threading.RLock()
        self._bound: BoundRepository | None = None
        self._session: Session | None = None
        self._lent: Any = None

    # -- definitions ------------------------------------------------------------------------------------------------

    @property
    def bound(self) -> BoundRepository:
        """The definitions, validated, with the code behind them; made at first use."""
        with self._lock:
            if self._bound is None:
                module, variable = self._source
                self._bound = bind(
                    self._assets,
                    tasks=self._tasks,
                    jobs=self._jobs,
                    schedules=self._schedules,
                    sensors=self._sensors,
                    resources=self._resources,
                    retries=self._retries,
                    default_executor=self._default_executor,
                    default_retry_policy=self._default_retry,
                    pool_limits=self._pool_limits,
                    run_queue=self._run_queue,
                    run_backend=self._run_backend,
                    partition_defs=self._partition_defs,
                    now=datetime.now().astimezone(),
                    module=module,
                    repository=variable,
                )
            return self._bound

    @property
    def assets(self) -> dict[str, Asset]:
        """Assets by name; a multi-asset appears under the name of each of its outputs."""
        return dict(self.bound.asset_by_name)

    @property
    def schedules(self) -> list[Schedule]:
        """Schedules, as they were given."""
        return list(self._schedules)

    @property
    def sensors(self) -> list[Sensor]:
        """Sensors, as they were given."""
        return list(self._sensors)

    def name_source(self, module: str, variable: str) -> None:
        """Says where the repository is defined, which its snapshot carries."""
        with self._lock:
            if self._source != (module, variable):
                self._source = (module, variable)
                if self._session is None:
                    self._bound = None

    def lend(self, storage: object) -> None:
        """Shows this as the storage, where there is none: at a code location."""
        self._lent = storage

    def validate(self) -> None:
        """Checks everything that can be checked without a storage; sets nothing up."""
        _ = self.bound

    def resolve(self, storage: Storage | None = None) -> None:
        """Validates, sets resources up and registers assets and pools in the storage, by default one in memory.

        A repository that is resolved already stays as it is.
        """
        self._resolved(storage)

    def opened(self, storage: Storage) -> Session:
        """The repository with this storage, resolved, for what runs it by itself; it may have another one as well."""
        session = self._resolved(storage)
        return session if session.storage is storage else session.beside(storage)

    def _resolved(self, storage: Storage | None = None) -> Session:
        with self._lock:
            if self._session is None:
                bound = self.bound
                for key in bound.shadowed_resources:
                    warnings.warn(
                        f"Resource key '{key}' shadows an asset with the same name. "
                        "A parameter of that name receives the asset; rename the resource to reach it",
                        UserWarning,
                        stacklevel=3,
                    )
                self._life.begin()
                # by name: a code location imports this module, and has neither driver nor database
                session: Session = import_module("rivers.repository.session").Session(bound, storage)
                session.register()
                self._session = session
            return self._session

    def shutdown(self) -> None:
        """Ends runs of the queue that this repository executes, and tears resources down. A repeat does nothing."""
        if self._session is not None and self._session.queue is not None:
            self._session.queue.stop()
        self._life.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        return f"CodeRepository(assets={len(self._assets)}, tasks={len(self._tasks)}, jobs={len(self._jobs)})"

    # -- runs -------------------------------------------------------------------------------------------------------

    @property
    def storage(self) -> Storage:
        """The storage that the repository was resolved with; at a code location, what takes its place there."""
        if self._lent is not None:
            lent: Storage = self._lent
            return lent
        return self._resolved().storage

    def materialize(
        self,
        selection: list[str] | None = None,
        partition_key: PartitionKey | None = None,
        tags: list[tuple[str, str]] | None = None,
        raise_on_error: bool = True,
        config: dict[str, Any] | None = None,
        run_id_override: str | None = None,
        include_upstream: bool = False,
        resume: bool = False,
        retry: RetryPolicy | str | None = None,
    ) -> RunResult:
        """Runs assets and tasks now, `None` for all of them; what is not selected is loaded by its handler.

        With `raise_on_error` the exception of the first step that failed is raised, as it was, once the run is over.
        """
        arguments.names("selection", selection)
        arguments.optional("partition_key", partition_key, PartitionKey)
        arguments.optional("run_id_override", run_id_override, str)
        arguments.optional("retry", retry, (RetryPolicy, str))
        return self._resolved().materialize(
            selection,
            partition_key=partition_key,
            tags=arguments.tags(tags),
            raise_on_error=raise_on_error,
            config=config,
            run_id=run_id_override,
            include_upstream=include_upstream,
            resume=resume,
            retry=retry,
        )

    def backfill(
        self,
        selection: list[str] | None = None,
        partition_keys: list[PartitionKey] | None = None,
        partition_range: PartitionKeyRange | None = None,
        strategy: BackfillStrategy | None = None,
        failure_policy: str = "continue",
        max_concurrency: int = 4,
        tags: list[tuple[str, str]] | None = None,
        config: dict[str, Any] | None = None,
        block: bool = True,
        dry_run: bool = False,
        action: str | None = None,
    ) -> BackfillResult:
        """Runs many partitions of assets, all partitioned ones by default: those of `partition_keys` or of
        `partition_range`, grouped into runs by the strategy, at most `max_concurrency` runs at a time.

        Partitions that fail raise nothing; the result tells of them. `failure_policy` is "continue" or
        "stop_on_failure". Without `block` the backfill is recorded for an `AutomationDaemon`; a dry run stores nothing.
        Raises `ExecutionError` for partitions that cannot be meant, before anything is stored.
        """
        arguments.names("selection", selection)
        if action is not None:
            raise ExecutionError(f"action {action!r}: asset actions are not available in this version of rivers")
        keys = None if partition_keys is None else arguments.instances("partition_keys", partition_keys, PartitionKey)
        return self._resolved().backfills.launch(
            selection,
            keys=keys,
            key_range=arguments.optional("partition_range", partition_range, PartitionKeyRange),
            strategy=arguments.optional("strategy", strategy, BackfillStrategy),
            policy=failure_policy,
            max_concurrency=arguments.whole("max_concurrency", max_concurrency),
            tags=arguments.tags(tags),
            config=config,
            block=block,
            dry_run=dry_run,
        )

    def get_backfill(self, backfill_id: str) -> BackfillStatus | None:
        """How far a backfill is; `None` for one that is not known."""
        return self._resolved().backfills.status(backfill_id)

    def cancel_backfill(self, backfill_id: str) -> bool:
        """Cancels a backfill: no more runs start, those that run are asked to stop.

        `True` when a backfill that this process executes was told. Others find the wish in the storage; one that nobody
        executes is canceled at once. Raises `ExecutionError` for one that is not known.
        """
        return self._resolved().backfills.cancel(backfill_id)

    def rerun_backfill(self, backfill_id: str, block: bool = True, dry_run: bool = False) -> BackfillResult:
        """A new backfill of the failed and canceled partitions of an old one, with its options, tags and config.

        Raises `ExecutionError` for a backfill that is not known.
        """
        return self._resolved().backfills.rerun(backfill_id, block=block, dry_run=dry_run)

    def observe(self, asset_names: list[str] | None = None) -> ObservationResult:
        """Runs the observe functions of external assets, all of them or those named, as a run.

        The result is a mapping, too: asset name to the metadata of its observation, `None` for none. Names that nothing
        is known of or that nobody observes are passed over; with nothing left the result is empty, with `run_id` "".
        What a function raises is raised, as it was, once the run is over.
        """
        arguments.names("asset_names", asset_names)
        return self._resolved().observe(asset_names)

    def _submit_run(
        self,
        selection: list[str] | None = None,
        partition_key: PartitionKey | None = None,
        job_name: str | None = None,
        config: dict[str, Any] | None = None,
        tags: list[tuple[str, str]] | None = None,
    ) -> RunHandle:
        """Puts a run into the queue of the storage; it is executed here, when the limits of the queue allow it.

        Raises `ExecutionError` for a repository without `run_queue`, and what `materialize` raises for bad arguments.
        """
        arguments.names("selection", selection)
        arguments.optional("partition_key", partition_key, PartitionKey)
        arguments.optional("job_name", job_name, str)
        session = self._resolved()
        handle = session.submit(
            selection, job=job_name, partition_key=partition_key, config=config, tags=arguments.tags(tags)
        )
        session.start_queue()
        return handle

    def get_job(self, name: str) -> Job:
        """The job, ready to be executed."""
        session = self._resolved()
        for job in self._jobs:
            if job.name == name:
                return job.bind(session.execute_job)
        raise job_not_found(name, session.bound.snapshot)

    # -- automation -------------------------------------------------------------------------------------------------

    def get_schedule(self, name: str) -> Schedule:
        """The schedule of that name; of several the first."""
        from rivers.repository import evaluation

        place = self._resolved().bound.schedules.index(evaluation.find_schedule(self.bound, name))
        return self._schedules[place]

    def get_sensor(self, name: str) -> Sensor:
        """The sensor of that name; of several the first."""
        from rivers.repository import evaluation

        place = self._resolved().bound.sensors.index(evaluation.find_sensor(self.bound, name))
        return self._sensors[place]

    def evaluate_schedule(self, name: str, execution_time: str | None = None) -> ScheduleTickResult:
        """Calls a schedule's function as a tick would, and launches nothing.

        `execution_time` is passed on as it is; default now, `YYYY-MM-DDTHH:MM:SSZ`. The function's errors pass through.
        """
        from rivers.repository import evaluation

        return evaluation.evaluate_schedule(self._resolved().bound, name, execution_time, SystemClock())

    def evaluate_sensor(
        self, name: str, cursor: str | None = None, last_tick_time: float | None = None
    ) -> SensorTickResult:
        """Calls a sensor's function as a tick would, and launches nothing. Errors of the function pass through."""
        from rivers.repository import evaluation

        return evaluation.evaluate_sensor(self._resolved().bound, name, cursor, last_tick_time)

    # -- values -----------------------------------------------------------------------------------------------------

    @overload
    def load_node(self, name: str, *, partition_key: PartitionKey | None = None, type_hint: None = None) -> Any: ...

    @overload
    def load_node(self, name: str, *, partition_key: PartitionKey | None = None, type_hint: type[T]) -> T: ...

    def load_node(self, name: str, *, partition_key: PartitionKey | None = None, type_hint: Any = None) -> Any:
        """The stored value of an asset or task, loaded by its IO handler, whose errors pass through."""
        from rivers.kernel.io_contexts import InputContext
        from rivers.partitions.context import PartitionContext

        arguments.optional("partition_key", partition_key, PartitionKey)
        handler = self.io_handler_for_output(name)
        output = self.bound.snapshot.output_by_node[name]
        partition = None
        if partition_key is not None:
            if output.partitions is None:
                raise PartitionValidationError(f"Node '{name}' is not partitioned, but a partition_key was provided")
            partition = PartitionContext(partition_key.expand(), output.partitions)
        metadata = dict(output.metadata) or None
        return handler.load_input(InputContext(name, "__load_node__", metadata, partition, type_hint))

    def io_handler_for_output(self, name: str) -> Any:
        """The IO handler that stores an asset or task."""
        session = self._resolved()
        if name not in self.bound.snapshot.step_by_node:
            raise NodeNotFoundError(
                f"Node '{name}' not found in repository",
                remedy=nearest_or_all(str(name), self.bound.snapshot.step_by_node, "nodes"),
                node=str(name),
            )
        return session.handler_for(name)
