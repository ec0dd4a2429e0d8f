"""One evaluation of one asset's condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from rivers.automation.facts import NOTHING, Cell, Cells, Facts, Update
from rivers.automation.state import ConditionState
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.cron import latest_time, passed
from rivers.definitions.kinds import ConditionKind as Kind


def evaluate(
    asset: str,
    condition: ConditionDefinition,
    state: ConditionState | None,
    facts: Facts,
    now: datetime,
    requested: Mapping[str, Cells],
    earlier: Mapping[str, Cells],
) -> tuple[Cells, ConditionState]:
    """The cells for which the condition holds, and the state for the next time.

    `requested` holds what has fired before in this same evaluation, `earlier` what fired in the previous one. A state
    that another tree left counts as none.
    """
    known = state if state is not None and state.fingerprint == condition.fingerprint else None
    evaluation = _Evaluation(asset, facts, now, requested, earlier, known)
    fired = evaluation.holds(condition, asset, "")
    evaluation.handle(fired)
    return fired, ConditionState(
        condition.fingerprint, facts.position, now, fired, evaluation.held, evaluation.versions
    )


@dataclass(slots=True)
class _Evaluation:
    """One walk over a tree. `target` is the asset whose condition it is; a node may be asked about a dependency."""

    target: str
    facts: Facts
    now: datetime
    requested: Mapping[str, Cells]
    earlier: Mapping[str, Cells]
    before: ConditionState | None
    held: dict[str, Cells] = field(default_factory=dict)
    versions: dict[str, Mapping[Cell, str]] = field(default_factory=dict)
    latches: list[tuple[str, str]] = field(default_factory=list)
    made: str | None = None  # an asset that is taken to be materialized, whatever the facts say

    def holds(self, node: ConditionDefinition, asset: str, path: str) -> Cells:
        """The cells of the asset for which a node holds."""
        children = node.children
        match node.kind:
            case Kind.AND:
                parts = self._all(children, asset, path)
                return parts[0].intersection(*parts[1:]) if parts else self.facts.cells(asset)
            case Kind.OR:
                return NOTHING.union(*self._all(children, asset, path))
            case Kind.NOT:
                return self.facts.cells(asset) - self.holds(children[0], asset, f"{path}.0")
            case Kind.NEWLY_TRUE:
                current = self.holds(children[0], asset, f"{path}.0")
                return current - self._remember(path, current)
            case Kind.SINCE:
                return self._since(node, asset, path)
            case Kind.SINCE_LAST_HANDLED:
                return self._latch(children[0], asset, path)
            case Kind.ANY_DEPS | Kind.ALL_DEPS:
                return self._over_dependencies(node, asset, path)
            case Kind.SELECTED:
                selected = [self.holds(children[0], key, f"{path}.0@{key}") for key in node.keys]
                return self.facts.cells(asset) if any(selected) else NOTHING
            case _:
                return _LEAVES[node.kind](self, node, asset, path)

    def handle(self, fired: Cells) -> None:
        """Latches of what is requested now are open again."""
        for path, asset in self.latches:
            if asset == self.target:
                self.held[path] -= fired
            else:
                for cell in fired:
                    self.held[path] -= self.facts.upstream(self.target, asset, cell)

    def updates(self, asset: str) -> Iterable[Update]:
        """Updates since the previous evaluation; at the first one there are none."""
        return () if self.before is None else self.facts.updates(asset, self.before.position)

    def has_passed(self, node: ConditionDefinition) -> bool:
        """Whether a time of the node's expression came since the previous evaluation."""
        return self.before is not None and passed(node.cron, node.timezone, self.before.at, self.now)

    def _all(self, children: Iterable[ConditionDefinition], asset: str, path: str) -> list[Cells]:
        # each of them, whatever the others say: what they have seen is remembered
        return [self.holds(child, asset, f"{path}.{place}") for place, child in enumerate(children)]

    def _remember(self, path: str, current: Cells) -> Cells:
        """What a node held before; from now on it holds `current`."""
        self.held[path] = current
        return NOTHING if self.before is None else self.before.held.get(path, NOTHING)

    def _since(self, node: ConditionDefinition, asset: str, path: str) -> Cells:
        trigger, reset = node.children
        current = self.holds(trigger, asset, f"{path}.0")
        cleared = self.holds(reset, asset, f"{path}.1")
        if cleared and trigger.kind == Kind.NEWLY_UPDATED and reset.kind == Kind.CRON_TICK_PASSED:
            # both happened since the previous evaluation, and it is known which came last
            latest = latest_time(reset.cron, reset.timezone, self.before.at, self.now) if self.before else None
            cleared -= {update.cell for update in self.updates(asset) if latest is not None and update.at >= latest}
        held = (self._remember(path, NOTHING) | current) - cleared
        self.held[path] = held
        return held

    def _latch(self, node: ConditionDefinition, asset: str, path: str) -> Cells:
        """Set by a node, opened by an update of the asset.

        An update by a run that was under way already when the latch was set is not made of what set it: cells in
        `early` wait for another one. Not so when it was set because they are missing: then any update will do.
        """
        current = self.holds(node, asset, f"{path}.0")
        early_path = f"{path}!"
        early = self._remember(early_path, NOTHING)
        updated = frozenset(update.cell for update in self.updates(asset))
        held = (self._remember(path, NOTHING) - (updated - early)) | current
        self.held[path] = held
        running = current & self.facts.in_progress(asset)
        if running:
            running &= replace(self, held={}, versions={}, latches=[], made=asset).holds(node, asset, f"{path}.0")
        self.held[early_path] = ((early - updated) | running) & held
        self.latches += [(path, asset), (early_path, asset)]
        return held

    def _over_dependencies(self, node: ConditionDefinition, asset: str, path: str) -> Cells:
        matching = {
            dependency: self.holds(node.children[0], dependency, f"{path}.0@{dependency}")
            for dependency in self.facts.dependencies(asset)
        }
        cells = self.facts.cells(asset)
        if node.kind == Kind.ANY_DEPS:
            found = [one for one, matched in matching.items() if matched]
            return frozenset(c for c in cells if any(self._meets(asset, one, c, matching[one]) for one in found))
        return frozenset(
            c for c in cells if all(self._meets(asset, one, c, matched, True) for one, matched in matching.items())
        )

    def _meets(self, asset: str, dependency: str, cell: Cell, matched: Cells, of_none: bool = False) -> bool:
        """Whether any of the cells that a cell depends on matches; `of_none` is the answer when there are none."""
        upstream = self.facts.upstream(asset, dependency, cell)
        return not matched.isdisjoint(upstream) if upstream else of_none


_Leaf = Callable[[_Evaluation, ConditionDefinition, str, str], Cells]


def _missing(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    if asset == evaluation.made:
        return NOTHING
    facts = evaluation.facts
    gone = facts.cells(asset) - facts.materialized(asset)
    return gone - (facts.failed(asset) - {None})  # a partition that failed is not missing, an asset is


def _in_progress(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.in_progress(asset)


def _execution_failed(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.failed(asset)


def _newly_updated(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return frozenset(update.cell for update in evaluation.updates(asset)) & evaluation.facts.cells(asset)


def _newly_requested(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return NOTHING if evaluation.before is None else evaluation.earlier.get(asset, NOTHING)


def _code_version_changed(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.other_code(asset)


def _data_version_changed(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    now = evaluation.facts.data_versions(asset)
    evaluation.versions[path] = dict(now)
    if evaluation.before is None:
        return NOTHING
    seen = evaluation.before.versions.get(path, {})
    return frozenset(cell for cell, version in now.items() if seen.get(cell) != version)


def _cron_tick_passed(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.cells(asset) if evaluation.has_passed(node) else NOTHING


def _in_latest_time_window(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.latest_window(asset, node.lookback, evaluation.now)


def _initial_evaluation(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.cells(asset) if evaluation.before is None else NOTHING


def _backfill_in_progress(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    return evaluation.facts.backfilling(asset)


def _will_be_requested(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    if asset != evaluation.target and not evaluation.facts.launched_together(evaluation.target, asset):
        return NOTHING  # in a run of its own it comes too late for the target
    return evaluation.requested.get(asset, NOTHING)


def _last_run_includes_target(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    facts, target = evaluation.facts, evaluation.target
    return frozenset(cell for cell, run_id in facts.latest_runs(asset).items() if facts.run_includes(run_id, target))


def _last_executed_with_tags(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    runs = evaluation.facts.latest_runs(asset)
    return frozenset(cell for cell, run_id in runs.items() if _is_tagged(evaluation.facts, run_id, node))


def _has_run_with_tags(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    facts = evaluation.facts
    return frozenset(update.cell for update in evaluation.updates(asset) if _is_tagged(facts, update.run_id, node))


def _all_runs_have_tags(evaluation: _Evaluation, node: ConditionDefinition, asset: str, path: str) -> Cells:
    facts = evaluation.facts
    others = {update.cell for update in evaluation.updates(asset) if not _is_tagged(facts, update.run_id, node)}
    return facts.cells(asset) - others


def _is_tagged(facts: Facts, run_id: str, node: ConditionDefinition) -> bool:
    tags = facts.run_tags(run_id)
    return all(key in tags for key in node.tag_keys) and all(tags.get(key) == value for key, value in node.tag_values)


_LEAVES: dict[Kind, _Leaf] = {
    Kind.MISSING: _missing,
    Kind.IN_PROGRESS: _in_progress,
    Kind.EXECUTION_FAILED: _execution_failed,
    Kind.NEWLY_UPDATED: _newly_updated,
    Kind.NEWLY_REQUESTED: _newly_requested,
    Kind.CODE_VERSION_CHANGED: _code_version_changed,
    Kind.DATA_VERSION_CHANGED: _data_version_changed,
    Kind.CRON_TICK_PASSED: _cron_tick_passed,
    Kind.IN_LATEST_TIME_WINDOW: _in_latest_time_window,
    Kind.INITIAL_EVALUATION: _initial_evaluation,
    Kind.BACKFILL_IN_PROGRESS: _backfill_in_progress,
    Kind.WILL_BE_REQUESTED: _will_be_requested,
    Kind.LAST_RUN_INCLUDES_TARGET: _last_run_includes_target,
    Kind.LAST_EXECUTED_WITH_TAGS: _last_executed_with_tags,
    Kind.HAS_RUN_WITH_TAGS: _has_run_with_tags,
    Kind.ALL_RUNS_HAVE_TAGS: _all_runs_have_tags,
}
