"""The scheduler is killed again and again while every program of the catalogue runs: the same comes of each (S-01)."""

from __future__ import annotations

from pathlib import Path
from subprocess import TimeoutExpired

import pytest

from rivers_server.failpoints.failpoint import Moment
from rivers_server.failpoints.transition import Transition
from tests.catalogue import ways
from tests.catalogue.test_programs import MAPPED, PROGRAMS, check, reference
from tests.stack import Stack

#: Each scheduler dies at one of these, the n-th time that it comes to it.
POINTS = [
    (Transition.DISPATCH, Moment.BEFORE_COMMIT, 3),
    (Transition.STARTED, Moment.BEFORE_DELIVERY, 4),
    (Transition.OUTPUT, Moment.AFTER_DELIVERY, 5),
    (Transition.ENDED, Moment.BEFORE_COMMIT, 5),
    (Transition.DISPATCH, Moment.BEFORE_DELIVERY, 5),
    (Transition.ENDED, Moment.BEFORE_DELIVERY, 6),
    (Transition.RUN_END, Moment.BEFORE_COMMIT, 4),
    (Transition.OUTPUT, Moment.BEFORE_COMMIT, 8),
    (Transition.RUN_END, Moment.AFTER_DELIVERY, 6),
]
#: A hook that is due when the scheduler dies is not called.
HOOKS = {"hooks", "hooks_of_multi"}


@pytest.mark.timeout(300)
def test_S01_programs_of_every_kind_end_the_same_while_the_scheduler_dies(scratch: Path, tmp_path: Path) -> None:
    beats = ("--beat-interval", "0.2")
    options = (*beats, "--max-concurrent-runs", "1000")
    with Stack(tmp_path) as stack:
        stack.start_scheduler(*beats, "--max-concurrent-runs", "0")  # all of them wait
        ways.serve(stack, "parallel")
        handles = {name: ways.submit(stack, program) for name, program in PROGRAMS.items() if name not in HOOKS}
        died = 0
        for transition, moment, count in POINTS:
            stack.kill_scheduler()
            stack.start_scheduler(*options, failpoint=f"{transition}.{moment}:{count}")
            assert stack.scheduler is not None
            try:
                stack.scheduler.process.wait(5)
                died += 1
            except TimeoutExpired:  # nothing was left that would have come to it
                break
        stack.kill_scheduler()
        stack.start_scheduler(*options)
        assert died >= 3
        for name, handle in handles.items():
            seen = ways.at_location(stack.client.runs.get(handle.run_id), PROGRAMS[name])
            check(PROGRAMS[name].expected, seen)
            assert seen.story == reference(name)[0].story, name


#: Programs that say how often a body ran or what it printed, and those whose values live in one process.
COUNTED = {name for name, program in PROGRAMS.items() if {*program.expected.notes, *program.expected.stdout}}
COUNTED |= {name for name, program in PROGRAMS.items() if program.expected.retries} | HOOKS
AT_HOME = {"executor_in_process", "executor_mixed", "job_in_process", "unpicklable"}


@pytest.mark.timeout(300)
def test_S02_programs_of_every_kind_end_the_same_while_their_location_dies(scratch: Path, tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler("--beat-interval", "0.2", "--max-concurrent-runs", "3")
        ways.serve(stack, "parallel")
        chosen = PROGRAMS.keys() - COUNTED - AT_HOME
        handles = {name: ways.submit(stack, PROGRAMS[name]) for name in sorted(chosen)}
        for share in (1, 2, 3):
            wanted = share * len(handles) // 5
            stack.until(lambda wanted=wanted: ended(stack) >= wanted, "so many runs that are over", 60)
            stack.locations[ways.MODULE].kill()
            ways.serve(stack, "parallel")
        for name, handle in handles.items():
            expected, seen = PROGRAMS[name].expected, ways.at_location(handle, PROGRAMS[name])
            assert seen.success is not bool(expected.failed), name
            assert seen.values == dict(expected.values), name
            errors = {event[5][1] for event in seen.of("STEP_FAILED", "STEP_SKIPPED")}
            assert errors - {MAPPED} == set(expected.failed.values()), name


def ended(stack: Stack) -> int:
    """How many runs are over."""
    return sum(run.is_over for run in stack.client.runs.list())
