"""Hooks of a multi-asset hear of each output, and of a failure once."""

import rivers as rs
from tests.catalogue.outcome import Outcome, note


@rs.Hook.success
def each_output(context: rs.HookContext) -> None:
    note(context.run_id, "outputs", context.asset_name)


@rs.Hook.failure
def one_failure(context: rs.HookContext) -> None:
    note(context.run_id, "failures", f"{context.asset_name} {context.error}")


@rs.Asset.from_multi(
    name="hooked_pair",
    output_defs=[rs.AssetDef("hooked_a"), rs.AssetDef("hooked_b")],
    hooks=[each_output, one_failure],
)
def hooked_pair() -> dict:
    return {"hooked_a": 1, "hooked_b": 2}


@rs.Asset.from_multi(
    name="unhappy_pair",
    output_defs=[rs.AssetDef("unhappy_a"), rs.AssetDef("unhappy_b")],
    hooks=[each_output, one_failure],
)
def unhappy_pair() -> dict:
    raise ValueError("unhappy")


ASSETS = [hooked_pair, unhappy_pair]
EXPECTED = Outcome(
    materialized=["hooked_a", "hooked_b"],
    failed={"unhappy_a": "ValueError: unhappy", "unhappy_b": "ValueError: unhappy"},
    values={"hooked_a": 1, "hooked_b": 2},
    notes={"outputs": ["hooked_a", "hooked_b"], "failures": ["unhappy_a ValueError: unhappy"]},
)
