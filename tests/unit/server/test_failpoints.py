"""What `RIVERS_FAILPOINT` may say. That the process dies there is for `tests/faults/test_failpoints.py` to see."""

from __future__ import annotations

import pytest

from rivers.errors import ConfigurationError
from rivers_server.failpoints import Failpoint, Moment, Transition


def test_without_the_variable_there_is_no_failpoint() -> None:
    assert Failpoint.from_environment({}) is None
    assert Failpoint.from_environment({"RIVERS_FAILPOINT": ""}) is None


def test_a_failpoint_names_transition_moment_and_count() -> None:
    failpoint = Failpoint.from_environment({"RIVERS_FAILPOINT": "run_end.before_commit:3"})
    assert failpoint is not None
    assert (failpoint.transition, failpoint.moment) == (Transition.RUN_END, Moment.BEFORE_COMMIT)


@pytest.mark.parametrize("text", ["ended", "ended.sometime", "lunch.before_commit", "ended.before_commit:0", "a.b:c"])
def test_a_failpoint_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"RIVERS_FAILPOINT=.* a moment of before_commit, "):
        Failpoint.parse(text)
