"""The repository itself: types, resolving, resources, shutting down."""

from __future__ import annotations

import warnings

import pytest

import rivers as rs
from rivers.exceptions import AssetDefinitionError, GraphValidationError, TaskDefinitionError


@rs.Asset
def a() -> int:
    return 1


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.CodeRepository(), TypeError, "assets"),
        (lambda: rs.CodeRepository(assets=a), TypeError, "assets must be a sequence of assets, not SingleAsset"),
        (lambda: rs.CodeRepository(assets="a"), TypeError, "assets must be a sequence of assets, not str"),
        (lambda: rs.CodeRepository(assets=[a.function]), AssetDefinitionError, "decorate with @rs.Asset"),
        (lambda: rs.CodeRepository(assets=[rs.Asset(name="x")]), AssetDefinitionError, "wraps no function"),
        (lambda: rs.CodeRepository([], tasks=[rs.Task(name="x")]), TaskDefinitionError, "wraps no function"),
        (lambda: rs.CodeRepository([], tasks=[a]), TypeError, "tasks must be a sequence of Task, got SingleAsset"),
        (lambda: rs.CodeRepository([], jobs={"j": 1}), TypeError, "jobs must be a sequence of Job, not dict"),
        (lambda: rs.CodeRepository([], default_executor="x"), TypeError, "default_executor must be Executor or None"),
        (lambda: rs.CodeRepository([], resources=[1]), TypeError, "resources must be a dict, not list"),
        (lambda: rs.CodeRepository([], retries={"x": 1}), TypeError, "retries['x'] must be RetryPolicy, not int"),
        (lambda: rs.CodeRepository([], pool_limits={"x": "1"}), TypeError, "pool_limits['x'] must be int, not str"),
        (lambda: rs.CodeRepository([], default_retry_policy=3), TypeError, "default_retry_policy must be"),
        (lambda: rs.CodeRepository([], schedules=[1]), TypeError, "schedules must be a sequence of Schedule, got int"),
        (lambda: rs.CodeRepository([]).resolve(storage="x"), TypeError, "storage must be a Storage or None, not str"),
    ],
)
def test_wrong_types_are_refused(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


def test_the_constructor_checks_types_only():
    repo = rs.CodeRepository(assets=[rs.Asset(name="x")(lambda gone: 1)])
    for call in (repo.validate, repo.validate, repo.resolve, repo.materialize):
        with pytest.raises(GraphValidationError, match="Asset 'x': unresolved input 'gone'"):
            call()


def test_resolving_again_changes_nothing():
    repo, storage = rs.CodeRepository([a]), rs.Storage.memory()
    repo.resolve(storage=storage)
    repo.resolve(storage=rs.Storage.memory())
    assert repo.storage is storage


def test_without_a_storage_there_is_one_in_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repo = rs.CodeRepository([a])
    assert repo.storage.type == rs.StorageType.Memory
    assert list(tmp_path.iterdir()) == []


def test_resolving_leaves_other_records_alone():
    storage = rs.Storage.memory()
    rs.CodeRepository([rs.Asset(name="old")(lambda: 1)]).resolve(storage=storage)
    rs.CodeRepository([a]).resolve(storage=storage)
    assert [record.asset_key for record in storage.get_asset_records()] == ["a", "old"]


def test_pools_are_registered():
    storage = rs.Storage.memory()
    claims = rs.Asset(name="x", pool=["db", "api"], pool_slots={"db": 2})(lambda: 1)
    rs.CodeRepository([claims], pool_limits={"db": 4, "spare": 1}).resolve(storage=storage)
    assert {pool.pool_key: pool.slot_limit for pool in storage.get_pool_limits()} == {"db": 4, "api": -1, "spare": 1}
    assert storage.get_asset_record("x").pool == [("db", 2), ("api", 1)]


def test_assets_are_found_by_name():
    multi = rs.Asset.from_multi(list, [rs.AssetDef("x"), rs.AssetDef("y")], name="both")
    assets = rs.CodeRepository([a, multi]).assets
    assert assets == {"a": a, "x": multi, "y": multi}


def test_a_resource_that_hides_behind_an_asset_is_told_of():
    class Anything(rs.Resource): ...

    repo = rs.CodeRepository([a], resources={"a": Anything()})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        repo.validate()
    with pytest.warns(UserWarning, match="Resource key 'a' shadows an asset with the same name"):
        repo.resolve()


class Counted(rs.Resource):
    """Says what happens to it."""

    name: str
    fails: str = ""

    def setup(self):
        _heard.append(f"setup {self.name}")
        if self.fails == "setup":
            raise RuntimeError("no setup")

    def teardown(self):
        _heard.append(f"teardown {self.name}")
        if self.fails == "teardown":
            raise RuntimeError("no teardown")


_heard: list[str] = []


@pytest.fixture(autouse=True)
def _quiet():
    _heard.clear()


def test_resources_live_once():
    repo = rs.CodeRepository([a], resources={"one": Counted(name="1"), "two": Counted(name="2"), "plain": object()})
    repo.validate()
    assert _heard == []
    repo.resolve()
    repo.resolve()
    assert _heard == ["setup 1", "setup 2"]
    repo.shutdown()
    repo.shutdown()
    assert _heard == ["setup 1", "setup 2", "teardown 1", "teardown 2"]
    assert repo.materialize().success


def test_the_context_manager_shuts_down():
    with rs.CodeRepository([a], resources={"one": Counted(name="1")}) as repo:
        repo.materialize()
    assert _heard == ["setup 1", "teardown 1"]


def test_a_setup_that_fails_leaves_the_repository_unresolved():
    repo = rs.CodeRepository([a], resources={"one": Counted(name="1"), "two": Counted(name="2", fails="setup")})
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no setup"):
            repo.resolve()
    assert _heard == ["setup 1", "setup 2", "setup 2"]
    repo.shutdown()
    assert _heard[-1] == "teardown 1"


def test_a_teardown_that_fails_is_logged(caplog):
    repo = rs.CodeRepository([a], resources={"one": Counted(name="1", fails="teardown"), "two": Counted(name="2")})
    repo.resolve()
    repo.shutdown()
    assert _heard[-2:] == ["teardown 1", "teardown 2"]
    assert "teardown of resource 'one' failed" in caplog.text


def test_a_resource_is_the_same_in_every_run():
    seen = []
    resource = Counted(name="1")
    repo = rs.CodeRepository(
        [rs.Asset(name="x")(lambda one: seen.append(one))],
        resources={"one": resource},
        default_executor=rs.Executor.in_process(),
    )
    repo.materialize()
    repo.materialize()
    assert [one is resource for one in seen] == [True, True]


def test_P05_a_claim_above_its_pools_limit_is_refused():
    wide = rs.Asset(name="wide", pool="db", pool_slots=3)(lambda: 1)
    multi = rs.Asset.from_multi(list, [rs.AssetDef("x"), rs.AssetDef("y", pool="db", pool_slots=3)], name="both")
    for asset, name in ((wide, "wide"), (multi, "y")):
        with pytest.raises(GraphValidationError) as caught:
            rs.CodeRepository([asset], pool_limits={"db": 2}).validate()
        assert str(caught.value) == f"asset '{name}' claims 3 slots of pool 'db', which has 2"
    for limit in (0, -1, 3):
        rs.CodeRepository([wide], pool_limits={"db": limit}).resolve()
    storage = rs.Storage.memory()
    storage.set_pool_limit("db", 2)
    with pytest.raises(GraphValidationError, match="claims 3 slots of pool 'db', which has 2"):
        rs.CodeRepository([wide]).resolve(storage=storage)
    assert storage.get_asset_records() == []


def test_resolving_keeps_what_was_set_at_run_time():
    storage = rs.Storage.memory()
    storage.set_pool_limit("db", 7, "9s")
    storage.set_pool_limit("api", 7, "9s")
    claims = rs.Asset(name="x", pool=["db", "api"])(lambda: 1)
    rs.CodeRepository([claims], pool_limits={"api": 2}).resolve(storage=storage)
    limits = [(one.pool_key, one.slot_limit, one.lease_duration_secs) for one in storage.get_pool_limits()]
    assert limits == [("api", 2, 9), ("db", 7, 9)]
