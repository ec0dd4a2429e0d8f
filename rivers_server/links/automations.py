"""Schedules, sensors and conditions as a location sends them: what no tick could be made of."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rivers.definitions.automation_snapshot import ScheduleDefinition, SensorDefinition
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.cron import check_cron, check_timezone
from rivers.definitions.kinds import ConditionKind
from rivers.definitions.snapshot import Snapshot

#: Characters of a cron expression: what is longer was made to be slow.
_LONGEST_CRON = 200


def troubles_of_automations(snapshot: Snapshot, longest_name: int) -> Iterator[str]:
    """What is wrong with them."""
    jobs = {job.name for job in snapshot.jobs}
    nodes = {output.name for step in snapshot.steps for output in step.outputs}
    ticking: list[ScheduleDefinition | SensorDefinition] = [*snapshot.schedules, *snapshot.sensors]
    for one in ticking:
        noun = "schedule" if isinstance(one, ScheduleDefinition) else "sensor"
        if not one.name or len(one.name) > longest_name or "\0" in one.name:
            yield f"a {noun} has a name of {len(one.name)} characters: {one.name[:40]!r}"
        if one.job is not None and one.job not in jobs:
            yield f"{noun} {one.name!r} is for job {one.job[:longest_name]!r}, which is not defined"
        if one.timeout is not None and not 0.0 <= one.timeout < math.inf:
            yield f"{noun} {one.name!r} may take {one.timeout} seconds"
    for schedule in snapshot.schedules:
        yield from _troubles_of_cron(f"schedule {schedule.name!r}", schedule.cron, schedule.timezone)
    for sensor in snapshot.sensors:
        yield from _troubles_of_sensor(sensor, jobs, nodes)
    for step in snapshot.steps:
        if step.automation is not None:
            yield from _troubles_of_condition(f"the condition of {step.key!r}", step.automation, nodes)


def _troubles_of_sensor(sensor: SensorDefinition, jobs: set[str], nodes: set[str]) -> Iterator[str]:
    if not 0.0 <= sensor.interval < math.inf:
        yield f"sensor {sensor.name!r} is evaluated every {sensor.interval} seconds"
    for asset in sensor.assets:
        if asset not in nodes:
            yield f"sensor {sensor.name!r} is about {asset[:100]!r}, which is not defined"
    for job in (sensor.watch.jobs if sensor.watch is not None else None) or ():
        if job not in jobs:
            yield f"sensor {sensor.name!r} watches job {job[:100]!r}, which is not defined"


def _troubles_of_condition(where: str, condition: ConditionDefinition, nodes: set[str]) -> Iterator[str]:
    for node in condition.walk():
        if node.kind == ConditionKind.CRON_TICK_PASSED:
            yield from _troubles_of_cron(where, node.cron, node.timezone)
        if node.lookback is not None and not 0.0 < node.lookback < math.inf:
            yield f"{where} looks {node.lookback} seconds back"
        for key in node.keys:
            if key not in nodes:
                yield f"{where} selects {key[:100]!r}, which is not defined"


def _troubles_of_cron(where: str, cron: str, timezone: str | None) -> Iterator[str]:
    try:
        if len(cron) > _LONGEST_CRON:
            raise ValueError(f"it has {len(cron)} characters, {_LONGEST_CRON} are possible")
        check_cron(cron)
    except ValueError as error:
        yield f"{where} has the cron expression {cron[:_LONGEST_CRON]!r}: {error}"
    if timezone is not None:
        try:
            check_timezone(timezone)
        except ValueError as error:
            yield f"{where} has the time zone {timezone[:100]!r}: {error}"
