"""What definitions and plans can look like."""

from datetime import datetime

from hypothesis import strategies as st

from rivers.definitions.automation_snapshot import RunStatusWatch, ScheduleDefinition, SensorDefinition
from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.kinds import (
    BackendKind,
    BackoffKind,
    ConditionKind,
    Delivery,
    EvaluationMode,
    ExecutorKind,
    HandlerKind,
    HookKind,
    StepKind,
    TriggerRule,
    WatchedStatus,
)
from rivers.definitions.snapshot import (
    EdgeDefinition,
    ExecutorDefinition,
    HookDefinition,
    JobDefinition,
    OutputDefinition,
    PoolClaim,
    RetryDefinition,
    RunBackendDefinition,
    RunQueueDefinition,
    Snapshot,
    StepDefinition,
    TagLimitDefinition,
)
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import FailureReason
from rivers.partitions.backfill_strategy import BackfillStrategy
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey
from rivers.partitions.key_range import PartitionKeyRange
from rivers.partitions.mapping import PartitionMapping
from rivers.planning.plan import Placement, PlannedEdge, PlannedOutput, PlannedStep, RunPlan, StepId

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
name = st.text("abcé_/", min_size=1, max_size=6)
seconds = st.floats(0, 1e6)
counts = st.integers(0, 2**31 - 1)


def some(strategy, most=3):
    return st.lists(strategy, max_size=most).map(tuple)


def maybe(strategy):
    return st.none() | strategy


def pairs(values):
    return st.dictionaries(name, values, max_size=3).map(lambda found: tuple(sorted(found.items())))


concrete_keys = st.lists(name, min_size=1, max_size=3).map(PartitionKey.Single) | st.dictionaries(
    name, st.lists(name, min_size=1, max_size=2), min_size=1, max_size=3
).map(PartitionKey.Multi)
partition_keys = concrete_keys | st.lists(concrete_keys, min_size=1, max_size=3).map(PartitionKey.Set)

executors = st.builds(
    ExecutorDefinition,
    st.sampled_from(ExecutorKind),
    maybe(counts),
    maybe(counts),
    pairs(st.integers(-5, 5) | text | st.booleans()),
)
# Of a filter by reasons or by types one alone has the other unset.
filters = (
    st.tuples(st.none(), st.none())
    | st.tuples(st.lists(name, min_size=1).map(tuple), st.none())
    | st.tuples(st.none(), st.lists(name, min_size=1).map(tuple))
    | st.tuples(st.lists(name, min_size=1).map(tuple), st.lists(name, min_size=1).map(tuple))
)
retries = st.builds(
    lambda only, **fields: RetryDefinition(reasons=only[0], exception_types=only[1], **fields),
    filters,
    max_retries=counts,
    backoff=maybe(st.sampled_from(BackoffKind)),
    delay=seconds,
    initial=seconds,
    factor=seconds,
    schedule=some(seconds),
    jitter=seconds,
    max_delay=maybe(seconds),
)
pools = some(st.builds(PoolClaim, name, counts))
key_text = st.text("ab1-_é=", min_size=1, max_size=4)
moments = st.datetimes(datetime(1000, 1, 1), datetime(9990, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
one_dimension = st.one_of(
    st.lists(key_text, min_size=1, max_size=3).map(PartitionsDefinition.static_),
    st.builds(PartitionsDefinition.dynamic, name),
    st.builds(
        PartitionsDefinition.daily, moments, maybe(moments), timezone=st.sampled_from([None, "Europe/Madrid", "UTC"])
    ),
    st.builds(
        PartitionsDefinition.time_window,
        st.datetimes(datetime(1000, 1, 1), datetime(9990, 1, 1)),
        interval_seconds=st.floats(1e-3, 1e7),
        fmt=st.just("%Y-%m-%dT%H:%M:%S.%f"),
        end_offset=st.integers(-5, 5),
    ),
)
partitions = one_dimension | st.dictionaries(
    key_text.filter(lambda one: "=" not in one), one_dimension, min_size=1
).map(PartitionsDefinition.multi)
backfill_strategies = st.one_of(
    st.builds(BackfillStrategy.multi_run),
    st.builds(BackfillStrategy.single_run),
    st.builds(
        BackfillStrategy.per_dimension, st.just(["a"]), st.lists(key_text, min_size=1).filter(lambda d: "a" not in d)
    ),
)
key_ranges = st.builds(PartitionKeyRange.single, text, text) | st.dictionaries(
    name, st.tuples(text, text) | st.lists(text, max_size=2), min_size=1, max_size=2
).map(PartitionKeyRange.multi)
mappings = st.recursive(
    st.one_of(
        st.builds(PartitionMapping.identity),
        st.builds(PartitionMapping.all_partitions),
        st.builds(PartitionMapping.subset),
        st.dictionaries(text, text, max_size=2).map(PartitionMapping.static_),
        st.integers(-(2**62), 2**62).map(PartitionMapping.time_window),
        st.lists(text, min_size=1, max_size=2).map(PartitionMapping.specific_partitions),
        st.lists(partition_keys | key_ranges, max_size=2).map(PartitionMapping.for_keys),
    ),
    lambda inner: (
        st.dictionaries(name, st.tuples(name, inner), max_size=2).map(PartitionMapping.multi)
        | st.builds(PartitionMapping.multi_to_single, name, inner)
    ),
    max_leaves=3,
)
outputs = st.builds(
    OutputDefinition,
    name=name,
    tags=some(text),
    kinds=some(text),
    group=maybe(text),
    code_version=maybe(text),
    metadata=pairs(text),
    handler=st.sampled_from(HandlerKind),
    handler_class=text,
    is_asset=st.booleans(),
    type_name=text,
    pools=some(st.builds(PoolClaim, name, counts)),
    is_mapped=st.booleans(),
    partitions=maybe(partitions),
    backfill_strategy=maybe(backfill_strategies),
)
edges = st.builds(
    EdgeDefinition,
    name,
    maybe(text),
    st.sampled_from(TriggerRule),
    st.sampled_from(Delivery),
    maybe(mappings),
    some(name, 2),
)
leaves = st.builds(
    ConditionDefinition,
    st.sampled_from([kind for kind in ConditionKind if kind < ConditionKind.ANY_DEPS]),
    cron=text,
    timezone=maybe(text),
    lookback=maybe(seconds),
    tag_keys=some(name),
    tag_values=some(st.tuples(name, text)),
    label=maybe(text),
)
conditions = st.recursive(
    leaves,
    lambda children: (
        st.builds(
            ConditionDefinition,
            st.sampled_from([ConditionKind.AND, ConditionKind.OR]),
            st.lists(children, min_size=1, max_size=3).map(tuple),
            label=maybe(text),
        )
        | st.builds(
            ConditionDefinition,
            st.sampled_from([ConditionKind.NOT, ConditionKind.NEWLY_TRUE, ConditionKind.SINCE_LAST_HANDLED]),
            st.tuples(children),
        )
        | st.builds(
            ConditionDefinition,
            st.sampled_from([ConditionKind.ANY_DEPS, ConditionKind.ALL_DEPS]),
            st.tuples(children),
            name=text,
        )
        | st.builds(
            ConditionDefinition,
            st.just(ConditionKind.SELECTED),
            st.tuples(children),
            keys=some(name),
            is_listed=st.booleans(),
        )
        | st.builds(ConditionDefinition, st.just(ConditionKind.SINCE), st.tuples(children, children))
    ),
    max_leaves=6,
)
step_definitions = st.builds(
    StepDefinition,
    key=name,
    kind=st.sampled_from(StepKind),
    outputs=some(outputs, 2),
    edges=some(edges, 2),
    executor=maybe(executors),
    retry=maybe(retries),
    pools=pools,
    is_async=st.booleans(),
    resources=some(name),
    graph=text,
    condition=maybe(text),
    description=text,
    max_concurrency=counts,
    is_runnable=st.booleans(),
    automation=maybe(conditions),
    hooks=some(st.builds(HookDefinition, text, st.sampled_from(HookKind))),
    reads_itself=st.booleans(),
)
jobs = st.builds(
    JobDefinition,
    name=name,
    steps=some(name),
    executor=maybe(executors),
    retry=maybe(retries),
    allow_incomplete_deps=st.booleans(),
)
run_queues = st.builds(
    RunQueueDefinition,
    st.integers(-1, 2**31 - 1),
    some(st.builds(TagLimitDefinition, name, counts, maybe(text), st.booleans())),
    seconds,
    seconds,
)
run_backends = st.builds(
    RunBackendDefinition, st.sampled_from(BackendKind), maybe(text), maybe(text), text, text, text, text, text
)
modes = st.sampled_from(EvaluationMode)
schedules = st.builds(
    ScheduleDefinition,
    name=name,
    cron=text,
    job=name,
    timezone=maybe(text),
    is_running=st.booleans(),
    tags=pairs(text),
    description=text,
    mode=modes,
    timeout=maybe(seconds),
    has_function=st.booleans(),
    is_async=st.booleans(),
    resources=some(name),
)
watches = st.builds(
    RunStatusWatch, st.sampled_from(WatchedStatus), maybe(st.lists(name, min_size=1, max_size=3).map(tuple))
)
sensors = st.builds(
    SensorDefinition,
    name=name,
    job=maybe(name),
    assets=some(name),
    interval=seconds,
    is_running=st.booleans(),
    tags=pairs(text),
    description=text,
    mode=modes,
    timeout=maybe(seconds),
    has_function=st.booleans(),
    is_async=st.booleans(),
    resources=some(name),
    watch=maybe(watches),
)
snapshots = st.builds(
    Snapshot,
    steps=some(step_definitions),
    jobs=some(jobs),
    default_executor=executors,
    default_retry=maybe(retries),
    pool_limits=pairs(counts),
    run_queue=maybe(run_queues),
    run_backend=maybe(run_backends),
    schedules=some(schedules),
    sensors=some(sensors),
    module=text,
    repository=text,
)
step_ids = st.builds(
    StepId, name, maybe(text), some(st.tuples(name, text)), st.lists(concrete_keys, max_size=2).map(tuple)
)
planned_steps = st.builds(
    PlannedStep,
    id=step_ids,
    step=name,
    outputs=some(st.builds(PlannedOutput, name, st.sampled_from(HandlerKind), st.booleans())),
    edges=some(
        st.builds(
            PlannedEdge,
            name,
            maybe(counts),
            maybe(text),
            st.sampled_from(TriggerRule),
            st.sampled_from(HandlerKind),
            st.sampled_from(Delivery),
            some(name, 2),
        )
    ),
    location=text,
    placement=st.sampled_from(Placement),
    retry=maybe(retries),
    pools=pools,
    condition=maybe(text),
    kind=st.sampled_from(StepKind),
    graph=text,
    max_concurrency=counts,
    reads_keys=some(name),
)
plans = st.builds(
    RunPlan,
    steps=some(planned_steps),
    location=text,
    digest=text,
    job=maybe(text),
    executor=maybe(executors),
    config=maybe(st.dictionaries(text, st.integers(-5, 5) | st.lists(st.booleans(), max_size=2), max_size=3)),
    partition_key=maybe(partition_keys),
)
failures = st.builds(
    Failure,
    reason=st.sampled_from(FailureReason),
    message=text,
    exception_types=some(name),
    traceback=text,
    signal=st.integers(0, 64),
    exit_code=st.integers(-255, 255),
)
