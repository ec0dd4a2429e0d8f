"""`RunService`: parse, one call, format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeVar

from grpc.aio import ServicerContext

from rivers.errors import InvalidRequestError, RiversError, RunNotFoundError
from rivers.lifecycle.fan_out import with_instances
from rivers.lifecycle.states import LaunchCause, RunKind, RunState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedStep
from rivers.storage import events, logs, runs
from rivers.storage.rows import LogRow, RunRow
from rivers.v1 import run_service_pb2, run_service_pb2_grpc
from rivers.wire.errors import to_detail, to_status
from rivers.wire.runs import encode_log, encode_run, encode_step
from rivers.wire.values import decode_tags
from rivers_server.api.border import Border
from rivers_server.api.errors import streaming, unary
from rivers_server.api.pages import decode_token, encode_token, page_size
from rivers_server.api.planner import Planner
from rivers_server.api.priority import priority_of
from rivers_server.api.reader import Reader
from rivers_server.core.inputs import Cancel, Explain, Message, Submit
from rivers_server.reply import FutureReply
from rivers_server.watch import Watches

Context = ServicerContext[Any, Any]
Connection = Any
T = TypeVar("T")

EVENTS_A_MESSAGE = 500
#: A message of output is closed when it has so many characters, whatever a chunk may hold.
LOG_CHARACTERS_A_MESSAGE = 500_000
#: What a step of a plan takes, about.
STEP_BYTES = 100


class RunServicer(run_service_pb2_grpc.RunServiceServicer):
    """Runs. What changes state goes to the core; what only reads goes to the rows."""

    def __init__(
        self, put: Callable[[Message], None], reader: Reader, planner: Planner, watches: Watches, border: Border
    ) -> None:
        self.border = border
        self._put = put
        self._reader = reader
        self._planner = planner
        self._watches = watches

    @unary
    async def SubmitRun(
        self, request: run_service_pb2.SubmitRunRequest, context: Context
    ) -> run_service_pb2.SubmitRunResponse:
        return await self._submit(request)

    @unary
    async def BatchSubmitRuns(
        self, request: run_service_pb2.BatchSubmitRunsRequest, context: Context
    ) -> run_service_pb2.BatchSubmitRunsResponse:
        outcomes = await asyncio.gather(*map(self._submit_one, request.requests), return_exceptions=True)
        return run_service_pb2.BatchSubmitRunsResponse(results=[_batch_result(outcome) for outcome in outcomes])

    @unary
    async def GetRun(self, request: run_service_pb2.GetRunRequest, context: Context) -> run_service_pb2.GetRunResponse:
        row = await self._row(request.run_id)
        planned_steps, steps = await self._reader.read(_planned_and_steps, request.run_id)
        reasons = await self._block_reasons([row])
        return run_service_pb2.GetRunResponse(
            run=encode_run(row, block_reason=reasons.get(row.run_id, "")),
            steps=[encode_step(planned, step) for planned, step in zip(planned_steps, steps, strict=True)],
        )

    @unary
    async def ListRuns(
        self, request: run_service_pb2.ListRunsRequest, context: Context
    ) -> run_service_pb2.ListRunsResponse:
        size = page_size(request.page_size, self.border.limits.page)
        before = decode_token(request.page_token, int, str)
        rows = await self._reader.read(
            runs.page,
            location=request.location or None,
            job=request.job or None,
            states=_states(request.states) or None,
            before=before,
            limit=size,
        )
        reasons = await self._block_reasons(rows)
        last = rows[-1] if len(rows) == size else None
        return run_service_pb2.ListRunsResponse(
            runs=[encode_run(row, block_reason=reasons.get(row.run_id, "")) for row in rows],
            next_page_token=encode_token(last.submitted_at, last.run_id) if last is not None else "",
        )

    @unary
    async def CancelRun(
        self, request: run_service_pb2.CancelRunRequest, context: Context
    ) -> run_service_pb2.CancelRunResponse:
        if not request.run_id:
            raise InvalidRequestError("run_id is missing", field="run_id")
        reply = FutureReply.make(encode_run)
        self._put(Cancel(request.run_id, request.reason, reply))
        return run_service_pb2.CancelRunResponse(run=await reply.future)

    @streaming
    async def WatchRun(
        self, request: run_service_pb2.WatchRunRequest, context: Context
    ) -> AsyncIterator[run_service_pb2.WatchRunResponse]:
        after = request.after_seq
        with self._watches.on(request.run_id, context.peer()) as watch:
            while True:
                watch.clear()
                is_over, page = await self._page(events.of_run, request.run_id, after_seq=after)
                if page:
                    after = page[-1].seq
                    yield run_service_pb2.WatchRunResponse(events=page)
                elif is_over:
                    return
                else:
                    await watch.wait()

    @unary
    async def ListRunEvents(
        self, request: run_service_pb2.ListRunEventsRequest, context: Context
    ) -> run_service_pb2.ListRunEventsResponse:
        size = page_size(request.page_size, self.border.limits.page, default=100)
        place = decode_token(request.page_token, int)
        await self._row(request.run_id)
        page = await self._reader.read(
            events.of_run, request.run_id, after_seq=int(place[0]) if place else 0, limit=size
        )
        token = encode_token(page[-1].seq) if len(page) == size else ""
        return run_service_pb2.ListRunEventsResponse(events=page, next_page_token=token)

    @streaming
    async def WatchRunLogs(
        self, request: run_service_pb2.WatchRunLogsRequest, context: Context
    ) -> AsyncIterator[run_service_pb2.WatchRunLogsResponse]:
        after = request.after_seq
        with self._watches.on(request.run_id, context.peer()) as watch:
            while True:
                watch.clear()
                is_over, page = await self._page(
                    logs.of_run, request.run_id, after_seq=after, step_key=request.step_key
                )
                if page:
                    after = page[-1].seq
                    for piece in _pieces(page):
                        yield run_service_pb2.WatchRunLogsResponse(chunks=[encode_log(chunk) for chunk in piece])
                elif is_over or request.no_follow:
                    return
                else:
                    await watch.wait()

    # -- within -----------------------------------------------------------------------------------------------------

    async def _submit_one(self, request: run_service_pb2.SubmitRunRequest) -> run_service_pb2.SubmitRunResponse:
        self.border.check(request)
        return await self._submit(request)

    async def _submit(self, request: run_service_pb2.SubmitRunRequest) -> run_service_pb2.SubmitRunResponse:
        try:
            plan = await self._planner.plan(request)
        except RiversError:
            # What was acknowledged stays so, even while the location is away or has other definitions by now.
            made = await self._reader.read(_made_by, request.request_id)
            if made is None:
                raise
            return _encode_submitted((made, True))
        tags = decode_tags(request.tags)
        reply = FutureReply.make(_encode_submitted)
        self._put(
            Submit(
                plan=plan,
                kind=RunKind.JOB if plan.job is not None else RunKind.MATERIALIZATION,
                reply=reply,
                request_id=request.request_id or None,
                tags=tags,
                priority=priority_of(tags),
                cause=LaunchCause(request.launch.cause or LaunchCause.USER),
                cause_name=request.launch.name,
                parent_run_id=request.parent_run_id,
                size=len(plan.steps) * STEP_BYTES + request.ByteSize(),
            )
        )
        submitted: run_service_pb2.SubmitRunResponse = await reply.future
        return submitted

    async def _row(self, run_id: str) -> RunRow:
        if not run_id:
            raise InvalidRequestError("run_id is missing", field="run_id")
        row = await self._reader.read(runs.get, run_id)
        if row is None:
            raise RunNotFoundError(run_id=run_id)
        return row

    async def _page(self, of_run: Callable[..., list[T]], run_id: str, **place: Any) -> tuple[bool, list[T]]:
        """What follows a place in a run. When that is nothing: whether the run is over, so that nothing will.

        Both are of one read: a run that is over by then has said everything.
        """

        def read(connection: Connection) -> tuple[RunRow | None, list[T]]:
            page = of_run(connection, run_id, limit=EVENTS_A_MESSAGE, **place)
            return None if page else runs.get(connection, run_id), page

        row, page = await self._reader.read(read)
        if row is None and not page:
            raise RunNotFoundError(run_id=run_id)
        return row is not None and row.state.is_terminal, page

    async def _block_reasons(self, rows: list[RunRow]) -> dict[str, str]:
        waiting = [row.run_id for row in rows if row.state == RunState.QUEUED]
        if not waiting:
            return {}
        reply = FutureReply.make()
        self._put(Explain(waiting, reply))
        reasons: dict[str, str] = await reply.future
        return reasons


def _planned_and_steps(connection: Any, run_id: str) -> tuple[list[PlannedStep], list[StepProgress]]:
    moved = {step.ordinal: step for step in runs.steps(connection, run_id)}
    planned = with_instances(runs.plan(connection, run_id).steps, list(moved.values()))
    return planned, [moved.get(n) or StepProgress(n, len(step.outputs)) for n, step in enumerate(planned)]


def _pieces(chunks: list[LogRow]) -> Iterator[list[LogRow]]:
    piece: list[LogRow] = []
    size = 0
    for chunk in chunks:
        if piece and size + len(chunk.text) > LOG_CHARACTERS_A_MESSAGE:
            yield piece
            piece, size = [], 0
        piece.append(chunk)
        size += len(chunk.text)
    if piece:
        yield piece


def _made_by(connection: Connection, request_id: str) -> RunRow | None:
    run_id = runs.find_request(connection, request_id) if request_id else None
    return runs.get(connection, run_id) if run_id is not None else None


def _encode_submitted(result: tuple[RunRow, bool]) -> run_service_pb2.SubmitRunResponse:
    row, existed = result
    return run_service_pb2.SubmitRunResponse(run=encode_run(row), existed=existed)


def _batch_result(outcome: run_service_pb2.SubmitRunResponse | BaseException) -> run_service_pb2.BatchSubmitResult:
    if isinstance(outcome, run_service_pb2.SubmitRunResponse):
        return run_service_pb2.BatchSubmitResult(submitted=outcome)
    if not isinstance(outcome, RiversError):
        raise outcome
    return run_service_pb2.BatchSubmitResult(
        error=run_service_pb2.BatchSubmitError(
            status=to_status(outcome).code, message=str(outcome), detail=to_detail(outcome)
        )
    )


def _states(numbers: Iterable[int]) -> list[RunState]:
    try:
        return [RunState(number) for number in numbers]
    except ValueError as error:
        raise InvalidRequestError(f"states: {error}", field="states") from None
