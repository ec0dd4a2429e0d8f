"""Executors as authors write them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TypeAlias

from rivers.definitions.kinds import ExecutorKind
from rivers.definitions.snapshot import ExecutorDefinition
from rivers.errors import ConfigurationError


class Executor:
    """How the steps of a run are executed; made by the factories below."""

    __slots__ = ()

    InProcess: TypeAlias = "InProcessExecutor"
    Parallel: TypeAlias = "ParallelExecutor"
    Kubernetes: TypeAlias = "KubernetesExecutor"

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("Executor has no constructor: use Executor.in_process(), parallel() or kubernetes()")

    @staticmethod
    def in_process() -> Executor.InProcess:
        """One step at a time, in the calling process."""
        return InProcessExecutor()

    @staticmethod
    def parallel(max_workers: int | None = None, max_async_concurrent: int | None = None) -> Executor.Parallel:
        """Plain steps in worker processes, coroutine steps side by side; `None` workers: one for each CPU."""
        return ParallelExecutor(max_workers, max_async_concurrent)

    @staticmethod
    def kubernetes(
        worker_image: str | None = None,
        *,
        max_concurrent_steps: int | None = None,
        namespace: str | None = None,
        service_account: str = "rivers-executor",
        worker_cpu: str = "500m",
        worker_memory: str = "512Mi",
    ) -> Executor.Kubernetes:
        """One pod a step."""
        return KubernetesExecutor(
            worker_image, max_concurrent_steps, namespace, service_account, worker_cpu, worker_memory
        )

    @property
    def definition(self) -> ExecutorDefinition:
        """The executor as frozen data."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class InProcessExecutor(Executor):
    """Runs one step at a time, in the calling process."""

    @property
    def definition(self) -> ExecutorDefinition:
        return IN_PROCESS


@dataclass(frozen=True, slots=True, init=False, repr=False)
class ParallelExecutor(Executor):
    """Runs plain steps in worker processes and coroutine steps side by side."""

    __match_args__ = ("max_workers", "max_async_concurrent")

    _max_workers: int | None
    max_async_concurrent: int | None

    def __init__(self, max_workers: int | None = None, max_async_concurrent: int | None = None) -> None:
        object.__setattr__(self, "_max_workers", _count("max_workers", max_workers))
        object.__setattr__(self, "max_async_concurrent", _count("max_async_concurrent", max_async_concurrent))

    @property
    def max_workers(self) -> int:
        """The worker processes; when none were named, the CPUs that this process may use."""
        if self._max_workers is not None:
            return self._max_workers
        from loky import cpu_count  # type: ignore[import-untyped]  # knows affinity and control groups; only needed when somebody asks

        return int(cpu_count())

    @property
    def definition(self) -> ExecutorDefinition:
        return ExecutorDefinition(ExecutorKind.PARALLEL, self._max_workers, self.max_async_concurrent)

    def __repr__(self) -> str:
        return f"Executor.Parallel(max_workers={self._max_workers}, max_async_concurrent={self.max_async_concurrent})"


@dataclass(frozen=True, slots=True)
class KubernetesExecutor(Executor):
    """Runs every step in a pod of its own."""

    worker_image: str | None = None
    max_concurrent_steps: int | None = None
    namespace: str | None = None
    service_account: str = "rivers-executor"
    worker_cpu: str = "500m"
    worker_memory: str = "512Mi"

    def __post_init__(self) -> None:
        _count("max_concurrent_steps", self.max_concurrent_steps)
        for name in ("worker_image", "namespace"):
            if not isinstance(getattr(self, name), (str, type(None))):
                raise TypeError(f"{name} must be a str or None, not {type(getattr(self, name)).__name__}")
        for name in ("service_account", "worker_cpu", "worker_memory"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, not {type(getattr(self, name)).__name__}")

    @property
    def definition(self) -> ExecutorDefinition:
        return ExecutorDefinition(ExecutorKind.KUBERNETES, kubernetes=tuple(sorted(asdict(self).items())))


IN_PROCESS = ExecutorDefinition(ExecutorKind.IN_PROCESS)

for _name, _variant in (
    ("InProcess", InProcessExecutor),
    ("Parallel", ParallelExecutor),
    ("Kubernetes", KubernetesExecutor),
):
    _variant.__name__, _variant.__qualname__ = _name, f"Executor.{_name}"
    setattr(Executor, _name, _variant)


def _count(name: str, value: int | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int or None, not {type(value).__name__}")
    if value < 0:
        raise OverflowError(f"{name} must not be negative, got {value}")
    if value == 0:
        raise ConfigurationError(f"{name} must be at least 1, got 0")
    return value
