"""The conditions of a repository's assets: evaluated together, whenever the interval has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from rivers.automation.state import ConditionState
from rivers.automation.sweep import sweep
from rivers.automation.ticks import AutomationKind, TickStatus
from rivers.daemon.facts import StoredFacts, dependencies_of
from rivers.daemon.loops import Pulse
from rivers.daemon.requested import launch_requested
from rivers.definitions.condition import ConditionDefinition
from rivers.repository.launching import Launcher
from rivers.repository.session import Session
from rivers.storage import automations
from rivers.storage.automations import TickRow
from rivers.v1 import automation_pb2
from rivers.wire.condition_states import decode_condition_state, encode_condition_state

#: After every position: a condition without a past asks for no updates.
_NEVER = (1 << 63) - 1


class ConditionLoop:
    """Evaluates conditions until the daemon is stopped, first when one interval has passed."""

    def __init__(self, session: Session, launcher: Launcher, pulse: Pulse, kept: int | None, interval: float) -> None:
        self._session = session
        self._launcher = launcher
        self._pulse = pulse
        self._kept = kept
        self._interval = interval
        self._conditions = conditions_of(session)
        self._nodes = self._about()

    async def run(self) -> None:
        """Evaluates after each interval."""
        while self._conditions and await self._pulse.pause(self._interval):
            await self._pulse.guarded(asyncio.to_thread(self.evaluate))

    def evaluate(self) -> None:
        """Evaluates every condition once, launches what has fired and stores what is to be remembered."""
        snapshot, database = self._session.bound.snapshot, self._session.storage.database
        now = self._pulse.clock.wall()
        with database.read() as connection:
            stored = automations.states(connection, list(self._conditions))
            states = self._states(stored)
            since = min((state.position for state in states.values()), default=_NEVER)
            facts = StoredFacts(connection, snapshot, self._nodes, since=since, now=self._pulse.clock.wall_ns())
        done = sweep(self._conditions, states, facts, now)
        launched = launch_requested(self._session, self._launcher, facts.layout, done.fired)
        at = self._pulse.clock.wall_ns()
        left = {
            asset: body
            for asset, state in done.states.items()
            if (asset in launched) == (asset in done.fired)  # else nothing was requested, and it is tried again
            and (body := encode_condition_state(state).SerializeToString()) != stored.get(asset)
        }
        with database.transaction() as connection:
            automations.save_states(connection, left)
            for asset, made in launched.items():
                ids = tuple(made.run_ids), tuple(made.backfill_ids)
                tick = TickRow(asset, AutomationKind.CONDITION, TickStatus.REQUESTED, at, *ids)
                automations.record(connection, tick, kept=self._kept)

    def _states(self, stored: Mapping[str, bytes]) -> dict[str, ConditionState]:
        """What the conditions remember; of one that is built in another way now, nothing."""
        found = {}
        for asset, body in stored.items():
            state = decode_condition_state(automation_pb2.ConditionState.FromString(body))
            if state.fingerprint == self._conditions[asset].fingerprint:
                found[asset] = state
        return found

    def _about(self) -> list[str]:
        """The assets that the conditions are about: their own, those that these depend on, those that are named."""
        snapshot = self._session.bound.snapshot
        nodes: dict[str, None] = {}
        for asset, condition in self._conditions.items():
            named = [key for node in condition.walk() for key in node.keys]
            waiting = [asset, *named]
            for _ in range(_reach(condition)):
                nodes |= dict.fromkeys(waiting)
                waiting = [one for node in waiting for one in dependencies_of(snapshot, node)]
            nodes |= dict.fromkeys(waiting)
        return list(nodes)


def conditions_of(session: Session) -> dict[str, ConditionDefinition]:
    """The conditions of all assets, upstreams first."""
    return {
        output.name: step.automation
        for step in session.bound.snapshot.steps
        if step.automation is not None
        for output in step.outputs
        if output.is_asset
    }


def _reach(condition: ConditionDefinition) -> int:
    """How many dependencies deep a condition may look."""
    own = 1 if condition.kind.name in ("ANY_DEPS", "ALL_DEPS") else 0
    return own + max((_reach(child) for child in condition.children), default=0)
