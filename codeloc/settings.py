"""What a location is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codeloc.limits import Limits
from rivers.credentials.caller import Caller


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one location. `step_lease` in seconds, `None` for the scheduler's default; `scheduler` may be "".

    Without a `metrics_port` there are no metrics.
    """

    module: str
    name: str
    data_directory: Path
    workers: int
    variable: str = "repo"
    scheduler: str = ""
    caller: Caller = field(default_factory=Caller)
    scheduler_token_file: Path | None = None
    is_insecure: bool = False
    host: str = "127.0.0.1"
    port: int = 3001
    advertised_host: str = ""
    is_spool_durable: bool = False
    step_lease: float | None = None
    drain_grace: float = 30.0
    stop_grace: float = 5.0
    limits: Limits = field(default_factory=Limits)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
