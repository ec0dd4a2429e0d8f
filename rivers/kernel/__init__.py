"""The kernel: one step, from its inputs to its outputs. It knows no storage and no states."""

from rivers.kernel.call import InputReference, StepCall, StepEnd, StepSink, Values
from rivers.kernel.failures import failure_of
from rivers.kernel.step import run_step, run_step_async

__all__ = [
    "InputReference",
    "StepCall",
    "StepEnd",
    "StepSink",
    "Values",
    "failure_of",
    "run_step",
    "run_step_async",
]
