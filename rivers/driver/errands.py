"""The steps of one run that worker processes execute."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.driver import cargo, crew
from rivers.driver.conductor import Conductor
from rivers.driver.lanes import Lane
from rivers.driver.step_sink import StepSink
from rivers.driver.switchboard import Switchboard
from rivers.driver.worker import Worker
from rivers.driver.worker_death import crashed, how_it_ended
from rivers.kernel import StepCall


@dataclass(slots=True)
class _Errand:
    """An attempt that a worker was sent."""

    ordinal: int
    call: StepCall
    data: bytes


class Errands:
    """Sends steps to workers, from any thread, and hears what came of them on a thread of its own.

    A worker that has answered is sent the next step that is ready, if there is one, before its answer is decided on:
    it works meanwhile. The place among the workers goes from one step to the other.
    """

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._surroundings = b""
        self._switchboard = Switchboard(self._heard, self._lost)
        self._sent: dict[Worker, _Errand] = {}
        self._spare: Worker | None = None
        self._proven: set[Worker] = set()

    def start(self, ordinal: int) -> None:
        """Starts a step in a worker; one that cannot travel stays here."""
        conductor = self._conductor
        try:
            data = self._pack(ordinal)
        except Exception as error:  # an author's object that cannot be serialised
            conductor.stay(ordinal, f"{type(error).__name__}: {error}")
            return
        call = conductor.begin(ordinal)
        if call is None:
            conductor.release(Lane.WORKER)
            return
        conductor.started(ordinal)
        self._send(_Errand(ordinal, call, data))

    def stop(self, *, kill: bool) -> None:
        """Ends the thread, and with `kill` the workers that are still busy."""
        if kill:
            for worker in list(self._sent):
                worker.kill()
        self._switchboard.stop()
        for worker in self._sent:  # sent while the run was broken off
            worker.kill()
            worker.exit_code()

    def _pack(self, ordinal: int) -> bytes:
        if not self._surroundings:
            self._surroundings = cargo.surroundings()
        return cargo.pack(self._conductor.calls.call(ordinal, 0, 0), self._conductor.calls.handlers)

    def _send(self, errand: _Errand, *, fresh: bool = False) -> None:
        try:
            worker = self._take(fresh=fresh)
        except Exception as error:  # no process to be had
            self._conductor.stay(errand.ordinal, f"{type(error).__name__}: {error}", errand.call)
            return
        self._send_to(worker, errand)

    def _send_to(self, worker: Worker, errand: _Errand) -> None:
        self._sent[worker] = errand
        worker.send(self._surroundings, errand.data, errand.call.attempt, errand.call.token)
        self._switchboard.expect(worker)

    def _take(self, *, fresh: bool) -> Worker:
        """The worker that has just become free, where that is known, or one of those that nobody uses."""
        if not fresh and self._spare is not None and self._switchboard.is_here:
            worker, self._spare = self._spare, None
            return worker
        return crew.crew.take(fresh=fresh)

    # -- on the switchboard's thread ----------------------------------------------------------------------------------

    def _heard(self, worker: Worker, answer: bytes) -> None:
        errand = self._sent.pop(worker)
        try:
            following = self._relieve(worker) if worker in self._proven else None
            self._receive(worker, errand, answer, is_relieved=following is not None)
            if following is not None:
                self._conductor.started(following.ordinal)
        except BaseException as error:  # not the step's: on a thread where nobody would hear of it
            self._conductor.break_off(error, errand.ordinal)
        if self._spare is not None:
            self._switchboard.disconnect(self._spare)
            crew.crew.give_back(self._spare)
            self._spare = None

    def _relieve(self, worker: Worker) -> _Errand | None:
        """Sends the worker the next step that is ready; what does not go through at once is left for later."""
        conductor = self._conductor
        ordinal = conductor.relief()
        if ordinal is None:
            return None
        try:
            data = self._pack(ordinal)
        except Exception:  # an author's object that cannot be serialised, as will be said when the step is started
            return None
        if not conductor.relieve(ordinal):
            return None
        call = conductor.begin(ordinal)
        if call is None:  # the run was broken off meanwhile
            return None
        following = _Errand(ordinal, call, data)
        self._send_to(worker, following)
        return following

    def _receive(self, worker: Worker, errand: _Errand, answer: bytes, *, is_relieved: bool) -> None:
        conductor, ordinal = self._conductor, errand.ordinal
        place = Lane.INLINE if is_relieved else Lane.WORKER  # it has passed the other on
        reply = cargo.unpack_reply(answer)
        if reply.is_stale and not is_relieved and not worker.is_new:
            self._switchboard.disconnect(worker)
            crew.crew.dismiss(worker)
            self._send(errand, fresh=True)
            return
        worker.is_new = False
        if not is_relieved:
            self._spare = worker
        if reply.end is None:
            self._proven.discard(worker)
            conductor.stay(ordinal, reply.refusal, errand.call, place)
            return
        self._proven.add(worker)
        sink = StepSink(conductor, ordinal)
        for method, arguments in reply.told:
            getattr(sink, method)(*arguments)
        conductor.end_elsewhere(ordinal, reply.end, reply.logs, place)

    def _lost(self, worker: Worker, is_unread: bool) -> None:
        errand = self._sent.pop(worker)
        try:
            code = worker.exit_code()
            if not is_unread:
                end = crashed(errand.call.step_key, code)
                self._conductor.end_elsewhere(errand.ordinal, end, (), Lane.WORKER)
            elif worker.is_new:
                why = f"its worker process ended {how_it_ended(code)} before it began"
                self._conductor.stay(errand.ordinal, why, errand.call)
            else:  # it died while it was idle, and the step has nothing to do with it
                self._send(errand, fresh=True)
        except BaseException as error:  # not the step's: on a thread where nobody would hear of it
            self._conductor.break_off(error, errand.ordinal)
