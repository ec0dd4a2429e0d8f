"""Settings of the run queue and of where runs are launched."""

import pytest

import rivers as rs
from rivers.definitions.snapshot import RunQueueDefinition, TagLimitDefinition


def test_a_queue_without_arguments():
    queue = rs.RunQueueConfig()
    assert queue.max_concurrent_runs == 10
    assert queue.tag_concurrency_limits == []
    assert (queue.dequeue_interval, queue.start_timeout) == ("250ms", "180s")
    assert queue.definition == RunQueueDefinition(10, (), 0.25, 180.0)
    assert queue == rs.RunQueueConfig()
    assert "max_concurrent_runs=10" in repr(queue)


def test_a_queue_reads_back_what_it_was_given():
    limit = rs.TagConcurrencyLimit("tenant", 1, per_unique_value=True)
    queue = rs.RunQueueConfig(20, [limit], "1s", "1h 30m")
    assert queue.max_concurrent_runs == 20
    assert queue.tag_concurrency_limits == [limit]
    assert (queue.dequeue_interval, queue.start_timeout) == ("1s", "1h 30m")
    assert queue.definition == RunQueueDefinition(20, (TagLimitDefinition("tenant", 1, None, True),), 1.0, 5400.0)


@pytest.mark.parametrize(("given", "means"), [(-1, -1), (-7, -1), (0, 0), (3, 3)])
def test_any_negative_number_is_no_limit(given, means):
    queue = rs.RunQueueConfig(max_concurrent_runs=given)
    assert queue.max_concurrent_runs == given
    assert queue.definition.max_concurrent_runs == means


@pytest.mark.parametrize(
    ("arguments", "key", "limit", "value", "per_unique_value"),
    [
        ({"key": "env", "limit": 1, "value": "prod"}, "env", 1, "prod", False),
        ({"key": "any", "limit": 0}, "any", 0, None, False),
        ({"key": "team", "limit": 2, "per_unique_value": True}, "team", 2, None, True),
    ],
)
def test_a_tag_limit_reads_back_what_it_was_given(arguments, key, limit, value, per_unique_value):
    tag = rs.TagConcurrencyLimit(**arguments)
    assert (tag.key, tag.limit, tag.value, tag.per_unique_value) == (key, limit, value, per_unique_value)


@pytest.mark.parametrize("field", ["dequeue_interval", "start_timeout"])
@pytest.mark.parametrize("text", ["", "5", "soon", "1 fortnight"])
def test_what_is_no_duration_is_refused(field, text):
    with pytest.raises(ValueError, match=f"invalid duration for '{field}': \"{text}\" — "):
        rs.RunQueueConfig(**{field: text})


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.TagConcurrencyLimit("k", -1), OverflowError, "limit must not be negative, got -1"),
        (lambda: rs.TagConcurrencyLimit("k", 1 << 40), OverflowError, "limit must fit 32 bits"),
        (lambda: rs.TagConcurrencyLimit("k", 1, "v", True), ValueError, "value and per_unique_value exclude"),
        (lambda: rs.TagConcurrencyLimit("", 1), ValueError, "key must not be empty"),
        (lambda: rs.TagConcurrencyLimit(1, 1), TypeError, "key must be a str, not int"),
        (lambda: rs.TagConcurrencyLimit("k", "1"), TypeError, "limit must be an int, not str"),
        (lambda: rs.TagConcurrencyLimit("k", True), TypeError, "limit must be an int, not bool"),
        (lambda: rs.TagConcurrencyLimit("k", 1, 2), TypeError, "value must be a str or None, not int"),
        (lambda: rs.TagConcurrencyLimit("k", 1, None, 1), TypeError, "per_unique_value must be a bool, not int"),
        (lambda: rs.TagConcurrencyLimit(), TypeError, "key"),
        (lambda: rs.RunQueueConfig("10"), TypeError, "max_concurrent_runs must be an int, not str"),
        (lambda: rs.RunQueueConfig(1 << 31), OverflowError, "max_concurrent_runs must fit 32 bits"),
        (lambda: rs.RunQueueConfig(tag_concurrency_limits=["k"]), TypeError, "got str"),
        (lambda: rs.RunQueueConfig(tag_concurrency_limits="k"), TypeError, "not str"),
        (lambda: rs.RunQueueConfig(start_timeout=5), TypeError, "start_timeout must be a str such as '5m', not int"),
        (lambda: rs.RunQueueConfig(max_runs=5), TypeError, "max_runs"),
    ],
)
def test_wrong_settings_are_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_backends():
    local = rs.RunBackendConfig.local()
    assert not local.is_kubernetes()
    assert repr(local) == "RunBackendConfig.local()"
    kubernetes = rs.RunBackendConfig.kubernetes("app:1", namespace="data", run_cpu="2")
    assert kubernetes.is_kubernetes()
    assert kubernetes != local
    assert kubernetes == rs.RunBackendConfig.kubernetes("app:1", namespace="data", run_cpu="2")
    definition = kubernetes.definition
    assert (definition.image, definition.namespace, definition.service_account) == ("app:1", "data", "rivers-executor")
    assert (definition.run_cpu, definition.run_memory) == ("2", "512Mi")
    assert (definition.worker_cpu, definition.worker_memory) == ("500m", "512Mi")


@pytest.mark.parametrize(
    "make",
    [
        rs.RunBackendConfig,
        lambda: rs.RunBackendConfig.kubernetes(1),
        lambda: rs.RunBackendConfig.kubernetes(run_cpu=2),
        lambda: rs.RunBackendConfig.kubernetes("image", "namespace"),
    ],
)
def test_wrong_backends_are_refused(make):
    with pytest.raises(TypeError):
        make()


def test_a_repository_carries_them():
    queue = rs.RunQueueConfig(max_concurrent_runs=3)
    backend = rs.RunBackendConfig.kubernetes("app:1")
    snapshot = rs.CodeRepository([], run_queue=queue, run_backend=backend).bound.snapshot
    assert snapshot.run_queue == queue.definition
    assert snapshot.run_backend == backend.definition
    assert snapshot.digest != rs.CodeRepository([]).bound.snapshot.digest


@pytest.mark.parametrize("argument", ["run_queue", "run_backend"])
def test_a_repository_refuses_something_else(argument):
    with pytest.raises(TypeError, match=f"{argument} must be "):
        rs.CodeRepository([], **{argument: "10"})
