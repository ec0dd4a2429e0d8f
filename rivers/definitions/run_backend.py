"""Where the runs of a repository are launched."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rivers.definitions.kinds import BackendKind
from rivers.definitions.snapshot import RunBackendDefinition

_TEXTS = ("service_account", "run_cpu", "run_memory", "worker_cpu", "worker_memory")


@dataclass(frozen=True, slots=True)
class _Kubernetes:
    image: str | None
    namespace: str | None
    service_account: str
    run_cpu: str
    run_memory: str
    worker_cpu: str
    worker_memory: str

    def __post_init__(self) -> None:
        for name in ("image", "namespace"):
            if not isinstance(getattr(self, name), (str, type(None))):
                raise TypeError(f"{name} must be a str or None, not {type(getattr(self, name)).__name__}")
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a str, not {type(getattr(self, name)).__name__}")


@dataclass(frozen=True, slots=True, init=False, repr=False)
class RunBackendConfig:
    """Where runs are launched; made by the factories below."""

    _kubernetes: _Kubernetes | None

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("RunBackendConfig has no constructor: use RunBackendConfig.local() or kubernetes()")

    @staticmethod
    def local() -> RunBackendConfig:
        """On the machine of the code; the default."""
        return _backend(None)

    @staticmethod
    def kubernetes(
        image: str | None = None,
        *,
        namespace: str | None = None,
        service_account: str = "rivers-executor",
        run_cpu: str = "500m",
        run_memory: str = "512Mi",
        worker_cpu: str = "500m",
        worker_memory: str = "512Mi",
    ) -> RunBackendConfig:
        """In a Kubernetes job for each run. Quantities are passed on as they are."""
        return _backend(_Kubernetes(image, namespace, service_account, run_cpu, run_memory, worker_cpu, worker_memory))

    def is_kubernetes(self) -> bool:
        """Whether each run gets a Kubernetes job."""
        return self._kubernetes is not None

    @property
    def definition(self) -> RunBackendDefinition:
        """The settings as frozen data."""
        if self._kubernetes is None:
            return RunBackendDefinition(BackendKind.LOCAL)
        return RunBackendDefinition(BackendKind.KUBERNETES, **asdict(self._kubernetes))

    def __repr__(self) -> str:
        if self._kubernetes is None:
            return "RunBackendConfig.local()"
        settings = ", ".join(f"{name}={value!r}" for name, value in asdict(self._kubernetes).items())
        return f"RunBackendConfig.kubernetes({settings})"


def _backend(kubernetes: _Kubernetes | None) -> RunBackendConfig:
    backend = object.__new__(RunBackendConfig)
    object.__setattr__(backend, "_kubernetes", kubernetes)
    return backend
