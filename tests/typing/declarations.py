"""What declarations are to a type checker."""

from typing import assert_type

import rivers as rs


@rs.Asset
def bare() -> int:
    return 1


@rs.Asset(name="named", tags=["t"], io_handler="store", retry=rs.RetryPolicy(2))
def named(context: rs.AssetExecutionContext[dict[str, int]], bare: int) -> rs.Output:
    assert_type(context.config, dict[str, int])
    return rs.Output(bare, metadata={"rows": 1, "when": None, "size": rs.MetadataValue.bytes(3)})


@rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y")], group="g")
def several(bare: int) -> dict[str, int]:
    return {"x": bare, "y": bare}


@rs.Task
def task(self: rs.SelfDependency[int]) -> int:
    assert_type(self.get_inner(), int | None)
    return 1


assert_type(bare, rs.SingleAsset)
assert_type(named, rs.SingleAsset)
assert_type(several, rs.MultiAsset)
assert_type(several.output_defs, list[rs.AssetDef])
assert_type(rs.Executor.parallel(), rs.Executor.Parallel)
assert_type(rs.Executor.parallel().max_workers, int)
assert_type(rs.PartitionKey.single("a"), rs.PartitionKey.Single)
assert_type(rs.PartitionKey.single("a").key, list[str])
assert_type(rs.MetadataValue.sql("q"), rs.MetadataValue.Sql)

repo = rs.CodeRepository(assets=[bare, named, several], tasks=[task], jobs=[rs.Job("j", [bare, task])])
assert_type(repo.materialize(), rs.RunResult)
assert_type(repo.get_job("j").execute().failed_assets, list[tuple[str, str]])
assert_type(repo.storage, rs.Storage)
assert_type(repo.storage.get_run("x"), rs.RunRecord | None)
assert_type(repo.storage.get_events_for_run("x"), list[rs.StoredEvent])


def described(value: rs.MetadataValue) -> str:
    match value:
        case rs.MetadataValue.Sql(query, dialect):
            assert_type(dialect, str | None)
            return query
        case rs.MetadataValue.Int(number):
            assert_type(number, int)
    return ""


rs.Asset(nope=1)  # E: call-overload
rs.RetryPolicy(1, rs.Backoff.constant(1))  # E: call-arg
rs.Output(1, "name")  # E: call-arg
