"""A world whose messages wait in lanes, as they do before a core's thread."""

from __future__ import annotations

from dataclasses import replace

from rivers.lifecycle.states import RunKind
from rivers.planning.build import plan_job
from rivers.storage import logs
from rivers_server.core.inputs import Message, Reported, Submit
from rivers_server.core.lanes import Lanes
from rivers_server.core.pieces import output_of
from tests.unit.server.world import Answer, World


class LanedWorld(World):
    """While it `is_holding`, what is put waits, and a `turn` decides about one batch."""

    def __init__(self) -> None:
        self.lanes = Lanes()
        self.is_holding = False
        super().__init__()

    def start_scheduler(self) -> None:
        """What waited for the earlier one is gone."""
        self.lanes = Lanes()
        super().start_scheduler()

    def put(self, *messages: Message) -> None:
        for message in messages:
            if isinstance(message, Reported):
                message = replace(message, size=sum(map(output_of, message.reports)))
            self.lanes.put(message)
        while self.lanes and not self.is_holding:
            self.turn()

    def turn(self, share: float = 1.0) -> None:
        """One batch, of which the core decides about a share."""
        batch = self.lanes.next_batch()
        count = max(1, int(len(batch) * share)) if batch else 0
        super().put(*batch[:count])
        self.lanes.decided(count)

    def ask(self, location: str, request_id: str | None = None) -> Answer:
        """Somebody asks for a run; the answer comes in its turn."""
        answer = Answer()
        plan = plan_job(self.snapshots[location], "all", location=location)
        self.put(Submit(plan, RunKind.JOB, answer, request_id=request_id))
        return answer

    def is_over(self, asked: Answer) -> bool:
        """Whether a run was made and has ended."""
        return asked.result is not None and self.state_of(asked.result[0].run_id).is_terminal

    def output_of(self, run_id: str) -> str:
        """All that the steps of a run wrote, in order."""
        with self.database.read() as connection:
            return "".join(row.text for row in logs.of_run(connection, run_id, after_seq=0, limit=1_000_000))
