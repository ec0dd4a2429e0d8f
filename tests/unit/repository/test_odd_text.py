"""Text that a database may not hold ends no run."""

import pytest

import rivers as rs

HALF = "half \ud800 a character"


def _add(context):
    context.add_output_metadata({"note": HALF})
    return 1


def _version(context):
    context.register_data_version(HALF)
    return 1


def test_zero_bytes_and_halves_of_characters_are_bent(storage, repository):
    @rs.Asset
    def prints():
        print("zero \0 byte and half \ud800 a character")
        return 1

    @rs.Asset
    def described(prints):
        return rs.Output(2, metadata={"zero \0 key": "zero \0 value"})

    @rs.Asset
    def raises(described):
        raise ValueError("zero \0 byte and half \ud800 a character")

    result = repository(prints, described, raises, storage=storage).materialize(raise_on_error=False)
    assert not result.success
    assert [name for name, _ in result.failed_assets] == ["raises"]
    assert "byte and half" in str(storage.get_events_for_run(result.run_id))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (lambda context: rs.Output(1, metadata={"note": HALF}), "metadata['note']"),
        (lambda context: rs.Output(1, metadata={"note": rs.MetadataValue.sql(HALF)}), "metadata['note']['query']"),
        (lambda context: rs.Output(1, metadata={HALF: 1}), "a name in metadata"),
        (lambda context: rs.Output(1, data_version=HALF), "data_version"),
        (_add, "metadata['note']"),
        (_version, "data_version"),
    ],
)
def test_half_a_character_in_metadata_fails_its_step_alone(storage, repository, body, place):
    @rs.Asset
    def odd(context: rs.AssetExecutionContext):
        return body(context)

    @rs.Asset
    def fine():
        return 2

    result = repository(odd, fine, storage=storage).materialize(raise_on_error=False)
    assert result.materialized_assets == ["fine"]
    assert [(name, error.split(" (")[0]) for name, error in result.failed_assets] == [
        ("odd", f"InvalidMetadataError: {place} is not valid Unicode text")
    ]


@pytest.mark.parametrize("name", ["", " ", "a/b", "a.b", "%", "a\nb", "g/t__0"])
def test_a_name_may_be_any_text(storage, repository, name):
    odd = rs.Asset(name=name)(lambda: 1)
    repo = repository(odd, storage=storage)
    result = repo.materialize()
    assert (result.materialized_assets, repo.load_node(name)) == ([name], 1)
    told = [(event.event_type, event.asset_key) for event in storage.get_events_for_run(result.run_id)]
    assert told == [("StepStart", name), ("Materialization", name), ("StepSuccess", name)]
    assert [(event.event_type, event.asset_key) for event in storage.get_events_for_asset(name)] == told[::-1]
    latest = storage.get_latest_materialization(name)
    assert (latest.asset_key, latest.id) == (name, storage.get_asset_record(name).last_event_id)
