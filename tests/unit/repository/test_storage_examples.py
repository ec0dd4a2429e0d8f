"""What a storage answers exactly, on every kind of it."""

import pytest

import rivers as rs
from rivers.exceptions import StorageError


@rs.Asset(code_version="1")
def a() -> int:
    return 1


@rs.Asset
def b(a: int) -> int:
    return a + 1


@pytest.fixture
def ran(repository, storage):
    """Two successful runs of `a` and `b`."""
    repo = repository(a, b, storage=storage)
    return [repo.materialize().run_id for _ in range(2)]


def test_newest_events_first(storage, ran):
    events = storage.get_events_for_asset("a", limit=2)
    assert [(event.event_type, event.run_id) for event in events] == [
        ("StepSuccess", ran[1]),
        ("Materialization", ran[1]),
    ]
    assert len(storage.get_events_for_asset("a")) == 6


def test_what_an_asset_was_made_from(storage, ran):
    made, record = storage.get_asset_record("a"), storage.get_asset_record("b")
    assert record.last_input_data_versions == [("a", made.last_data_version)]
    latest = storage.get_latest_materialization("a")
    assert (latest.id, latest.run_id, latest.timestamp, latest.data_version) == (
        made.last_event_id,
        made.last_run_id,
        made.last_timestamp,
        made.last_data_version,
    )
    assert made.last_materialization_code_version == "1"


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda storage: storage.get_runs(status="Failure"), []),
        (lambda storage: len(storage.get_runs(status="Success")), 2),
        (lambda storage: len(storage.get_runs(limit=1)), 1),
        (lambda storage: storage.get_runs(limit=0), []),
        (lambda storage: storage.get_run("none"), None),
        (lambda storage: storage.request_cancellation("zz"), None),
        (lambda storage: storage.is_cancelled("none"), False),
        (lambda storage: storage.cancel_queued_run("none"), False),
        (lambda storage: storage.get_run_progress("none"), (0, 0)),
        (lambda storage: storage.get_assets_by_tag("none"), []),
        (lambda storage: storage.has_dynamic_partition("none", "k"), False),
        (lambda storage: storage.delete_dynamic_partition("none", "k"), None),
        (lambda storage: storage.compute_staleness(), {"a": ("UpToDate", []), "b": ("UpToDate", [])}),
    ],
)
def test_answers(storage, ran, ask, answer):
    assert ask(storage) == answer


def test_runs_are_newest_first_and_finished_ones_have_made_all_their_steps(storage, ran):
    assert [run.run_id for run in storage.get_runs()] == ran[::-1]
    assert [storage.get_run_progress(run_id) for run_id in ran] == [(2, 2), (2, 2)]


def test_an_outcome_is_a_note_beside_the_run(storage, ran):
    storage.set_run_outcome(ran[0], "Failure", 1, 2, message="out of memory")
    assert storage.get_run(ran[0]).status == "Success"
    text = "Invalid outcome status: 'Failed'. Expected 'Success', 'Failure', or 'Cancelled'"
    with pytest.raises(ValueError, match=text):
        storage.set_run_outcome(ran[0], "Failed", 1, 2)


def test_lists_are_copies_and_records_stay_as_they_are(storage, ran):
    record = storage.get_asset_record("a")
    record.tags.append("changed")
    storage.get_runs().clear()
    assert storage.get_asset_record("a").tags == []
    assert len(storage.get_runs()) == 2
    with pytest.raises(AttributeError):
        record.group = "changed"


def test_a_failed_run_never_touches_asset_records(storage, repository, ran):
    before = storage.get_asset_record("a")

    @rs.Asset(name="a", code_version="1")
    def fails() -> int:
        raise ValueError("boom")

    repository(fails, storage=storage).materialize(raise_on_error=False)
    assert storage.get_asset_record("a") == before


def test_an_unknown_status_is_named(storage):
    with pytest.raises(StorageError) as caught:
        storage.get_runs(status="success")
    assert str(caught.value) == "Unknown run status: success"


@pytest.mark.parametrize(
    ("made", "shown", "kind"),
    [
        (rs.LaunchedBy.manual(), "LaunchedBy.manual()", "manual"),
        (rs.LaunchedBy.schedule("s"), 'LaunchedBy.schedule("s")', "schedule"),
        (rs.LaunchedBy.sensor("q"), 'LaunchedBy.sensor("q")', "sensor"),
        (rs.LaunchedBy.backfill("b"), 'LaunchedBy.backfill("b")', "backfill"),
        (rs.LaunchedBy.condition(), "LaunchedBy.condition()", "condition"),
    ],
)
def test_who_launched_a_run(made, shown, kind):
    assert (repr(made), made.kind, made.user) == (shown, kind, None)
    assert (made.name, made.backfill_id) == ({"schedule": "s", "sensor": "q"}.get(kind), {"backfill": "b"}.get(kind))
    assert made == eval(shown, {"LaunchedBy": rs.LaunchedBy})
    assert hash(made) == hash(eval(shown, {"LaunchedBy": rs.LaunchedBy}))
    assert made != rs.LaunchedBy.sensor("other")
