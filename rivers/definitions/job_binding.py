"""Jobs, validated against the steps that a repository has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rivers.definitions.job import Job
from rivers.definitions.kinds import HandlerKind, StepKind
from rivers.definitions.registry import NamedRetries
from rivers.definitions.snapshot import JobDefinition, StepDefinition
from rivers.definitions.step_binding import outputs_of
from rivers.definitions.suggestion import nearest
from rivers.errors import GraphValidationError, NodeNotFoundError


def bind_jobs(jobs: Iterable[Job], steps: Sequence[StepDefinition], retries: NamedRetries) -> tuple[JobDefinition, ...]:
    """Every job as frozen data; `steps` are in topological order."""
    place_by_node = {output.name: place for place, step in enumerate(steps) for output in step.outputs}
    bound: dict[str, JobDefinition] = {}
    for job in jobs:
        if job.name in bound:
            raise GraphValidationError(f"Duplicate job name: '{job.name}'", job=job.name)
        bound[job.name] = _bind(job, steps, place_by_node, retries)
    return tuple(bound.values())


def _bind(
    job: Job, steps: Sequence[StepDefinition], place_by_node: Mapping[str, int], retries: NamedRetries
) -> JobDefinition:
    places = set()
    for member in job.assets:
        for node in outputs_of(member):
            if node not in place_by_node:
                raise NodeNotFoundError(
                    f"Job '{job.name}': node '{node}' not found in repository",
                    remedy=nearest(node, place_by_node) or "register it with the CodeRepository",
                    job=job.name,
                    node=node,
                )
            places.add(place_by_node[node])
    for place in sorted(places):
        for edge in steps[place].edges:
            upstream = steps[place_by_node[edge.upstream]]
            if place_by_node[edge.upstream] in places or upstream.kind == StepKind.EXTERNAL_ASSET:
                continue
            story = f"Job '{job.name}': node '{steps[place].key}' depends on '{edge.upstream}' which is not in the job"
            if not job.allow_incomplete_deps:
                raise GraphValidationError(
                    f"{story}. Add it to the job or set allow_incomplete_deps=True", job=job.name
                )
            output = next(output for output in upstream.outputs if output.name == edge.upstream)
            if edge.parameter is not None and output.handler == HandlerKind.DEFAULT:
                raise GraphValidationError(f"{story} and has no io_handler", job=job.name)
    return JobDefinition(
        job.name,
        tuple(steps[place].key for place in sorted(places)),
        None if job.executor is None else job.executor.definition,
        retries.resolve(job.retry, f"referenced by job '{job.name}'"),
        job.allow_incomplete_deps,
    )
