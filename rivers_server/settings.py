"""What an operator may choose about the scheduler."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from rivers.credentials.caller import Caller
from rivers.credentials.token_file import NAME as TOKENS
from rivers_server.limits import Limits

#: For tests: the moment at which the scheduler kills itself (`rivers_server/failpoints`).
FAILPOINT_VARIABLE = "RIVERS_FAILPOINT"


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """What the deciding core needs to know.

    `max_concurrent_runs` is global over all locations; negative is unlimited, 0 admits nothing. A point of priority
    is a head start of `priority_head_start`; zero makes priority strict. `infrastructure_budget` attempts of a step
    may be lost or crash before it fails. `step_lease` holds for locations that name none.
    """

    max_concurrent_runs: int = 10
    priority_head_start: timedelta = timedelta(minutes=15)
    infrastructure_budget: int = 3
    step_lease: timedelta = timedelta(seconds=900)
    stop_grace: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """What the scheduler server needs to know. `port` 0 takes a free one; `database_url` beats `storage_path`.

    Without a `metrics_port` there are no metrics.
    """

    host: str = "127.0.0.1"
    port: int = 3010
    storage_path: Path = Path(".rivers/scheduler")
    database_url: str | None = None
    beat_interval: timedelta = timedelta(seconds=2)
    insecure: bool = False
    tokens_file: Path | None = None
    caller: Caller = field(default_factory=Caller)
    core: CoreSettings = field(default_factory=CoreSettings)
    limits: Limits = field(default_factory=Limits)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None

    @property
    def tokens_path(self) -> Path:
        """The file of accepted tokens."""
        return self.tokens_file or self.storage_path / TOKENS
