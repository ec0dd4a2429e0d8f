"""Loads the user's module in a process of a location."""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from typing import TYPE_CHECKING

from codeloc.launch import Launch
from rivers.v1.definition_service_pb2 import LoadFailure
from rivers.v1.failure_pb2 import FAILURE_REASON_ERROR, Failure

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository


def load(launch: Launch) -> BoundRepository:
    """Imports the module and binds its repository; raises whatever the module does."""
    faulthandler.enable()
    os.environ["RIVERS_DEPLOYMENT"] = "cloud"
    from codeloc.storage import STORAGE
    from rivers.repository.loading import load_repository

    repository = load_repository(launch.module, launch.variable)
    repository.lend(STORAGE)
    return repository.bound


def load_failure(launch: Launch, error: BaseException) -> LoadFailure:
    """Why it could not be loaded, as data. Frames of the machinery around the module are left out."""
    text = "".join(traceback.format_exception(error))
    failure = Failure(
        reason=FAILURE_REASON_ERROR,
        message=_printable(f"{type(error).__name__}: {error}"),
        exception_types=[f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__],
        traceback=_printable(text),
    )
    if isinstance(error, SystemExit):
        failure.exit_code = error.code if isinstance(error.code, int) else int(error.code is not None)
        failure.message = f"SystemExit: importing the module ended the process with code {failure.exit_code}"
    return LoadFailure(module=launch.module, failure=failure)


def flush_streams() -> None:
    """Writes out what Python has left in the standard streams, which user code may have closed or replaced."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            continue


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
