"""A scheduler's two public services over real gRPC, with runs that go where the test sends them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import grpc

from rivers.errors import (
    InvalidRequestError,
    JobNotFoundError,
    LocationNotFoundError,
    LocationUnavailableError,
    RiversError,
    RunNotFoundError,
)
from rivers.lifecycle.events import Event, Failure
from rivers.lifecycle.states import EventType, FailureReason, LogStream, RunKind, RunState, StepState
from rivers.lifecycle.step import StepProgress
from rivers.planning.plan import PlannedOutput, PlannedStep, StepId
from rivers.storage.rows import EventRow, LogRow, RunRow
from rivers.v1 import catalog_service_pb2, catalog_service_pb2_grpc, run_service_pb2, run_service_pb2_grpc
from rivers.wire.errors import to_abort, to_detail
from rivers.wire.events import encode_event
from rivers.wire.runs import encode_log, encode_run, encode_step
from rivers.wire.values import decode_map, decode_tags

AT = 1_763_629_000_000_000_000
BOOM = Failure(FailureReason.ERROR, "ValueError: boom", ("builtins.ValueError",), "Traceback ...\nValueError: boom\n")
STEP = PlannedStep(StepId("temperatures"), "temperatures", (PlannedOutput("temperatures"),), location="weather")
ENDS = {
    EventType.RUN_SUCCEEDED: RunState.SUCCEEDED,
    EventType.RUN_FAILED: RunState.FAILED,
    EventType.RUN_CANCELED: RunState.CANCELED,
}
STEPS = {
    EventType.STEP_STARTED: StepState.RUNNING,
    EventType.STEP_SUCCEEDED: StepState.SUCCEEDED,
    EventType.STEP_FAILED: StepState.FAILED,
}


class Held:
    """A run with its log."""

    def __init__(self, row: RunRow) -> None:
        self.row = row
        self.step = StepProgress(0, 1)
        self.events: list[EventRow] = []
        self.logs: list[LogRow] = []


class Standin(run_service_pb2_grpc.RunServiceServicer, catalog_service_pb2_grpc.CatalogServiceServicer):
    """Everything that the services know. `refusals` are raised by the next calls; `cut_after` events a watch breaks."""

    def __init__(self) -> None:
        self.runs: dict[str, Held] = {}
        self.requests: list[run_service_pb2.SubmitRunRequest] = []
        self.metadata: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.refusals: list[RiversError | grpc.StatusCode] = []
        self.cut_after: int | None = None
        self.auto: EventType | None = None
        self.changed = threading.Condition()
        self.catalog_size = 3
        self.watching = threading.Event()
        self._server: grpc.Server | None = None
        self.port = 0

    # -- the server ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(16),
            options=[("grpc.so_reuseport", 0), ("grpc.http2.max_ping_strikes", 0)],
        )
        run_service_pb2_grpc.add_RunServiceServicer_to_server(self, self._server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            stopped = server.stop(None)
            with self.changed:
                self.changed.notify_all()
            stopped.wait(10)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    # -- what tests do to runs ----------------------------------------------------------------------------------

    def happen(self, run_id: str, type: EventType, **facts: object) -> None:
        """Appends an event, with what it means for the run and its step."""
        with self.changed:
            held = self.runs[run_id]
            step = STEP if type.name.startswith(("STEP", "MATERIALIZED")) else None
            event = Event(type, 0 if step else -1, 1 if step else 0, STEP.key if step else "", **facts)  # type: ignore[arg-type]
            held.row.last_seq += 1
            held.events.append(EventRow(run_id, held.row.last_seq, AT + held.row.last_seq, event, step))
            if type == EventType.RUN_STARTED:
                held.row.state, held.row.started_at = RunState.STARTED, AT
            if type in STEPS:
                held.step.state, held.step.attempt, held.step.failure = STEPS[type], 1, event.failure
            if type in ENDS:
                held.row.state, held.row.ended_at = ENDS[type], AT + 2_000_000_000
                held.row.failure, held.row.completed_steps = event.failure, 1
            self.changed.notify_all()

    def write(self, run_id: str, text: str) -> None:
        """Appends captured output."""
        with self.changed:
            logs = self.runs[run_id].logs
            logs.append(LogRow(run_id, len(logs) + 1, AT, STEP.key, 1, LogStream.STDOUT, text))
            self.changed.notify_all()

    def finish(self, run_id: str, type: EventType = EventType.RUN_SUCCEEDED) -> None:
        """Runs it to its end."""
        failure = BOOM if type == EventType.RUN_FAILED else None
        self.happen(run_id, EventType.RUN_STARTED)
        self.happen(run_id, EventType.STEP_STARTED)
        self.write(run_id, "reading\n")
        self.happen(run_id, EventType.STEP_FAILED if failure else EventType.STEP_SUCCEEDED, failure=failure)
        self.happen(run_id, type, failure=failure)

    # -- RunService ---------------------------------------------------------------------------------------------

    def SubmitRun(self, request, context):
        self._note("SubmitRun", context)
        return self._answer(context, lambda: self._submit(request))

    def BatchSubmitRuns(self, request, context):
        self._note("BatchSubmitRuns", context)
        results = []
        for one in request.requests:
            try:
                results.append(run_service_pb2.BatchSubmitResult(submitted=self._submit(one)))
            except RiversError as error:
                status = grpc.StatusCode[error.status].value[0]
                refused = run_service_pb2.BatchSubmitError(status=status, message=str(error), detail=to_detail(error))
                results.append(run_service_pb2.BatchSubmitResult(error=refused))
        return run_service_pb2.BatchSubmitRunsResponse(results=results)

    def GetRun(self, request, context):
        self._note("GetRun", context)
        held = self._answer(context, lambda: self._held(request.run_id))
        return run_service_pb2.GetRunResponse(run=encode_run(held.row), steps=[encode_step(STEP, held.step)])

    def CancelRun(self, request, context):
        self._note("CancelRun", context)
        held = self._answer(context, lambda: self._held(request.run_id))
        if not held.row.state.is_terminal:
            self.happen(request.run_id, EventType.RUN_CANCEL_REQUESTED, facts=(("reason", request.reason),))
            self.happen(request.run_id, EventType.RUN_CANCELED)
        return run_service_pb2.CancelRunResponse(run=encode_run(held.row))

    def ListRuns(self, request, context):
        self._note("ListRuns", context)
        rows = [held.row for held in reversed(self.runs.values())]
        rows = [row for row in rows if not request.location or row.location == request.location]
        rows = [row for row in rows if not request.job or row.job == request.job]
        rows = [row for row in rows if not request.states or row.state in request.states]
        page, token = self._page(rows, request)
        return run_service_pb2.ListRunsResponse(runs=map(encode_run, page), next_page_token=token)

    def WatchRun(self, request, context):
        self._note("WatchRun", context)
        held = self._answer(context, lambda: self._held(request.run_id))
        seq = request.after_seq
        self.watching.set()
        while True:
            with self.changed:
                self.changed.wait_for(lambda seq=seq: self._moved(held, held.events, seq), 20)
                news = held.events[seq:]
            for row in news:
                seq = row.seq
                yield run_service_pb2.WatchRunResponse(events=[encode_event(row)])
                if self.cut_after is not None:
                    self.cut_after -= 1
                    if self.cut_after == 0:
                        self.cut_after = None
                        context.abort(grpc.StatusCode.UNAVAILABLE, "cut")
            if held.row.state.is_terminal and seq >= len(held.events):
                return
            if self._server is None:
                context.abort(grpc.StatusCode.UNAVAILABLE, "going away")

    def WatchRunLogs(self, request, context):
        self._note("WatchRunLogs", context)
        held = self._answer(context, lambda: self._held(request.run_id))
        seq = request.after_seq
        while True:
            with self.changed:
                if not request.no_follow:
                    self.changed.wait_for(lambda seq=seq: self._moved(held, held.logs, seq), 20)
                news, over = held.logs[seq:], held.row.state.is_terminal
            seq += len(news)
            if news:
                yield run_service_pb2.WatchRunLogsResponse(chunks=map(encode_log, news))
            if over or request.no_follow:
                return
            if self._server is None:
                context.abort(grpc.StatusCode.UNAVAILABLE, "going away")

    # -- CatalogService -----------------------------------------------------------------------------------------

    def ListLocations(self, request, context):
        self._note("ListLocations", context)
        locations = [
            catalog_service_pb2.Location(
                name=f"location_{n}", address=f"127.0.0.1:{4000 + n}", state=3, module="weather", workers=2, job_count=1
            )
            for n in range(self.catalog_size)
        ]
        page, token = self._page(locations, request)
        return catalog_service_pb2.ListLocationsResponse(locations=page, next_page_token=token)

    def ListAssets(self, request, context):
        self._note("ListAssets", context)
        assets = [catalog_service_pb2.Asset(location="weather", kind=1) for _ in range(self.catalog_size)]
        for n, asset in enumerate(assets):
            asset.definition.name = f"asset_{n:04}"
            asset.definition.is_asset = True
        page, token = self._page(assets, request)
        return catalog_service_pb2.ListAssetsResponse(assets=page, next_page_token=token)

    def ListJobs(self, request, context):
        self._note("ListJobs", context)
        jobs = [catalog_service_pb2.Job(location=request.location or "weather")]
        jobs[0].definition.name = "daily"
        jobs[0].definition.steps.append("temperatures")
        return catalog_service_pb2.ListJobsResponse(jobs=jobs)

    # -- within -------------------------------------------------------------------------------------------------

    def _note(self, method, context):
        self.calls.append(method)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, grpc.StatusCode):
                context.abort(refusal, "refused")
            context.abort_with_status(_status(refusal))

    def _answer(self, context, decide):
        try:
            return decide()
        except RiversError as error:
            context.abort_with_status(_status(error))

    def _moved(self, held: Held, rows: list, seq: int) -> bool:
        return len(rows) > seq or held.row.state.is_terminal or self._server is None

    def _held(self, run_id: str) -> Held:
        if run_id not in self.runs:
            raise RunNotFoundError(run_id=run_id)
        return self.runs[run_id]

    def _submit(self, request):
        with self.changed:
            return self._submit_alone(request)

    def _submit_alone(self, request):
        self.requests.append(request)
        for held in self.runs.values():
            if held.row.request_id == request.request_id:
                return run_service_pb2.SubmitRunResponse(run=encode_run(held.row), existed=True)
        if request.location == "away":
            raise LocationUnavailableError(location="away")
        if request.location != "weather":
            raise LocationNotFoundError(location=request.location)
        if request.HasField("job") and request.job != "daily":
            raise JobNotFoundError(job=request.job)
        if "bad" in decode_map(request.config):
            raise InvalidRequestError("config names no asset 'bad'", field="config", remedy="name one of temperatures")
        run_id = f"run-{len(self.runs) + 1}"
        row = RunRow(
            run_id=run_id,
            kind=RunKind.JOB if request.HasField("job") else RunKind.MATERIALIZATION,
            location=request.location,
            job=request.job or None,
            nodes=("temperatures",),
            tags=decode_tags(request.tags),
            submitted_at=AT,
            request_id=request.request_id,
            total_steps=1,
        )
        self.runs[run_id] = Held(row)
        self.happen(run_id, EventType.RUN_QUEUED)
        answer = run_service_pb2.SubmitRunResponse(run=encode_run(replace(row)))
        if self.auto is not None:
            self.finish(run_id, self.auto)
        return answer

    def _page(self, items, request):
        start = int(request.page_token or 0)
        size = request.page_size or 50
        return items[start : start + size], str(start + size) if start + size < len(items) else ""


class _Status(grpc.Status):
    def __init__(self, code, details, trailing_metadata):
        self.code, self.details, self.trailing_metadata = code, details, trailing_metadata


def _status(error: RiversError) -> grpc.Status:
    return _Status(*to_abort(error))
