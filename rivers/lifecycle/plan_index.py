"""A plan's edges, the other way round."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.definitions.kinds import Delivery, StepKind, TriggerRule
from rivers.planning.plan import RunPlan


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who waits for an output, and for what about it."""

    ordinal: int
    trigger: TriggerRule


class PlanIndex:
    """What a plan's edges say the other way round: unmet dependencies by step, consumers by (step, output).

    `mapped` are the tasks that are mapped over an output, by (step, output); `graphs` the own steps of graph assets.
    """

    __slots__ = ("consumers", "graphs", "mapped", "unmet")

    def __init__(self, plan: RunPlan) -> None:
        self.unmet = [0] * len(plan.steps)
        self.consumers: dict[tuple[int, str], list[Consumer]] = {}
        self.mapped: dict[tuple[int, str], list[int]] = {}
        self.graphs: dict[str, int] = {}
        for ordinal, step in enumerate(plan.steps):
            if step.kind == StepKind.GRAPH_ASSET:
                self.graphs[step.step] = ordinal
            for edge in step.edges:
                if edge.producer is not None:
                    self.unmet[ordinal] += 1
                    consumers = self.consumers.setdefault((edge.producer, edge.node), [])
                    consumers.append(Consumer(ordinal, edge.trigger))
                    if edge.delivery == Delivery.ELEMENT:
                        self.mapped.setdefault((edge.producer, edge.node), []).append(ordinal)
