"""A plan's edges, the other way round."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.definitions.kinds import TriggerRule
from rivers.planning.plan import RunPlan


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who waits for an output, and for what about it."""

    ordinal: int
    trigger: TriggerRule


class PlanIndex:
    """What a plan's edges say the other way round: unmet dependencies by step, consumers by (step, output)."""

    __slots__ = ("consumers", "unmet")

    def __init__(self, plan: RunPlan) -> None:
        self.unmet = [0] * len(plan.steps)
        self.consumers: dict[tuple[int, str], list[Consumer]] = {}
        for ordinal, step in enumerate(plan.steps):
            for edge in step.edges:
                if edge.producer is not None:
                    self.unmet[ordinal] += 1
                    consumers = self.consumers.setdefault((edge.producer, edge.node), [])
                    consumers.append(Consumer(ordinal, edge.trigger))
