"""Evaluation functions that another process can import."""

import os

from pydantic import BaseModel

import rivers as rs

SENSOR = {"job_name": "j", "minimum_interval": "100ms", "default_status": rs.SensorStatus.Running}


@rs.Sensor(eval_mode=rs.EvalMode.Subprocess, **SENSOR)
def apart(context: rs.SensorEvaluationContext):
    print("to standard error")
    yield rs.RunRequest(run_key="one", tags={"pid": str(os.getpid()), "told": context.sensor_name})


class Settings(BaseModel):
    rows: int = 7


@rs.Sensor(eval_mode=rs.EvalMode.Subprocess, **SENSOR)
def configured_apart(context: rs.SensorEvaluationContext[Settings]):
    return rs.SkipReason(repr(context.config))


@rs.Sensor(eval_mode=rs.EvalMode.Subprocess, **SENSOR)
def failing_apart():
    raise LookupError("over there")


@rs.Sensor(eval_mode=rs.EvalMode.Subprocess, **SENSOR)
async def later_apart():
    return rs.SkipReason("not now")


@rs.Sensor(eval_mode=rs.EvalMode.Subprocess, eval_timeout="500ms", **SENSOR)
def endless_apart():
    while True:
        pass
