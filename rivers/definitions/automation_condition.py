"""Automation conditions as authors write them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from rivers.definitions import declared
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.cron import check_cron, check_timezone
from rivers.definitions.kinds import ConditionKind as Kind

TagPairs = Sequence[tuple[str, str]]


class AutomationCondition:
    """When an asset is to be made by itself: an immutable tree, made by the factories and operators below.

    The same object may be used for many assets. Two conditions are equal only when they are one object.
    """

    __slots__ = ("_definition",)

    _definition: ConditionDefinition

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("AutomationCondition has no constructor: use AutomationCondition.eager() and the like")

    @property
    def label(self) -> str | None:
        """What it is called: presets and leaves by their own name, compositions by the label they were given."""
        return self._definition.label

    @property
    def description(self) -> str:
        """The full text of the tree."""
        return self._definition.description

    @property
    def children(self) -> list[AutomationCondition]:
        """What it is composed of."""
        return [condition(child) for child in self._definition.children]

    @property
    def definition(self) -> ConditionDefinition:
        """The tree as frozen data."""
        return self._definition

    # -- presets ----------------------------------------------------------------------------------------------------

    @staticmethod
    def eager() -> AutomationCondition:
        """When it is missing or a dependency was updated, once all dependencies are there and nothing is under way."""
        changed = AutomationCondition.missing().newly_true() | AutomationCondition.any_deps_updated()
        return (
            changed.since_last_handled()
            & ~AutomationCondition.any_deps_missing()
            & ~AutomationCondition.any_deps_in_progress()
            & ~AutomationCondition.in_flight()
            & ~AutomationCondition.execution_failed()
        ).with_label("eager")

    @staticmethod
    def on_missing() -> AutomationCondition:
        """Once when it becomes missing, as soon as no dependency is."""
        return (
            AutomationCondition.missing().newly_true().since_last_handled()
            & ~AutomationCondition.any_deps_missing()
            & ~AutomationCondition.execution_failed()
        ).with_label("on_missing")

    @staticmethod
    def on_cron(cron_schedule: str, timezone: str | None = None) -> AutomationCondition:
        """At most once after each time of the expression, when every dependency was updated since that time."""
        tick = AutomationCondition.cron_tick_passed(cron_schedule, timezone)
        handled = (AutomationCondition.newly_requested() | AutomationCondition.newly_updated()) & ~tick
        return (
            tick.since(handled)
            & AutomationCondition.all_deps_updated_since_cron(cron_schedule, timezone)
            & ~AutomationCondition.in_flight()
        ).with_label("on_cron" + tick.description.removeprefix("cron_tick_passed"))

    # -- leaves -----------------------------------------------------------------------------------------------------

    @staticmethod
    def missing() -> AutomationCondition:
        """Never materialized."""
        return _leaf(Kind.MISSING)

    @staticmethod
    def in_progress() -> AutomationCondition:
        """Part of a run in progress."""
        return _leaf(Kind.IN_PROGRESS)

    @staticmethod
    def execution_failed() -> AutomationCondition:
        """Its latest execution failed."""
        return _leaf(Kind.EXECUTION_FAILED)

    @staticmethod
    def newly_updated() -> AutomationCondition:
        """Materialized since the previous evaluation; an external asset: observed with another data version."""
        return _leaf(Kind.NEWLY_UPDATED)

    @staticmethod
    def newly_requested() -> AutomationCondition:
        """Dispatched by the previous evaluation."""
        return _leaf(Kind.NEWLY_REQUESTED)

    @staticmethod
    def code_version_changed() -> AutomationCondition:
        """The declared code version is not that of the last materialization; true until it is materialized again."""
        return _leaf(Kind.CODE_VERSION_CHANGED)

    @staticmethod
    def data_version_changed() -> AutomationCondition:
        """Its data version is not that of the previous evaluation."""
        return _leaf(Kind.DATA_VERSION_CHANGED)

    @staticmethod
    def cron_tick_passed(cron_schedule: str, timezone: str | None = None) -> AutomationCondition:
        """A time of the expression has passed since the previous evaluation. `ValueError` for what is none."""
        _check(cron_schedule, timezone)
        return _leaf(Kind.CRON_TICK_PASSED, cron=cron_schedule, timezone=timezone)

    @staticmethod
    def in_latest_time_window(lookback_delta: float | None = None) -> AutomationCondition:
        """In the latest time window, or in one that lies at most `lookback_delta` seconds before its start."""
        if lookback_delta is None:
            return _leaf(Kind.IN_LATEST_TIME_WINDOW)
        if isinstance(lookback_delta, bool) or not isinstance(lookback_delta, (int, float)):
            raise TypeError(f"lookback_delta must be a number of seconds or None, not {type(lookback_delta).__name__}")
        if not (lookback_delta > 0 and math.isfinite(lookback_delta)):
            raise ValueError(f"lookback_delta must be a positive number of seconds, got {lookback_delta}")
        return _leaf(Kind.IN_LATEST_TIME_WINDOW, lookback=float(lookback_delta))

    @staticmethod
    def initial_evaluation() -> AutomationCondition:
        """The first evaluation of this asset's condition, or of a condition that has changed."""
        return _leaf(Kind.INITIAL_EVALUATION)

    @staticmethod
    def backfill_in_progress() -> AutomationCondition:
        """Covered by an active backfill."""
        return _leaf(Kind.BACKFILL_IN_PROGRESS)

    @staticmethod
    def in_flight() -> AutomationCondition:
        """Part of a run in progress, or covered by an active backfill."""
        return (AutomationCondition.in_progress() | AutomationCondition.backfill_in_progress()).with_label("in_flight")

    @staticmethod
    def will_be_requested() -> AutomationCondition:
        """Has fired earlier in this same evaluation."""
        return _leaf(Kind.WILL_BE_REQUESTED)

    @staticmethod
    def last_run_includes_target() -> AutomationCondition:
        """Of a dependency: its latest run also contained the asset that is evaluated."""
        return _leaf(Kind.LAST_RUN_INCLUDES_TARGET)

    @staticmethod
    def last_executed_with_tags(
        *, tag_keys: Sequence[str] | None = None, tag_values: TagPairs | None = None
    ) -> AutomationCondition:
        """Its latest materializing run carries all these keys and pairs."""
        return _tagged(Kind.LAST_EXECUTED_WITH_TAGS, tag_keys, tag_values)

    @staticmethod
    def has_run_with_tags(
        *, tag_keys: Sequence[str] | None = None, tag_values: TagPairs | None = None
    ) -> AutomationCondition:
        """Some materialization since the previous evaluation came from a run with these keys and pairs."""
        return _tagged(Kind.HAS_RUN_WITH_TAGS, tag_keys, tag_values)

    @staticmethod
    def all_runs_have_tags(
        *, tag_keys: Sequence[str] | None = None, tag_values: TagPairs | None = None
    ) -> AutomationCondition:
        """Every materialization since the previous evaluation did; true when there are none."""
        return _tagged(Kind.ALL_RUNS_HAVE_TAGS, tag_keys, tag_values)

    # -- over dependencies ------------------------------------------------------------------------------------------

    @staticmethod
    def any_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """It holds for a direct dependency."""
        return _over(Kind.ANY_DEPS, condition)

    @staticmethod
    def all_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """It holds for every direct dependency; true when there are none."""
        return _over(Kind.ALL_DEPS, condition)

    @staticmethod
    def any_deps_missing() -> AutomationCondition:
        """A dependency is missing and is not about to be requested."""
        missing = AutomationCondition.missing() & ~AutomationCondition.will_be_requested()
        return _over(Kind.ANY_DEPS, missing, "any_deps_missing")

    @staticmethod
    def any_deps_in_progress() -> AutomationCondition:
        """A dependency is part of a run in progress."""
        return _over(Kind.ANY_DEPS, AutomationCondition.in_progress(), "any_deps_in_progress")

    @staticmethod
    def any_deps_updated() -> AutomationCondition:
        """A dependency was updated by a run without this asset, or is about to be requested."""
        apart = AutomationCondition.newly_updated() & ~AutomationCondition.last_run_includes_target()
        return _over(Kind.ANY_DEPS, apart | AutomationCondition.will_be_requested(), "any_deps_updated")

    @staticmethod
    def all_deps_updated_since_cron(cron_schedule: str, timezone: str | None = None) -> AutomationCondition:
        """Every dependency was updated since the latest time of the expression, or is about to be requested."""
        tick = AutomationCondition.cron_tick_passed(cron_schedule, timezone)
        updated = AutomationCondition.newly_updated().since(tick) | AutomationCondition.will_be_requested()
        return _over(Kind.ALL_DEPS, updated, "all_deps_updated_since_cron")

    # -- combinators ------------------------------------------------------------------------------------------------

    def __and__(self, other: AutomationCondition) -> AutomationCondition:
        if not isinstance(other, AutomationCondition):
            return NotImplemented
        mine, theirs = self._definition, other._definition
        left = mine.children if mine.kind == Kind.AND else (mine,)
        right = theirs.children if theirs.kind == Kind.AND and theirs.label is None else (theirs,)
        return condition(ConditionDefinition(Kind.AND, (*left, *right)))

    def __or__(self, other: AutomationCondition) -> AutomationCondition:
        if not isinstance(other, AutomationCondition):
            return NotImplemented
        return condition(ConditionDefinition(Kind.OR, (self._definition, other._definition)))

    def __invert__(self) -> AutomationCondition:
        return condition(ConditionDefinition(Kind.NOT, (self._definition,)))

    def newly_true(self) -> AutomationCondition:
        """Has turned true; at the first evaluation being true counts."""
        return condition(ConditionDefinition(Kind.NEWLY_TRUE, (self._definition,)))

    def since(self, reset_condition: AutomationCondition) -> AutomationCondition:
        """Has been true since the other one was; when both are, it is not."""
        reset = _given("reset_condition", reset_condition)
        return condition(ConditionDefinition(Kind.SINCE, (self._definition, reset)))

    def since_last_handled(self) -> AutomationCondition:
        """Has been true, and nothing has been requested for it yet, nor was the asset updated since."""
        return condition(ConditionDefinition(Kind.SINCE_LAST_HANDLED, (self._definition,)))

    def on_selected(self, keys: str | Sequence[str]) -> AutomationCondition:
        """Holds for any of the named assets. `ValueError` without a name."""
        names = [keys] if isinstance(keys, str) else declared.texts("keys", keys) or []
        if not names:
            raise ValueError("on_selected requires at least one asset key")
        return condition(
            ConditionDefinition(
                Kind.SELECTED, (self._definition,), keys=tuple(names), is_listed=not isinstance(keys, str)
            )
        )

    def with_label(self, label: str) -> AutomationCondition:
        """The same condition under another label."""
        return condition(replace(self._definition, label=declared.required_text("label", label)))

    def replace(self, old: str | AutomationCondition, new: AutomationCondition) -> AutomationCondition:
        """Puts `new` in the place of every condition that equals `old`, or that has the text `old` as label or name."""
        replaced = _replaced(self._definition, _sought(old), _given("new", new))
        return self if replaced is self._definition else condition(replaced)

    def without(self, condition: str | AutomationCondition) -> AutomationCondition:
        """Leaves out operands of a top-level `&`: those that equal the condition, or that the text describes."""
        mine, sought = self._definition, _sought(condition)
        if mine.kind != Kind.AND:
            return self
        kept = tuple(child for child in mine.children if not _matches(child, sought))
        if len(kept) == len(mine.children) or not kept:
            return self
        return _condition(replace(mine, children=kept))

    def __repr__(self) -> str:
        return f"<AutomationCondition {self.label or self.description}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (condition, (self._definition,))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of a condition is read-only")


def condition(definition: ConditionDefinition) -> AutomationCondition:
    """The condition that a tree stands for."""
    made = object.__new__(AutomationCondition)
    object.__setattr__(made, "_definition", definition)
    return made


_condition = condition


def _leaf(kind: Kind, **arguments: Any) -> AutomationCondition:
    definition = ConditionDefinition(kind, **arguments)
    return condition(replace(definition, label=definition.description))


def _tagged(kind: Kind, tag_keys: Any, tag_values: Any) -> AutomationCondition:
    keys = declared.texts("tag_keys", tag_keys) or []
    pairs = [] if tag_values is None else list(tag_values)
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise TypeError(f"tag_values must be a list of (str, str) pairs, got {pair!r}")
    if not keys and not pairs:
        raise ValueError("tag condition requires at least one tag_key or tag_value — a key, or a key and its value")
    return _leaf(kind, tag_keys=tuple(keys), tag_values=tuple((key, value) for key, value in pairs))


def _over(kind: Kind, given: AutomationCondition, name: str = "") -> AutomationCondition:
    child = _given("condition", given)
    return condition(ConditionDefinition(kind, (child,), name=name, label=name or None))


def _given(argument: str, value: Any) -> ConditionDefinition:
    if not isinstance(value, AutomationCondition):
        raise TypeError(f"{argument} must be an AutomationCondition, not {type(value).__name__}")
    return value.definition


def _sought(value: Any) -> str | ConditionDefinition:
    return value if isinstance(value, str) else _given("condition", value)


def _matches(node: ConditionDefinition, sought: str | ConditionDefinition) -> bool:
    if not isinstance(sought, str):
        return node == sought
    if node.kind == Kind.NOT and node.children[0].label and sought == f"~{node.children[0].label}":
        return True
    return sought in (node.label, node.description)


def _replaced(
    node: ConditionDefinition, sought: str | ConditionDefinition, new: ConditionDefinition
) -> ConditionDefinition:
    if _matches(node, sought):
        return new
    children = tuple(_replaced(child, sought, new) for child in node.children)
    if all(after is before for after, before in zip(children, node.children, strict=True)):
        return node
    return replace(node, children=children, name="")  # its name told of the tree that it was


def _check(cron_schedule: Any, timezone: Any) -> None:
    try:
        check_cron(cron_schedule)
    except ValueError as error:
        raise ValueError(f'invalid cron schedule "{cron_schedule}": {error}') from None
    if timezone is not None:
        try:
            check_timezone(timezone)
        except ValueError as error:
            raise ValueError(f'invalid timezone "{timezone}": {error}') from None
