"""The storage facade without runs: every kind of it does the same."""

import asyncio
import subprocess
import sys

import pytest

import rivers as rs
from rivers.exceptions import StorageError
from rivers.testing import embedded_storage, memory_storage


def test_types(tmp_path):
    assert rs.Storage.memory().type == rs.StorageType.Memory
    assert embedded_storage(tmp_path / "s").type == rs.StorageType.Embedded
    assert rs.Storage.connect(f"sqlite:///{tmp_path / 'x.db'}").type == rs.StorageType.Remote


def test_unknown_things_are_nothing(storage):
    assert storage.get_run("none") is None
    assert storage.get_runs() == []
    assert storage.get_asset_record("none") is None
    assert storage.get_events_for_run("none") == []
    assert storage.get_events_for_asset("none") == []
    assert storage.get_latest_materialization("none") is None
    assert storage.get_run_logs("none") == []
    assert storage.get_run_progress("none") == (0, 0)
    assert storage.is_cancelled("none") is False
    assert storage.cancel_queued_run("none") is False
    assert storage.get_ticks("none") == []
    assert storage.get_queued_runs() == []
    assert storage.compute_staleness() == {}
    assert storage.get_materialized_partitions("none") == []
    assert storage.count_materialized_partitions("none") == 0


def test_the_status_filter_knows_every_status_and_no_other(storage):
    for status in ("Queued", "NotStarted", "Started", "Success", "Failure", "Canceled"):
        assert storage.get_runs(status=status) == []
    with pytest.raises(StorageError) as caught:
        storage.get_runs(status="Sucess")
    assert str(caught.value) == "Unknown run status: Sucess"
    assert caught.value.remedy == "did you mean 'Success'?"


@pytest.mark.parametrize("limit", ["3", None, 1.5])
def test_limits_are_whole_numbers(storage, limit):
    for read in (lambda: storage.get_runs(limit), lambda: storage.get_ticks("a", limit)):
        with pytest.raises(TypeError, match=f"limit must be an int, not {type(limit).__name__}"):
            read()
    with pytest.raises(TypeError, match="limit must be an int"):
        storage.get_events_for_asset("a", limit)


@pytest.mark.parametrize("limit", [-1, 0, 10**30])
def test_limits_may_be_anything_else(storage, limit):
    assert (storage.get_runs(limit), storage.get_ticks("a", limit)) == ([], [])
    assert storage.get_events_for_asset("a", limit) == []


def test_key_values(storage):
    assert storage.kv_get("k") is None
    storage.kv_set("k", b"1")
    storage.kv_set("k", b"2")
    assert storage.kv_get("k") == b"2"
    with pytest.raises(TypeError):
        storage.kv_set("k", "text")


def test_dynamic_partitions(storage):
    storage.add_dynamic_partitions("tenants", ["b", "acme", "b"])
    assert storage.get_dynamic_partitions("tenants") == ["acme", "b"]
    assert storage.has_dynamic_partition("tenants", "b")
    assert not storage.has_dynamic_partition("tenants", "c")
    storage.delete_dynamic_partition("tenants", "b")
    storage.delete_dynamic_partition("tenants", "b")
    assert storage.get_dynamic_partitions("tenants") == ["acme"]
    with pytest.warns(UserWarning, match="'nobody'"):
        assert storage.get_dynamic_partitions("nobody") == []


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["a", ""], "dynamic partition keys must not be empty"),
        (["a", "x|y"], "partition key 'x|y' contains reserved character '|' (used by the canonical display form)"),
    ],
)
def test_a_refused_key_refuses_all(storage, keys, text):
    with pytest.raises(StorageError) as caught:
        storage.add_dynamic_partitions("tenants", keys)
    assert str(caught.value) == text
    assert not storage.has_dynamic_partition("tenants", "a")


def test_pools(storage):
    storage.set_pool_limit("db", 4, "1h30m")
    storage.set_pool_limit("db", 2)
    (limit,) = storage.get_pool_limits()
    assert (limit.pool_key, limit.slot_limit, limit.lease_duration_secs) == ("db", 2, 300)
    info = storage.get_pool_info("db")
    assert (info.claimed_count, info.pending_count) == (0, 0)
    assert storage.get_all_pool_infos() == [info]
    assert storage.get_pool_slot_holders("db") == []
    with pytest.raises(ValueError, match="invalid duration for 'lease_duration': \"soon\""):
        storage.set_pool_limit("db", 4, "soon")
    with pytest.raises(StorageError):
        storage.get_pool_info("none")


def test_a_cancellation_is_a_flag(storage):
    assert storage.request_cancellation("zz") is None
    assert storage.is_cancelled("zz")


def test_outcomes_are_notes(storage):
    storage.set_run_outcome("any", "Cancelled", 1, 2, "message")
    assert storage.get_run("any") is None
    with pytest.raises(ValueError, match="Invalid outcome status: 'Canceled'"):
        storage.set_run_outcome("any", "Canceled", 1, 2)


async def test_asynchronous_twins_do_the_same(storage):
    await storage.async_kv_set("k", b"1")
    assert await storage.async_kv_get("k") == b"1"
    await storage.async_add_dynamic_partitions("d", ["a"])
    assert await storage.async_get_dynamic_partitions("d") == ["a"]
    assert await storage.async_has_dynamic_partition("d", "a")
    await storage.async_delete_dynamic_partition("d", "a")
    reads = await asyncio.gather(
        storage.async_get_run("x"),
        storage.async_get_runs(5, "Success"),
        storage.async_get_run_logs("x"),
        storage.async_get_events_for_run("x"),
        storage.async_get_events_for_asset("x", 3),
        storage.async_get_latest_materialization("x", "p"),
        storage.async_get_asset_record("x"),
        storage.async_get_asset_records(),
        storage.async_get_assets_by_tag("x"),
        storage.async_get_assets_by_kind("x"),
        storage.async_get_assets_by_group("x"),
        storage.async_get_ticks("x"),
    )
    assert [read or None for read in reads] == [None] * 12


def test_memory_storages_are_private():
    one, other = memory_storage(), memory_storage()
    one.kv_set("k", b"1")
    assert other.kv_get("k") is None


def test_an_embedded_storage_can_be_dropped_and_opened_again(tmp_path):
    storage = embedded_storage(str(tmp_path / "store"))
    storage.kv_set("k", b"1")
    del storage
    assert embedded_storage(str(tmp_path / "store")).kv_get("k") == b"1"


def test_dropping_an_embedded_storage_frees_the_directory(tmp_path):
    from rivers.storage.database import Database

    storage = embedded_storage(tmp_path)
    with pytest.raises(StorageError):
        Database.embedded(tmp_path, lock="exclusive", address="here:1")
    del storage
    Database.embedded(tmp_path, lock="exclusive", address="here:1").close()


def test_a_directory_that_a_scheduler_owns_is_refused(tmp_path):
    program = (
        "import sys\nfrom rivers.storage.database import Database\n"
        f"database = Database.embedded({str(tmp_path)!r}, lock='exclusive', address='localhost:4000')\n"
        "print('ready', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1, text=True) as owner:
        assert owner.stdout.readline() == "ready\n"
        with pytest.raises(StorageError, match="localhost:4000"):
            rs.Storage.embedded(tmp_path)
        owner.stdin.close()


def test_where_no_storage_can_be(tmp_path, monkeypatch):
    monkeypatch.delenv("RIVERS_DATABASE_URL", raising=False)
    with pytest.raises(StorageError, match="RIVERS_DATABASE_URL"):
        rs.Storage.connect()
    with pytest.raises(StorageError) as caught:
        rs.Storage.connect("mysql://user:secret@host/db")
    assert "secret" not in str(caught.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        rs.Storage.embedded(tmp_path / "file" / "store")


def test_the_url_may_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RIVERS_DATABASE_URL", f"sqlite:///{tmp_path / 'x.db'}")
    rs.Storage.connect().kv_set("k", b"1")
    assert (tmp_path / "x.db").exists()


def test_migrating_makes_an_up_to_date_store_and_can_be_repeated(tmp_path):
    for _ in range(2):
        rs.Storage.migrate_embedded(str(tmp_path / "store"))
        rs.Storage.migrate_remote(f"sqlite:///{tmp_path / 'x.db'}")
    assert rs.Storage.embedded(tmp_path / "store").get_runs() == []
