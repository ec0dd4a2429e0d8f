"""Every kind of storage, and repositories that run in this process."""

from __future__ import annotations

import pytest

import rivers as rs


@pytest.fixture(params=["memory", "embedded", "connect", pytest.param("postgres", marks=pytest.mark.postgres)])
def storage(request, tmp_path):
    """Each kind of storage."""
    match request.param:
        case "memory":
            return rs.Storage.memory()
        case "embedded":
            return rs.Storage.embedded(str(tmp_path / "store"))
        case "postgres":
            return rs.Storage.connect(request.getfixturevalue("cluster").new_schema())
        case _:
            return rs.Storage.connect(f"sqlite:///{tmp_path / 'rivers.db'}")


@pytest.fixture
def repository():
    """Makes repositories that run one step at a time, and shuts them down."""
    made = []

    def make(*assets, storage=None, **options):
        options.setdefault("default_executor", rs.Executor.in_process())
        repo = rs.CodeRepository(assets=list(assets), **options)
        made.append(repo)
        if storage is not None:
            repo.resolve(storage=storage)
        return repo

    yield make
    for repo in made:
        repo.shutdown()
