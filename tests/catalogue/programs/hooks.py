"""Hooks hear of success and failure and change neither."""

import rivers as rs
from tests.catalogue.outcome import SKIPPED, Outcome, note


@rs.Hook.success
def noted_success(context: rs.HookContext) -> None:
    note(context.run_id, f"hook-{context.asset_name}", f"{context.hook_type} {context.error}")


@rs.Hook.failure(name="noted")
def noted_failure(context: rs.HookContext) -> None:
    note(context.run_id, f"hook-{context.asset_name}", f"{context.hook_type} {context.error}")


@rs.Hook.success
def broken_hook(context: rs.HookContext) -> None:
    raise RuntimeError("a hook")


HOOKS = [broken_hook, noted_success, noted_failure]


@rs.Asset(hooks=HOOKS)
def hooked() -> int:
    return 1


@rs.Asset(hooks=HOOKS)
def hooked_fails(hooked: int) -> int:
    raise ValueError("hooked")


@rs.Asset(hooks=HOOKS)
def hooked_skipped(hooked_fails: int) -> int:
    return 1


ASSETS = [hooked, hooked_fails, hooked_skipped]
EXPECTED = Outcome(
    materialized=["hooked"],
    failed={"hooked_fails": "ValueError: hooked", "hooked_skipped": SKIPPED},
    notes={
        "hook-hooked": ["success None"],
        "hook-hooked_fails": ["failure ValueError: hooked"],
        "hook-hooked_skipped": [],
    },
)
