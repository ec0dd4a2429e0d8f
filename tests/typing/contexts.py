"""Configuration is typed: what a context is generic in is what its `config` is."""

from typing import Any, assert_type

from pydantic import BaseModel

import rivers as rs


class Limits(BaseModel):
    size: int = 3


@rs.Asset
def configured(context: rs.AssetExecutionContext[Limits]) -> int:
    assert_type(context.config, Limits)
    assert_type(context.config.size, int)
    assert_type(context.asset_name, str)
    assert_type(context.tags, list[str] | None)
    assert_type(context.kinds, list[str])
    assert_type(context.asset_metadata, dict[str, str] | None)
    assert_type(context.output_selection, list[str])
    assert_type(context.output_metadata, dict[str, rs.MetadataValue] | None)
    assert_type(context.partition_key, str)
    assert_type(context.run_id, str | None)
    assert_type(context.drain_data_version(), str | None)
    print(context.config.colour)  # E: attr-defined
    context.add_output_metadata({"rows": "many", "share": rs.MetadataValue.percentage(3.0), "none": None})
    context.add_output_metadata(3)  # E: arg-type
    context.register_data_version(3)  # E: arg-type
    return context.config.size


@rs.Asset
def plain(context: rs.AssetExecutionContext) -> None:
    assert_type(context.config, Any)


@rs.Task
def task(context: rs.TaskExecutionContext[Limits]) -> None:
    assert_type(context.config, Limits)
    assert_type(context.task_name, str)
    print(context.asset_name)  # E: attr-defined


@rs.Hook.failure(name="page")
def page(context: rs.HookContext[Limits]) -> None:
    assert_type(context.config, Limits)
    assert_type(context.error, str | None)
    assert_type(context.metadata, dict[str, str] | None)
    print(context.nothing)  # E: attr-defined


@rs.Hook.success
def note(context: rs.HookContext) -> None:
    assert_type(context.config, Any)


assert_type(page, rs.Hook)
assert_type(note, rs.Hook)
rs.Asset(hooks=[page, note])
rs.Asset(hooks=[print])  # E: list-item


def both(context: rs.HookContext[int, str]) -> None: ...  # E: type-arg
