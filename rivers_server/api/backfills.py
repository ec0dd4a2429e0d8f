"""`BackfillService`: parse, one call, format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from grpc.aio import ServicerContext

from rivers.errors import BackfillNotFoundError, InvalidRequestError, RiversError
from rivers.lifecycle.backfill.forecast import Forecast
from rivers.lifecycle.backfill.rerun import RerunScope
from rivers.lifecycle.backfill.states import BackfillStatus, UnitState
from rivers.storage import backfills
from rivers.storage.backfill_reruns import rerun
from rivers.storage.backfill_rows import BackfillRow
from rivers.v1 import backfill_pb2, backfill_service_pb2, backfill_service_pb2_grpc
from rivers.wire.backfills import encode_backfill, encode_forecast
from rivers_server.api.backfill_maker import BackfillMaker, KeyPages, Made, made
from rivers_server.api.backfill_partitions import partitions_page
from rivers_server.api.border import Border
from rivers_server.api.errors import client_streaming, streaming, unary
from rivers_server.api.pages import decode_token, encode_token, page_size
from rivers_server.api.reader import Reader
from rivers_server.core.inputs import CancelBackfill, CreateBackfill, Message, PauseBackfill, ResumeBackfill
from rivers_server.reply import FutureReply
from rivers_server.watch import Watches

Context = ServicerContext[Any, Any]
_pb = backfill_service_pb2

_SCOPES = {
    _pb.RERUN_SCOPE_UNSPECIFIED: RerunScope.UNSUCCESSFUL,
    _pb.RERUN_SCOPE_UNSUCCESSFUL: RerunScope.UNSUCCESSFUL,
    _pb.RERUN_SCOPE_FAILED: RerunScope.FAILED,
    _pb.RERUN_SCOPE_CANCELED: RerunScope.CANCELED,
    _pb.RERUN_SCOPE_MISSING: RerunScope.MISSING,
    _pb.RERUN_SCOPE_ALL: RerunScope.ALL,
}


class BackfillServicer(backfill_service_pb2_grpc.BackfillServiceServicer):
    """Backfills. What changes state goes to the core; what only reads goes to the rows."""

    def __init__(
        self,
        put: Callable[[Message], None],
        reader: Reader,
        maker: BackfillMaker,
        watches: Watches,
        border: Border,
        is_connected: Callable[[str], bool],
    ) -> None:
        self.border = border
        self._put = put
        self._reader = reader
        self._maker = maker
        self._watches = watches
        self._is_connected = is_connected

    @unary
    async def CreateBackfill(self, request: _pb.CreateBackfillRequest, context: Context) -> _pb.CreateBackfillResponse:
        row, existed = await self._create(request.request_id, self._maker.make(request))
        return _pb.CreateBackfillResponse(backfill=row, existed=existed)

    @client_streaming
    async def CreateBackfillFromKeys(
        self, requests: AsyncIterator[_pb.CreateBackfillFromKeysRequest], context: Context
    ) -> _pb.CreateBackfillFromKeysResponse:
        request: _pb.CreateBackfillRequest | None = None
        pages: KeyPages | None = None
        async for piece in requests:
            if piece.WhichOneof("piece") == "request":
                if request is not None:
                    raise InvalidRequestError("the request comes once, before all keys", field="request")
                request = piece.request
                pages = await self._maker.pages(request)
            elif pages is None:
                raise InvalidRequestError("the first message holds the request, the others hold keys", field="request")
            else:
                await asyncio.to_thread(pages.add, piece)
        if request is None:
            raise InvalidRequestError("the first message holds the request, the others hold keys", field="request")
        row, existed = await self._create(request.request_id, self._maker.make(request, pages))
        return _pb.CreateBackfillFromKeysResponse(backfill=row, existed=existed)

    @unary
    async def ForecastBackfill(
        self, request: _pb.ForecastBackfillRequest, context: Context
    ) -> _pb.ForecastBackfillResponse:
        found: Forecast = await self._maker.forecast(request.request)
        return _pb.ForecastBackfillResponse(forecast=encode_forecast(found))

    @unary
    async def GetBackfill(self, request: _pb.GetBackfillRequest, context: Context) -> _pb.GetBackfillResponse:
        return _pb.GetBackfillResponse(backfill=self._encode(await self._row(request.backfill_id)))

    @unary
    async def ListBackfills(self, request: _pb.ListBackfillsRequest, context: Context) -> _pb.ListBackfillsResponse:
        size = page_size(request.page_size, self.border.limits.page)
        rows = await self._reader.read(
            backfills.page,
            location=request.location or None,
            statuses=[BackfillStatus(number) for number in request.states if number],
            before=decode_token(request.page_token, int, str),
            limit=size,
        )
        last = rows[-1] if len(rows) == size else None
        return _pb.ListBackfillsResponse(
            backfills=map(self._encode, rows),
            next_page_token=encode_token(last.created_at, last.backfill_id) if last is not None else "",
        )

    @streaming
    async def WatchBackfill(
        self, request: _pb.WatchBackfillRequest, context: Context
    ) -> AsyncIterator[_pb.WatchBackfillResponse]:
        seen = request.after_version
        with self._watches.on(request.backfill_id, context.peer()) as watch:
            while True:
                watch.clear()
                row = await self._row(request.backfill_id)
                if row.version > seen:
                    seen = row.version
                    yield _pb.WatchBackfillResponse(backfill=self._encode(row))
                if row.status.is_terminal:
                    return
                await watch.wait()

    @unary
    async def ListBackfillPartitions(
        self, request: _pb.ListBackfillPartitionsRequest, context: Context
    ) -> _pb.ListBackfillPartitionsResponse:
        size = page_size(request.page_size, self.border.limits.page, default=100)
        place = decode_token(request.page_token, int, int)
        after = (int(place[0]), int(place[1])) if place else (-1, -1)
        states = {UnitState(number) for number in request.states if number}

        def read(connection: Any) -> tuple[list[backfill_pb2.BackfillUnit], tuple[int, int] | None]:
            row = backfills.get(connection, request.backfill_id)
            if row is None:
                raise BackfillNotFoundError(backfill_id=request.backfill_id)
            pinned = backfills.pinned(connection, request.backfill_id)
            return partitions_page(connection, row, pinned, states=states, after=after, limit=size)

        units, following = await self._reader.read(read)
        token = encode_token(*following) if following is not None else ""
        return _pb.ListBackfillPartitionsResponse(units=units, next_page_token=token)

    @unary
    async def CancelBackfill(self, request: _pb.CancelBackfillRequest, context: Context) -> _pb.CancelBackfillResponse:
        row = await self._ask(lambda reply: CancelBackfill(_known(request.backfill_id), request.reason, reply))
        return _pb.CancelBackfillResponse(backfill=row)

    @unary
    async def PauseBackfill(self, request: _pb.PauseBackfillRequest, context: Context) -> _pb.PauseBackfillResponse:
        row = await self._ask(lambda reply: PauseBackfill(_known(request.backfill_id), request.reason, reply))
        return _pb.PauseBackfillResponse(backfill=row)

    @unary
    async def ResumeBackfill(self, request: _pb.ResumeBackfillRequest, context: Context) -> _pb.ResumeBackfillResponse:
        row = await self._ask(lambda reply: ResumeBackfill(_known(request.backfill_id), reply))
        return _pb.ResumeBackfillResponse(backfill=row)

    @unary
    async def RerunBackfill(self, request: _pb.RerunBackfillRequest, context: Context) -> _pb.RerunBackfillResponse:
        row, existed = await self._create(request.request_id, self._rerun(request))
        return _pb.RerunBackfillResponse(backfill=row, existed=existed)

    # -- within -----------------------------------------------------------------------------------------------------

    async def _rerun(self, request: _pb.RerunBackfillRequest) -> Made:
        old = await self._row(request.backfill_id)
        snapshot = self._maker.snapshot(old.location)
        names = {
            name
            for node in old.nodes
            if (output := snapshot.output_by_node.get(node)) is not None and output.partitions is not None
            for name in output.partitions.dynamic_names()
        }
        row, pinned = await self._reader.read(
            rerun,
            old,
            _SCOPES[request.scope],
            snapshot,
            now=self._maker.now(),
            registered=await self._maker.registered(sorted(names)),
            request_id=request.request_id or None,
        )
        return made(row, pinned)

    async def _create(self, request_id: str, making: Any) -> tuple[backfill_pb2.Backfill, bool]:
        try:
            new: Made = await making
        except RiversError:
            # What was acknowledged stays so, even while the location is away or has other definitions by now.
            found = await self._reader.read(_made_by, request_id)
            if found is None:
                raise
            return self._encode(found), True
        reply = FutureReply.make(lambda result: (self._encode(result[0]), result[1]))
        self._put(CreateBackfill(new.row, new.pinned, new.plan, reply))
        result: tuple[backfill_pb2.Backfill, bool] = await reply.future
        return result

    async def _ask(self, message: Callable[[FutureReply], Message]) -> backfill_pb2.Backfill:
        reply = FutureReply.make(self._encode)
        self._put(message(reply))
        row: backfill_pb2.Backfill = await reply.future
        return row

    async def _row(self, backfill_id: str) -> BackfillRow:
        row = await self._reader.read(backfills.get, _known(backfill_id))
        if row is None:
            raise BackfillNotFoundError(backfill_id=backfill_id)
        return row

    def _encode(self, row: BackfillRow) -> backfill_pb2.Backfill:
        """A backfill, with why it waits: that ends by itself, so it is computed and never stored (B6)."""
        waits = row.status in (BackfillStatus.QUEUED, BackfillStatus.RUNNING) and not self._is_connected(row.location)
        return encode_backfill(row, reason=f"location '{row.location}' is not connected" if waits else "")


def _known(backfill_id: str) -> str:
    if not backfill_id:
        raise InvalidRequestError("backfill_id is missing", field="backfill_id")
    return backfill_id


def _made_by(connection: Any, request_id: str) -> BackfillRow | None:
    backfill_id = backfills.find_request(connection, request_id) if request_id else None
    return backfills.get(connection, backfill_id) if backfill_id is not None else None
