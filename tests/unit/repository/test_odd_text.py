"""Text that a database may not hold ends no run."""

import rivers as rs


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
