"""Executors, retry policies, compute and the enum-like classes."""

import pickle

import pytest

import rivers as rs
from rivers.definitions.kinds import BackoffKind, ExecutorKind
from rivers.exceptions import ConfigurationError


def test_members_equal_their_number_without_being_numbers():
    assert rs.RetryOn.TRANSIENT == 1
    assert int(rs.RunStatus.Failure) == 4
    assert repr(rs.StorageType.Embedded) == "StorageType.Embedded"
    assert not isinstance(rs.FailureReason.TIMEOUT, int)
    assert rs.FailureReason.ERROR != rs.RetryOn.ALL
    assert {rs.RetryOn.ALL: "x"}[0] == "x"
    assert pickle.loads(pickle.dumps(rs.RetryOn.ALL)) is rs.RetryOn.ALL


def test_executors_and_their_definitions():
    assert isinstance(rs.Executor.in_process(), rs.Executor.InProcess)
    assert rs.Executor.in_process().definition.kind == ExecutorKind.IN_PROCESS
    parallel = rs.Executor.parallel(4, max_async_concurrent=2)
    assert isinstance(parallel, rs.Executor.Parallel)
    assert (parallel.max_workers, parallel.max_async_concurrent) == (4, 2)
    assert parallel.definition.max_workers == 4
    assert pickle.loads(pickle.dumps(parallel)) == parallel


def test_parallel_reads_the_cpus_when_no_number_is_named():
    executor = rs.Executor.parallel()
    assert executor.max_workers >= 1
    assert executor.definition.max_workers is None, "a snapshot is the same on every machine"


def test_kubernetes_carries_its_settings():
    executor = rs.Executor.kubernetes("image:1", max_concurrent_steps=20, namespace="n")
    assert isinstance(executor, rs.Executor.Kubernetes)
    assert (executor.service_account, executor.worker_cpu, executor.worker_memory) == (
        "rivers-executor",
        "500m",
        "512Mi",
    )
    assert executor.definition.kind == ExecutorKind.KUBERNETES
    assert dict(executor.definition.kubernetes) == {
        "worker_image": "image:1",
        "max_concurrent_steps": 20,
        "namespace": "n",
        "service_account": "rivers-executor",
        "worker_cpu": "500m",
        "worker_memory": "512Mi",
    }


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: rs.Executor(), TypeError),
        (lambda: rs.Executor.parallel(-1), OverflowError),
        (lambda: rs.Executor.parallel(max_async_concurrent=-1), OverflowError),
        (lambda: rs.Executor.parallel("4"), TypeError),
        (lambda: rs.Executor.parallel(0), ConfigurationError),
        (lambda: rs.Executor.kubernetes(3), TypeError),
        (lambda: rs.Executor.kubernetes(max_concurrent_steps=-1), OverflowError),
        (lambda: rs.Executor.kubernetes(worker_cpu=None), TypeError),
    ],
)
def test_wrong_executors_are_refused(make, error):
    with pytest.raises(error):
        make()


def test_a_policy_without_arguments_retries_everything_once_at_once():
    definition = rs.RetryPolicy().definition
    assert definition.max_retries == 1
    assert definition.backoff is None
    assert definition.reasons is None
    assert definition.exception_types is None


@pytest.mark.parametrize(
    ("retry_on", "reasons", "types"),
    [
        (None, None, None),
        (rs.RetryOn.ALL, None, None),
        (rs.RetryOn.TRANSIENT, ("out_of_memory", "timeout", "infrastructure"), None),
        ([], (), ()),
        ([ValueError], None, ("builtins.ValueError",)),
        ([ValueError, rs.FailureReason.TIMEOUT], ("timeout",), ("builtins.ValueError",)),
    ],
)
def test_what_a_policy_retries(retry_on, reasons, types):
    definition = rs.RetryPolicy(2, retry_on=retry_on).definition
    assert definition.reasons == reasons
    assert definition.exception_types == types


def test_reasons_of_an_escalation_are_retried_too():
    escalation = rs.ComputeEscalation(max_memory="4Gi")
    assert list(escalation.on) == [rs.FailureReason.OUT_OF_MEMORY]
    definition = rs.RetryPolicy(2, retry_on=[ValueError], escalate=escalation).definition
    assert definition.reasons == ("out_of_memory",)


@pytest.mark.parametrize("element", [rs.RetryOn.ALL, "timeout", 3, int])
def test_other_elements_of_retry_on_are_refused(element):
    with pytest.raises(TypeError) as caught:
        rs.RetryPolicy(retry_on=[element])
    assert str(caught.value) == "retry_on elements must be exception types or FailureReason values"


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.RetryPolicy(-1), OverflowError, "max_retries"),
        (lambda: rs.RetryPolicy("1"), TypeError, "max_retries"),
        (lambda: rs.RetryPolicy(1, rs.Backoff.constant(1)), TypeError, "positional"),
        (lambda: rs.RetryPolicy(backoff=3), TypeError, "backoff must be a Backoff"),
        (lambda: rs.Backoff(), TypeError, "no constructor"),
        (lambda: rs.Backoff.constant(1, jitter=1.5), ConfigurationError, "jitter must be between 0.0 and 1.0, got 1.5"),
        (lambda: rs.Backoff.constant(float("inf")), ConfigurationError, "must be finite"),
        (lambda: rs.Backoff.fixed([]), ConfigurationError, "Backoff.fixed requires a non-empty schedule"),
        (
            lambda: rs.Backoff.exponential(1, factor=0),
            ConfigurationError,
            "Backoff.exponential factor must be > 0, got 0",
        ),
        (lambda: rs.ComputeEscalation(), TypeError, "max_memory"),
        (lambda: rs.Compute("1"), TypeError, "positional"),
    ],
)
def test_wrong_policies_are_refused(make, error, text):
    with pytest.raises(error, match=text.replace(".", r"\.")):
        make()


def test_back_offs_as_data():
    fixed = rs.RetryPolicy(backoff=rs.Backoff.fixed([1, -2], jitter=0.5)).definition
    assert (fixed.backoff, fixed.schedule, fixed.jitter) == (BackoffKind.FIXED, (1.0, 0.0), 0.5)
    linear = rs.RetryPolicy(backoff=rs.Backoff.linear(2, initial=1, max_delay=9)).definition
    assert (linear.backoff, linear.delay, linear.initial, linear.max_delay) == (BackoffKind.LINEAR, 2.0, 1.0, 9.0)
    exponential = rs.RetryPolicy(backoff=rs.Backoff.exponential(2, factor=3)).definition
    assert (exponential.backoff, exponential.delay, exponential.factor) == (BackoffKind.EXPONENTIAL, 2.0, 3.0)
    nan = rs.RetryPolicy(backoff=rs.Backoff.constant(float("nan"))).definition
    assert nan.delay == 0.0


def test_compute_is_plain_data():
    compute = rs.Compute(cpu="2", memory="4Gi")
    assert (compute.cpu, compute.memory, compute.gpu) == ("2", "4Gi", None)
