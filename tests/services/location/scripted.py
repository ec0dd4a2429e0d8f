"""A scheduler that does what a test says, over the real step stream."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Sequence
from functools import reduce
from operator import xor
from types import TracebackType
from typing import Any

import grpc

from rivers.v1 import step_service_pb2 as pb
from rivers.v1.plan_pb2 import PLACEMENT_ANY_WORKER, PLACEMENT_HOME
from rivers.v1.step_service_pb2_grpc import StepServiceStub
from rivers.wire.times import encode_duration
from rivers.wire.values import encode_map
from tests.stack import is_alive

PATIENCE = 20.0


class ScriptedScheduler:
    """One session at a time. Reports are kept in the order in which they came; beats are acknowledged by itself."""

    def __init__(self, address: str, *, store_id: str = "store", beat: float = 0.2) -> None:
        self.reports: list[pb.Report] = []
        self.acks_beats = True
        self.last_beat = 0
        self.held = (-1, 0)  # of the newest beat
        self.free_places = -1
        self.inventory = pb.Inventory()
        self.sessions = itertools.count(1)
        self.session = 0
        self._store_id = store_id
        self._beat = beat
        self._channel = grpc.aio.insecure_channel(address)
        self._call: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._writing = asyncio.Lock()
        self.term = 1
        self.ended: grpc.aio.AioRpcError | None = None

    async def __aenter__(self) -> ScriptedScheduler:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()
        await self._channel.close()

    async def attach(self, *, adopt: bool = True, number: int | None = None, term: int | None = None) -> pb.Inventory:
        """Opens a session; by default everything is kept, and the replay is awaited."""
        await self._channel.channel_ready()
        self.term = self.term if term is None else term
        self.session = next(self.sessions) if number is None else number
        self.reports, self.ended, self.held = [], None, (-1, 0)
        self._call = StepServiceStub(self._channel).Attach()
        opening = pb.SessionOpen(
            store_id=self._store_id, session=self.session, beat_interval=encode_duration(self._beat)
        )
        self._reader = asyncio.create_task(self._read(self._call))
        await self.send(pb.Command(open=opening))
        inventory = await self.report(lambda report: report.HasField("inventory"))
        self.inventory, self.last_beat = inventory.inventory, 0
        if adopt:
            await self.adopt(keep=[held.token for held in self.inventory.attempts])
            await self.report(lambda report: report.HasField("replayed"))
        return self.inventory

    async def adopt(self, *, keep: Sequence[int] = (), fence: Sequence[int] = (), forget: Sequence[int] = ()) -> None:
        """Answers the inventory."""
        await self.send(pb.Command(adopt=pb.Adopt(beat=0, keep=keep, fence=fence, forget=forget)))

    async def hang_up(self) -> None:
        """Ends the session, as a cut would."""
        if self._call is not None:
            self._call.cancel()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None

    async def send(self, *commands: pb.Command) -> None:
        """One message."""
        async with self._writing:  # a call takes one write at a time
            await self._call.write(pb.AttachRequest(term=self.term, commands=commands))

    async def assign(self, token: int, step: str, **how: Any) -> None:
        """One assignment, fresh and for the present boot unless said otherwise."""
        await self.send(pb.Command(assign=self.assignment(token, step, **how)))

    def assignment(
        self,
        token: int,
        step: str,
        *,
        run_id: str = "run",
        inputs: Sequence[tuple[str, int]] = (),
        home: bool = False,
        home_required: bool = False,
        lease: float = 60.0,
        boot: int | None = None,
        last_beat: int | None = None,
        digest: str | None = None,
        attempt: int = 1,
        config: dict[str, object] | None = None,
    ) -> pb.Assign:
        """A step to run; `inputs` are upstream nodes with the tokens that produced them."""
        return pb.Assign(
            token=token,
            boot=self.inventory.boot if boot is None else boot,
            last_beat=self.last_beat if last_beat is None else last_beat,
            run_id=run_id,
            attempt=attempt,
            digest=self.inventory.digests[0] if digest is None else digest,
            lease=encode_duration(lease),
            step=pb.StepWork(
                step_key=step,
                step=step,
                outputs=[step],
                inputs=[
                    pb.InputReference(node=node, parameter=node, producer_token=made, producer_run_id=run_id)
                    for node, made in inputs
                ],
                placement=PLACEMENT_HOME if home else PLACEMENT_ANY_WORKER,
                home_required=home_required,
                config=None if config is None else encode_map(config),
            ),
        )

    async def acknowledge(self, token: int) -> None:
        """Everything that came of an attempt is committed."""
        last = max((event.seq for event in self.events(token)), default=0)
        await self.send(pb.Command(ack=pb.Ack(token=token, seq=last)))

    def events(self, token: int) -> list[pb.AttemptEvent]:
        """What came of an attempt in this session."""
        return [report.event for report in self.reports if report.HasField("event") and report.event.token == token]

    def log(self, token: int, stream: int) -> str:
        """What came of one stream of an attempt."""
        return "".join(event.log.text for event in self.events(token) if event.log.stream == stream)

    async def event(self, token: int, body: str) -> pb.AttemptEvent:
        """Waits for an event of an attempt."""
        found = await self.report(
            lambda report: report.HasField("event") and report.event.token == token and report.event.HasField(body)
        )
        return found.event

    async def end(self, token: int) -> pb.AttemptEnded:
        """Waits for the end of an attempt."""
        return (await self.event(token, "ended")).ended

    async def report(self, matches: Callable[[pb.Report], bool]) -> pb.Report:
        """Waits for a report."""
        return await self._until(lambda: next((report for report in self.reports if matches(report)), None))

    async def closed(self) -> grpc.aio.AioRpcError:
        """Waits until the location ends the session."""
        return await self._until(lambda: self.ended)

    async def beats(self, count: int) -> None:
        """Waits for so many more beats."""
        wanted = self.last_beat + count
        await self._until(lambda: self.last_beat >= wanted or None)

    async def holds(self, *tokens: int) -> None:
        """Waits for a beat that says that the location holds these attempts."""
        wanted = (len(tokens), reduce(xor, tokens, 0))
        await self._until(lambda: self.held == wanted or None)

    async def kill(self, pid: int) -> None:
        """Kills a process and waits until it is gone."""
        os.kill(pid, signal.SIGKILL)
        await self.gone(pid)

    async def gone(self, pid: int) -> None:
        """Waits until a process is gone."""
        async with asyncio.timeout(PATIENCE):
            while is_alive(pid):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)

    async def _until(self, find: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE), self._news:
            while (found := find()) is None:
                if self.ended is not None:
                    raise self.ended
                await self._news.wait()
            return found

    async def _read(self, call: Any) -> None:
        try:
            while (message := await call.read()) is not grpc.aio.EOF:
                beats = [report.beat.beat for report in message.reports if report.HasField("beat")]
                places = [report.beat.free_places for report in message.reports if report.HasField("beat")]
                async with self._news:
                    self.reports.extend(report for report in message.reports if not report.HasField("beat"))
                    self.last_beat = max([self.last_beat, *beats])
                    for report in message.reports:
                        if report.HasField("beat"):
                            self.held = (report.beat.held_count, report.beat.held_hash)
                    self.free_places = places[-1] if places else self.free_places
                    self._news.notify_all()
                if beats and self.acks_beats:
                    await self.send(pb.Command(beat_ack=pb.BeatAck(beat=beats[-1])))
        except grpc.aio.AioRpcError as error:
            async with self._news:
                self.ended = error
                self._news.notify_all()
        except asyncio.CancelledError:
            return
