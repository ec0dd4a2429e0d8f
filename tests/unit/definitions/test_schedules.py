"""Schedules as authors declare them."""

import pytest

import rivers as rs
from rivers.exceptions import ConfigurationError, ScheduleDefinitionError

HOURLY = {"cron_schedule": "0 * * * *", "job_name": "j"}


@rs.Asset
def a() -> int:
    return 1


JOB = rs.Job("j", [a])


def nightly(context: rs.ScheduleEvaluationContext):
    """Every night."""
    return rs.RunRequest()


@pytest.mark.parametrize(
    "make",
    [lambda: rs.Schedule(**HOURLY)(nightly), lambda: rs.Schedule(nightly, **HOURLY)],
    ids=["decorator", "function first"],
)
def test_with_a_function(make):
    schedule = make()
    assert schedule.name == "nightly"
    assert schedule.evaluation_fn is nightly
    assert schedule.__doc__ == "Every night."
    assert repr(schedule) == "Schedule('nightly', cron_schedule='0 * * * *', job_name='j')"


def test_without_a_function():
    schedule = rs.Schedule(**HOURLY)
    assert schedule.name == "j_schedule"
    assert schedule.evaluation_fn is None
    assert schedule.default_status == rs.ScheduleStatus.Stopped
    assert schedule.timezone is None
    assert schedule.tags is None
    assert schedule.description is None
    assert schedule.eval_mode == rs.EvalMode.Auto
    assert schedule.eval_timeout is None


def test_a_name_of_its_own_wins():
    assert rs.Schedule(nightly, name="other", **HOURLY).name == "other"
    assert rs.Schedule(name="other", **HOURLY).name == "other"


def test_it_reads_back_what_it_was_given():
    schedule = rs.Schedule(
        nightly,
        cron_schedule="0 6 * * MON-FRI",
        job_name="morning",
        name="workdays",
        default_status=rs.ScheduleStatus.Running,
        timezone="Europe/Madrid",
        tags={"team": "a"},
        description="On workdays",
        eval_mode=rs.EvalMode.Subprocess,
        eval_timeout="whenever",
    )
    assert (schedule.cron_schedule, schedule.job_name, schedule.name) == ("0 6 * * MON-FRI", "morning", "workdays")
    assert schedule.default_status == rs.ScheduleStatus.Running
    assert (schedule.timezone, schedule.tags, schedule.description) == ("Europe/Madrid", {"team": "a"}, "On workdays")
    assert (schedule.eval_mode, schedule.eval_timeout) == (rs.EvalMode.Subprocess, "whenever")
    with pytest.raises(AttributeError, match="read-only"):
        schedule.job_name = "other"


def test_one_decorator_for_several_functions():
    hourly = rs.Schedule(**HOURLY)

    @hourly
    def one():
        return None

    @hourly
    def two():
        return None

    assert (one.name, two.name, hourly.name) == ("one", "two", "j_schedule")
    with pytest.raises(ScheduleDefinitionError, match="schedule 'one' already wraps a function"):
        one(nightly)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.Schedule(cron_schedule="", job_name="j"), ScheduleDefinitionError, "cron_schedule cannot be empty"),
        (
            lambda: rs.Schedule(cron_schedule="60 * * * *", job_name="j"),
            ScheduleDefinitionError,
            'invalid cron_schedule "60 * * * *": ',
        ),
        (
            lambda: rs.Schedule(cron_schedule="* * * *", job_name="j"),
            ScheduleDefinitionError,
            'invalid cron_schedule "* * * *": ',
        ),
        (lambda: rs.Schedule(cron_schedule="@daily", job_name=""), ScheduleDefinitionError, "job_name cannot be empty"),
        (lambda: rs.Schedule(cron_schedule="@daily"), TypeError, "job_name"),
        (lambda: rs.Schedule(job_name="j"), TypeError, "cron_schedule"),
        (lambda: rs.Schedule(nightly, "@daily", "j"), TypeError, "positional"),
        (lambda: rs.Schedule(timezone="Mars/Olympus", **HOURLY), ScheduleDefinitionError, 'invalid timezone "Mars/Ol'),
        (lambda: rs.Schedule(timezone="", **HOURLY), ScheduleDefinitionError, 'invalid timezone "": '),
        (lambda: rs.Schedule(timezone=3, **HOURLY), TypeError, "timezone must be a str"),
        (lambda: rs.Schedule(name="", **HOURLY), ScheduleDefinitionError, "schedule name cannot be empty"),
        (lambda: rs.Schedule(default_status=True, **HOURLY), TypeError, "default_status must be a ScheduleStatus"),
        (lambda: rs.Schedule(default_status=rs.SensorStatus.Running, **HOURLY), TypeError, "not SensorStatus"),
        (lambda: rs.Schedule(tags={"a": 1}, **HOURLY), TypeError, "tags must be a dict[str, str]: 'a' is int"),
        (lambda: rs.Schedule(tags=[("a", "b")], **HOURLY), TypeError, "tags must be a dict[str, str] or None"),
        (lambda: rs.Schedule(eval_timeout=30, **HOURLY), TypeError, "eval_timeout must be a str or None, not int"),
        (lambda: rs.Schedule(eval_mode=1, **HOURLY), TypeError, "eval_mode must be a EvalMode"),
        (lambda: rs.Schedule("nightly", **HOURLY), ScheduleDefinitionError, "Schedule wraps a function, not str"),
        (lambda: rs.Schedule(cron=1, **HOURLY), TypeError, "cron"),
    ],
)
def test_wrong_schedules_are_refused(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


def test_closed_sets():
    assert [int(member) for member in rs.ScheduleStatus] == [0, 1]
    assert [member.name for member in rs.ScheduleStatus] == ["Running", "Stopped"]
    assert [int(member) for member in rs.SensorStatus] == [0, 1]
    assert [(member.name, int(member)) for member in rs.EvalMode] == [("Auto", 0), ("InProcess", 1), ("Subprocess", 2)]
    assert rs.EvalMode.Auto == 0
    assert repr(rs.ScheduleStatus.Running) == "ScheduleStatus.Running"


def repository(*schedules, **options):
    return rs.CodeRepository(assets=[a], jobs=[JOB], schedules=list(schedules), **options)


def test_an_unknown_job_is_found_when_the_repository_is_resolved():
    repo = repository(rs.Schedule(cron_schedule="@daily", job_name="gone", name="s"))
    for check in (repo.validate, repo.resolve):
        with pytest.raises(ScheduleDefinitionError) as caught:
            check()
        assert str(caught.value) == (
            "Schedule 's' references unknown job 'gone'. Define the job and add it to `CodeRepository(jobs=...)`."
        )


def test_an_unknown_parameter_is_found_when_the_repository_is_resolved():
    @rs.Schedule(**HOURLY)
    def s(context: rs.ScheduleEvaluationContext, db):
        return None

    with pytest.raises(ConfigurationError) as caught:
        repository(s, resources={"api": 1, "web": 2}).validate()
    assert str(caught.value) == (
        "Schedule 's': parameter 'db' does not match any known resource. Available resources: [\"api\", \"web\"]"
    )
    repository(s, resources={"db": 1}).validate()


def test_a_timeout_that_is_no_duration_is_found_when_the_repository_is_resolved():
    with pytest.raises(ValueError, match="invalid duration for 'eval_timeout': \"soon\" — "):
        repository(rs.Schedule(eval_timeout="soon", **HOURLY)).validate()


def test_a_repository_shows_its_schedules():
    first, second = rs.Schedule(nightly, **HOURLY), rs.Schedule(name="other", **HOURLY)
    repo = repository(first, second)
    assert repo.schedules == [first, second]
    assert repo.get_schedule("other") is second
    with pytest.raises(rs.exceptions.NodeNotFoundError, match=r"^Schedule 'nope' not found"):
        repo.get_schedule("nope")


def test_names_that_come_twice_are_not_refused():
    first, second = rs.Schedule(nightly, **HOURLY), rs.Schedule(nightly, cron_schedule="@daily", job_name="j")
    repo = repository(first, second)
    assert repo.get_schedule("nightly") is first


def test_schedules_are_part_of_the_snapshot():
    schedule = rs.Schedule(
        nightly,
        cron_schedule="@daily",
        job_name="j",
        timezone="Europe/Madrid",
        default_status=rs.ScheduleStatus.Running,
        tags={"b": "2", "a": "1"},
        eval_timeout="90s",
        eval_mode=rs.EvalMode.InProcess,
    )
    snapshot = repository(schedule).bound.snapshot
    (definition,) = snapshot.schedules
    assert (definition.name, definition.cron, definition.job) == ("nightly", "@daily", "j")
    assert (definition.timezone, definition.is_running, definition.timeout) == ("Europe/Madrid", True, 90.0)
    assert definition.tags == (("a", "1"), ("b", "2"))
    assert definition.mode.name == "IN_PROCESS"
    assert snapshot.digest != repository().bound.snapshot.digest
