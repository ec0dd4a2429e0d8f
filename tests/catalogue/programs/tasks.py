"""Tasks are steps like assets, and each may depend on the other."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


@rs.Task
def made_by_task() -> int:
    return 3


@rs.Asset
def of_task(made_by_task: int) -> int:
    return made_by_task + 1


@rs.Task(name="last task")
def last(context: rs.TaskExecutionContext, of_task: int) -> str:
    return f"{context.task_name} {of_task}"


ASSETS = [of_task]
TASKS = [made_by_task, last]
JOBS = [rs.Job("tasks", [made_by_task, of_task, last])]
LAUNCH = Launch(job="tasks")
EXPECTED = Outcome(
    materialized=["made_by_task", "of_task", "last task"], values={"of_task": 4, "last task": "last task 4"}
)
