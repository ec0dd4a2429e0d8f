"""Submitting, reading, listing and canceling runs, with both clients."""

import grpc
import pytest

from rivers.errors import (
    InvalidRequestError,
    JobNotFoundError,
    LocationNotFoundError,
    LocationUnavailableError,
    RunNotFoundError,
    UnavailableError,
)
from rivers.lifecycle.states import EventType, RunKind, RunState, StepState
from rivers.wire.identity import decode_partition_key
from rivers.wire.values import decode_map, decode_tags
from rivers_client import PartitionKey, RunRequest
from tests.services.client.standin import BOOM


def test_a_job_is_submitted_with_all_that_was_said(client, scheduler):
    run = client.runs.submit(
        "weather",
        job="daily",
        config={"ops": {"n": 2**53 + 1}},
        tags={"team": "sky", "rivers/priority": "5"},
        partition_key="2024-01-01",
    )
    assert (run.run_id, run.state, run.existed) == ("run-1", RunState.QUEUED, False)
    assert (run.run.job, run.run.kind, run.run.total_steps) == ("daily", RunKind.JOB, 1)
    sent = scheduler.requests[0]
    assert len(sent.request_id) == 32
    assert decode_map(sent.config) == {"ops": {"n": 2**53 + 1}}
    assert decode_tags(sent.tags) == (("team", "sky"), ("rivers/priority", "5"))
    assert decode_partition_key(sent.partition_key) == PartitionKey.single("2024-01-01")


def test_a_selection_is_submitted(client, scheduler):
    client.runs.submit("weather", select=["temperatures"], include_upstream=True, tags=[("a", "1"), ("a", "2")])
    sent = scheduler.requests[0]
    assert (list(sent.selection.nodes), sent.selection.include_upstream) == (["temperatures"], True)
    assert decode_tags(sent.tags) == (("a", "1"), ("a", "2"))


def test_neither_job_nor_selection_means_everything(client, scheduler):
    client.runs.submit("weather")
    assert scheduler.requests[0].WhichOneof("target") == "selection"
    assert not scheduler.requests[0].selection.nodes


def test_a_request_id_is_submitted_once(client, scheduler):
    first = client.runs.submit("weather", job="daily", request_id="mine")
    again = client.runs.submit("weather", job="daily", request_id="mine")
    assert (again.run_id, again.existed) == (first.run_id, True)


def test_a_submission_is_repeated_with_the_same_id_when_nobody_answers(client, scheduler):
    scheduler.refusals = [grpc.StatusCode.UNAVAILABLE, UnavailableError("the database is away")]
    assert client.runs.submit("weather", job="daily").run_id == "run-1"
    assert scheduler.calls == ["SubmitRun"] * 3


def test_a_scheduler_that_was_missed_a_moment_ago_is_given_time_to_find_its_locations(client, scheduler):
    scheduler.refusals = [grpc.StatusCode.UNAVAILABLE, LocationUnavailableError(location="weather")]
    assert client.runs.submit("weather", job="daily").run_id == "run-1"
    assert scheduler.calls == ["SubmitRun"] * 3


def test_patience_ends(connect, scheduler):
    scheduler.refusals = [UnavailableError("the database is away")] * 100
    with pytest.raises(UnavailableError, match="the database is away"):
        connect(scheduler.address, patience=0.2).runs.submit("weather")
    assert 2 <= len(scheduler.calls) < 20


def test_no_patience_asks_once(connect, scheduler):
    scheduler.refusals = [UnavailableError("the database is away")]
    with pytest.raises(UnavailableError):
        connect(scheduler.address, patience=0).runs.submit("weather")
    assert len(scheduler.calls) == 1


@pytest.mark.parametrize(
    ("submission", "cls", "ids"),
    [
        ({"location": "weather", "job": "nightly"}, JobNotFoundError, {"job": "nightly"}),
        ({"location": "sports", "job": "daily"}, LocationNotFoundError, {"location": "sports"}),
        ({"location": "away", "job": "daily"}, LocationUnavailableError, {"location": "away"}),
    ],
)
def test_the_schedulers_own_error_is_raised_at_once(client, scheduler, submission, cls, ids):
    with pytest.raises(cls) as caught:
        client.runs.submit(**submission)
    assert caught.value.ids == ids
    assert str(caught.value) == str(cls(**ids))
    assert len(scheduler.calls) == 1
    assert not scheduler.runs


def test_an_error_names_field_and_remedy(client):
    with pytest.raises(InvalidRequestError, match="no asset 'bad'") as caught:
        client.runs.submit("weather", job="daily", config={"bad": 1})
    assert (caught.value.field, caught.value.remedy) == ("config", "name one of temperatures")


def test_what_cannot_be_sent_is_refused_here(client, scheduler):
    with pytest.raises(TypeError, match="select is a list"):
        client.runs.submit("weather", select="temperatures")
    with pytest.raises(InvalidRequestError, match="leave out the selection"):
        client.runs.submit("weather", job="daily", select=["temperatures"])
    with pytest.raises(InvalidRequestError, match="does not fit in 64 bits"):
        client.runs.submit("weather", config={"n": 2**63})
    with pytest.raises(InvalidRequestError, match="needs a location"):
        client.runs.submit("")
    assert not scheduler.calls


def test_many_runs_are_submitted_in_few_calls(client, scheduler):
    requests = [RunRequest("weather", job="daily") for _ in range(450)]
    handles = client.runs.submit_many(requests)
    made = [scheduler.runs[handle.run_id].row.request_id for handle in handles]
    assert made == [request.request_id for request in requests]
    assert scheduler.calls == ["BatchSubmitRuns"] * 3


def test_of_many_each_is_refused_by_itself(client):
    first, second, third = client.runs.submit_many(
        [RunRequest("weather", job="daily"), RunRequest("weather", job="x"), RunRequest("weather")]
    )
    assert (first.run_id, third.run_id) == ("run-1", "run-2")
    assert isinstance(second, JobNotFoundError)
    assert str(second) == "Job 'x' not found; `rivers jobs list` shows what there is."


def test_many_are_repeated_as_they_were(client, scheduler):
    scheduler.refusals = [UnavailableError("later")]
    requests = [RunRequest("weather", job="daily") for _ in range(3)]
    assert len(client.runs.submit_many(requests)) == 3
    assert [handle.existed for handle in client.runs.submit_many(requests)] == [True] * 3
    assert client.runs.submit_many([]) == []


def test_a_run_is_read_with_its_steps(client, scheduler):
    run_id = client.runs.submit("weather", job="daily").run_id
    scheduler.finish(run_id, EventType.RUN_FAILED)
    run = client.runs.get(run_id).run
    assert (run.state, run.is_over, run.succeeded, run.failure) == (RunState.FAILED, True, False, BOOM)
    assert (run.ended_at - run.started_at).total_seconds() == 2
    assert [(step.key, step.state, step.attempt, step.failure) for step in run.steps] == [
        ("temperatures", StepState.FAILED, 1, BOOM)
    ]


def test_an_unknown_run_is_named(client):
    with pytest.raises(RunNotFoundError, match="Run 'nope' not found") as caught:
        client.runs.get("nope")
    assert caught.value.run_id == "nope"


def test_runs_are_listed_over_pages(client, scheduler):
    client.runs.submit_many(RunRequest("weather", job="daily") for _ in range(450))
    scheduler.calls.clear()
    assert [run.run_id for run in client.runs.list()] == list(reversed(scheduler.runs))
    assert scheduler.calls == ["ListRuns"] * 3


def test_a_listing_ends_at_its_limit(client, scheduler):
    client.runs.submit_many(RunRequest("weather", job="daily") for _ in range(10))
    scheduler.calls.clear()
    assert [run.run_id for run in client.runs.list(limit=2)] == ["run-10", "run-9"]
    assert list(client.runs.list(limit=0)) == []
    assert scheduler.calls == ["ListRuns"]


def test_a_listing_fetches_a_page_when_it_is_reached(client, scheduler):
    client.runs.submit_many(RunRequest("weather", job="daily") for _ in range(450))
    scheduler.calls.clear()
    assert next(client.runs.list()).run_id == "run-450"
    assert scheduler.calls == ["ListRuns"]


def test_runs_are_listed_by_state_and_job(client, scheduler):
    client.runs.submit_many([RunRequest("weather", job="daily"), RunRequest("weather")])
    scheduler.finish("run-1")
    assert [run.run_id for run in client.runs.list(states=RunState.SUCCEEDED)] == ["run-1"]
    assert [run.run_id for run in client.runs.list(states=[RunState.QUEUED])] == ["run-2"]
    assert [run.run_id for run in client.runs.list(job="daily")] == ["run-1"]
    assert list(client.runs.list(location="sports")) == []


def test_a_run_is_canceled(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    assert run.cancel("enough").state == RunState.CANCELED
    assert run.state == RunState.CANCELED
    assert client.runs.cancel(run.run_id).state == RunState.CANCELED
    with pytest.raises(RunNotFoundError):
        client.runs.cancel("nope")


def test_a_token_travels_with_every_call(connect, scheduler):
    client = connect(scheduler.address, token="s3cret")
    client.runs.submit("weather")
    list(client.locations.list())
    assert [metadata["authorization"] for metadata in scheduler.metadata] == ["Bearer s3cret"] * 2


def test_address_and_token_come_from_the_environment(connect, scheduler, monkeypatch):
    monkeypatch.setenv("RIVERS_SCHEDULER", scheduler.address)
    monkeypatch.setenv("RIVERS_TOKEN", "from-env")
    client = connect(None)
    assert client.address == scheduler.address
    client.runs.submit("weather")
    assert scheduler.metadata[0]["authorization"] == "Bearer from-env"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"address": "nowhere"}, "'nowhere' is no address"), ({"address": "a:1", "token": "é"}, "not printable ASCII")],
)
def test_settings_that_cannot_work_are_refused(connect, settings, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        connect(**settings)


def test_locations_assets_and_jobs_are_listed(client, scheduler):
    scheduler.catalog_size = 250
    assert [location.name for location in client.locations.list()][:2] == ["location_0", "location_1"]
    assert len(list(client.assets.list())) == 250
    (job,) = client.jobs.list(location="weather")
    assert (job.location, job.name, job.definition.steps) == ("weather", "daily", ("temperatures",))
    assert scheduler.calls == ["ListLocations"] * 2 + ["ListAssets"] * 2 + ["ListJobs"]
