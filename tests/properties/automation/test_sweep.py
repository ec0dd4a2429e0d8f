"""Any condition over any history: sets of cells and one cell at a time come to the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.automation.sweep import sweep
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.kinds import ConditionKind as Kind
from rivers.partitions.key import PartitionKey
from rivers.v1.automation_pb2 import ConditionState
from rivers.wire.condition_states import decode_condition_state, encode_condition_state
from tests.unit.automation.world import World

P, Q = PartitionKey.single("p"), PartitionKey.single("q")
GRAPH = {"x": [], "y": ["x"], "z": ["x", "y"]}
ASSETS = st.sampled_from(sorted(GRAPH))
LEAVES = [
    Kind.MISSING,
    Kind.IN_PROGRESS,
    Kind.EXECUTION_FAILED,
    Kind.NEWLY_UPDATED,
    Kind.NEWLY_REQUESTED,
    Kind.DATA_VERSION_CHANGED,
    Kind.INITIAL_EVALUATION,
    Kind.BACKFILL_IN_PROGRESS,
    Kind.WILL_BE_REQUESTED,
    Kind.LAST_RUN_INCLUDES_TARGET,
]

leaves = st.builds(ConditionDefinition, st.sampled_from(LEAVES)) | st.just(
    ConditionDefinition(Kind.CRON_TICK_PASSED, cron="* * * * *")
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            ConditionDefinition,
            st.sampled_from([Kind.AND, Kind.OR]),
            st.lists(inner, min_size=1, max_size=3).map(tuple),
        ),
        st.builds(
            ConditionDefinition,
            st.sampled_from([Kind.NOT, Kind.NEWLY_TRUE, Kind.SINCE_LAST_HANDLED, Kind.ANY_DEPS, Kind.ALL_DEPS]),
            st.tuples(inner),
        ),
        st.builds(ConditionDefinition, st.just(Kind.SINCE), st.tuples(inner, inner)),
        st.builds(
            ConditionDefinition,
            st.just(Kind.SELECTED),
            st.tuples(inner),
            keys=st.lists(ASSETS, min_size=1, max_size=2, unique=True).map(tuple),
        ),
    ),
    max_leaves=6,
)
actions = st.one_of(
    st.tuples(st.just("run"), st.lists(ASSETS, min_size=1, max_size=3, unique=True)),
    st.tuples(st.just("fail"), ASSETS),
    st.tuples(st.just("running"), ASSETS),
    st.tuples(st.just("covered"), ASSETS),
    st.tuples(st.just("time"), st.integers(1, 90)),
)
histories = st.lists(st.lists(actions, max_size=3), min_size=1, max_size=6)
layouts = st.sampled_from([{}, {"x": (P, Q), "y": (P, Q), "z": (P, Q)}, {"z": (P, Q)}, {"x": (P, Q)}, {"y": (P,)}])


def happen(world, action):
    verb, subject = action
    match verb:
        case "run":
            world.run(*subject)
        case "fail":
            world.fail(subject)
        case "time":
            world.pass_time(subject)
        case _:
            table = getattr(world, verb)
            table[subject] = frozenset() if table.get(subject) else world.cells(subject)


class OneCellAtATime:
    """The same meaning, written for one cell: a memory of what each node said, and no sets."""

    def __init__(self, world):
        self.world = world
        self.memory = {}
        self.fired = {}
        self.at = None
        self.position = 0
        self.made = None

    def evaluate(self, conditions):
        self.earlier, self.fired = self.fired, {}
        self.left = {}
        for self.target, condition in conditions.items():
            self.latched = []
            for cell in self.world.cells(self.target):
                self.cell = cell
                if self.holds(condition, self.target, cell, ()):
                    self.fired.setdefault(self.target, set()).add(cell)
            for key in self.latched:
                _, _, asset, cell = key
                for one in self.fired.get(self.target, ()):
                    if cell == one if asset == self.target else cell in self.world.upstream(self.target, asset, one):
                        self.left[key] = (False, False)
        self.memory, self.at, self.position = self.left, self.world.now, self.world.position
        return {asset: frozenset(cells) for asset, cells in self.fired.items()}

    def holds(self, node, asset, cell, path):
        key = (self.target, path, asset, cell)
        first, *rest = node.children or (None,)
        below = (*path, 0)
        match node.kind:
            case Kind.AND:
                return min(self.each(node, asset, cell, path))
            case Kind.OR:
                return max(self.each(node, asset, cell, path))
            case Kind.NOT:
                return not self.holds(first, asset, cell, below)
            case Kind.NEWLY_TRUE:
                self.left[key] = now = self.holds(first, asset, cell, below)
                return now and not self.memory.get(key, False)
            case Kind.SINCE:
                rises, resets = self.holds(first, asset, cell, below), self.holds(rest[0], asset, cell, (*path, 1))
                if resets and first.kind == Kind.NEWLY_UPDATED and rest[0].kind == Kind.CRON_TICK_PASSED:
                    minute = self.world.now.replace(second=0)
                    resets = not any(update.at >= minute for update in self.updates(asset, cell))
                self.left[key] = (self.memory.get(key, False) or rises) and not resets
                return self.left[key]
            case Kind.SINCE_LAST_HANDLED:
                now = self.holds(first, asset, cell, below)
                return self.latch(key, now, now and self.if_made(asset, first, cell, below), asset, cell)
            case Kind.ANY_DEPS | Kind.ALL_DEPS:
                return self.over_dependencies(node, asset, cell, path)
            case Kind.SELECTED:
                found = [
                    self.holds(first, one, other, (*path, one)) for one in node.keys for other in self.world.cells(one)
                ]
                return any(found)
        return self.leaf(node.kind, asset, cell, key)

    def each(self, node, asset, cell, path):
        return [self.holds(child, asset, cell, (*path, n)) for n, child in enumerate(node.children)]

    def if_made(self, made, node, cell, path):
        """What a node says of the asset if that is materialized, and nothing remembers the question."""
        before = self.left, self.latched, self.made
        self.left, self.latched, self.made = {}, [], made
        answer = self.holds(node, made, cell, path)
        self.left, self.latched, self.made = before
        return answer

    def latch(self, key, now, is_lasting, asset, cell):
        was, early = self.memory.get(key, (False, False))
        updated = bool(self.updates(asset, cell))
        is_set = (was and not (updated and not early)) or now
        early = is_set and ((early and not updated) or (is_lasting and cell in self.world.in_progress(asset)))
        self.left[key] = (is_set, early)
        self.latched.append(key)
        return is_set

    def over_dependencies(self, node, asset, cell, path):
        answers = []
        for one in self.world.graph[asset]:
            found = {c: self.holds(node.children[0], one, c, (*path, one)) for c in self.world.cells(one)}
            upstream = self.world.upstream(asset, one, cell)
            answers.append(any(found[c] for c in upstream) if upstream else node.kind == Kind.ALL_DEPS)
        return any(answers) if node.kind == Kind.ANY_DEPS else all(answers)

    def updates(self, asset, cell):
        if self.at is None:
            return []
        return [update for update in self.world.updates(asset, self.position) if update.cell == cell]

    def leaf(self, kind, asset, cell, key):
        world = self.world
        match kind:
            case Kind.MISSING:
                failed = cell is not None and cell in world.failed(asset)
                return asset != self.made and cell not in world.materialized(asset) and not failed
            case Kind.IN_PROGRESS:
                return cell in world.running.get(asset, ())
            case Kind.EXECUTION_FAILED:
                return cell in world.failed(asset)
            case Kind.NEWLY_UPDATED:
                return bool(self.updates(asset, cell))
            case Kind.NEWLY_REQUESTED:
                return cell in self.earlier.get(asset, ())
            case Kind.DATA_VERSION_CHANGED:
                self.left[key] = now = world.versions.get(asset, {}).get(cell)
                return self.at is not None and now is not None and now != self.memory.get(key)
            case Kind.INITIAL_EVALUATION:
                return self.at is None
            case Kind.BACKFILL_IN_PROGRESS:
                return cell in world.covered.get(asset, ())
            case Kind.WILL_BE_REQUESTED:
                together = asset == self.target or world.cells(asset) == world.cells(self.target)
                return together and cell in self.fired.get(asset, ())
            case Kind.LAST_RUN_INCLUDES_TARGET:
                run = world.latest_runs(asset).get(cell)
                return run is not None and world.run_includes(run, self.target)
            case Kind.CRON_TICK_PASSED:
                return self.at is not None and world.now.replace(second=0) > self.at
        raise AssertionError(kind)


@settings(max_examples=400, deadline=None)
@given(st.fixed_dictionaries({"x": trees, "y": trees, "z": trees}), histories, layouts)
def test_sets_and_single_cells_come_to_the_same(conditions, history, layout):
    world = World(GRAPH, layout)
    model = OneCellAtATime(world)
    states = {}
    for happened in history:
        for action in happened:
            happen(world, action)
        world.pass_time(7)
        done = sweep(conditions, states, world, world.now)
        assert done.fired == model.evaluate(conditions)
        for asset, cells in done.fired.items():
            assert cells <= world.cells(asset)
            assert done.states[asset].requested == cells
        states = {asset: stored(state) for asset, state in done.states.items()}


def stored(state):
    """The state as a restart finds it."""
    return decode_condition_state(ConditionState.FromString(encode_condition_state(state).SerializeToString()))


@settings(max_examples=100, deadline=None)
@given(trees, histories)
def test_an_evaluation_depends_on_what_it_is_given_alone(tree, history):
    world = World(GRAPH)
    states = {}
    for happened in history:
        for action in happened:
            happen(world, action)
        world.pass_time(7)
        once = sweep({"z": tree}, states, world, world.now)
        assert sweep({"z": tree}, states, world, world.now) == once
        states = once.states
