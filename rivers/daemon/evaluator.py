"""Calls evaluation functions: on the event loop, on threads of their own, or in worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar

from rivers.definitions.automation_binding import Argument, BoundAutomation
from rivers.definitions.kinds import EvaluationMode
from rivers.errors import ExecutionError
from rivers.kernel.references import reference_of

T = TypeVar("T")


class EvaluationTimeoutError(Exception):
    """An evaluation took longer than it may."""


class UserError(Exception):
    """What a function raised where it cannot be passed on as it is; `kind` is the name of its type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One call: `context` is what the function is told, `read` makes of what it returns what is wanted."""

    bound: BoundAutomation[Any]
    context: Any
    call: Callable[[], Any]
    read: Callable[[Any], Any]


async def evaluate(evaluation: Evaluation) -> Any:
    """Evaluates, in the mode of its definition. A function that is given up after its time goes on by itself."""
    definition = evaluation.bound.definition
    is_apart = definition.mode == EvaluationMode.SUBPROCESS and evaluation.bound.function is not None
    if is_apart:
        work = asyncio.ensure_future(_in_thread(lambda: _in_worker(evaluation)))
    elif definition.is_async:
        work = asyncio.ensure_future(_on_loop(evaluation))
    else:
        work = asyncio.ensure_future(_in_thread(lambda: evaluation.read(evaluation.call())))
    done, _ = await asyncio.wait([work], timeout=definition.timeout)
    if not done:
        if definition.is_async and not is_apart:
            work.cancel()
        work.add_done_callback(_forget)
        raise EvaluationTimeoutError(work)
    return work.result()


def _forget(work: asyncio.Future[Any]) -> None:
    """What an evaluation that was given up comes to is nobody's concern."""
    if not work.cancelled():
        work.exception()


async def _on_loop(evaluation: Evaluation) -> Any:
    try:
        return evaluation.read(await evaluation.call())
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:  # they would end the daemon
        raise UserError(type(error).__name__, str(error)) from error


async def _in_thread(work: Callable[[], T]) -> T:
    """The result of work on a thread of its own, which keeps no process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run() -> None:
        result: Any = None
        failed: BaseException | None = None
        try:
            result = work()
        except (StopIteration, SystemExit, KeyboardInterrupt, GeneratorExit) as error:  # nothing that a loop can hold
            failed = UserError(type(error).__name__, str(error))
        except BaseException as error:  # the end of user code
            failed = error
        with contextlib.suppress(RuntimeError):  # the daemon is over: nobody waits
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="rivers-evaluation", daemon=True).start()
    return await future


def _in_worker(evaluation: Evaluation) -> Any:
    """Calls the function in a process of its own, which has neither resources nor configuration."""
    bound = evaluation.bound
    resources = [name for name, argument in bound.arguments.items() if argument is Argument.RESOURCE]
    if resources:
        raise ExecutionError(f"an evaluation in a subprocess has no resources: parameter '{resources[0]}'")
    reference = reference_of(bound.function)
    if reference is None:
        raise ExecutionError(f"an evaluation in a subprocess needs an importable function, got {bound.function!r}")
    contexts = [name for name, argument in bound.arguments.items() if argument is Argument.CONTEXT]
    told = copy(evaluation.context)
    told.config = None
    request = pickle.dumps((sys.path, reference, contexts, told, evaluation.read))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "rivers.daemon.worker"],
            input=request,
            stdout=subprocess.PIPE,
            timeout=bound.definition.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None  # it is killed; whoever waited has given up at the same moment
    if done.returncode or not done.stdout:
        raise ExecutionError(f"the evaluation's process ended with code {done.returncode}")
    is_good, answer = pickle.loads(done.stdout)
    if is_good:
        return answer
    raise UserError(*answer)
