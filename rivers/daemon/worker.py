"""One evaluation in a process of its own: reads what to call from standard input, answers on standard output."""

from __future__ import annotations

import asyncio
import inspect
import os
import pickle
import sys
from typing import Any

from rivers.kernel.references import resolve


def main() -> None:
    """Evaluates once. What user code prints goes to standard error."""
    answer = os.dup(1)
    os.dup2(2, 1)
    path, *rest = pickle.load(sys.stdin.buffer)
    sys.path[:] = path
    with os.fdopen(answer, "wb") as stream:
        stream.write(pickle.dumps(_evaluate(*rest)))


def _evaluate(reference: Any, contexts: list[str], context: Any, read: Any) -> tuple[bool, Any]:
    try:
        returned = resolve(reference)(**dict.fromkeys(contexts, context))
        if inspect.iscoroutine(returned):
            returned = asyncio.run(_awaited(returned))
        return True, read(returned)
    except BaseException as error:  # the end of user code
        return False, (type(error).__name__, str(error))


async def _awaited(coroutine: Any) -> Any:
    return await coroutine


if __name__ == "__main__":
    main()
