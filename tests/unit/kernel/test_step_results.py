"""What a single asset's function may return, and what becomes of it."""

from __future__ import annotations

import uuid
from typing import Any, Literal, Optional

import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.metadata import MetadataValue
from rivers.definitions.results import DynamicOutput, Materialization, Observation, Output
from rivers.io_handlers import BaseIOHandler
from rivers.kernel.contexts import AssetExecutionContext
from rivers.lifecycle.states import AttemptOutcome, FailureReason

SUCCEEDED, FAILED = AttemptOutcome.SUCCEEDED, AttemptOutcome.FAILED


def test_a_plain_value_is_stored_and_gets_a_random_data_version(bench):
    @Asset
    def a():
        return [1]

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert bench.stored("a") == [1]
    assert bench.heard.events == [("started", ""), ("materialized", "a")]
    assert uuid.UUID(bench.heard.versions["a"]).version == 4
    assert bench.heard.metadata["a"]["storage"] == "memory"


def test_none_is_a_value(bench):
    @Asset
    def a():
        return None

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert bench.stored("a") is None


def test_an_output_is_unwrapped(bench):
    @Asset
    def a() -> int:
        return Output(3, metadata={"rows": 4, "ok": True, "none": None}, data_version="v1", output_name="ignored")

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert bench.stored("a") == 3
    assert bench.heard.versions["a"] == "v1"
    assert bench.heard.metadata["a"].items() >= {"rows": 4, "ok": True, "none": None}.items()


def test_a_materialization_stores_nothing(bench):
    @Asset
    def a() -> int:
        return Materialization(metadata={"x": MetadataValue.percentage(5)}, data_version="d")

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert bench.memory._storage == {}
    assert bench.heard.valueless == ["a"]
    assert bench.heard.metadata["a"] == {"x": 5.0}


def test_an_observation_is_no_materialization(bench):
    @Asset
    def a():
        return Observation(metadata={"x": 1})

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert bench.heard.events == [("started", ""), ("observed", "a")]
    assert bench.heard.versions["a"] is None


def test_a_generator_is_a_value_of_a_single_asset(bench):
    @Asset
    def a():
        yield 1

    bench.bind(a)
    assert bench.run("a").outcome == SUCCEEDED
    assert next(bench.stored("a")) == 1


def test_dynamic_outputs_are_unwrapped_to_a_list(bench):
    @Asset
    def a():
        return [DynamicOutput("x", 1), DynamicOutput("y", 2)]

    bench.bind(a)
    bench.run("a")
    assert bench.stored("a") == [1, 2]


class Noting(BaseIOHandler):
    """Adds metadata and a data version of its own, and shows what it was told."""

    version: str | None = None

    def handle_output(self, context: Any, obj: Any) -> None:
        context.add_output_metadata({"seen": len(context.output_metadata or {}), "shared": "handler"})
        if self.version is not None:
            context.register_data_version(self.version)

    def load_input(self, context: Any) -> Any: ...


@pytest.mark.parametrize(
    ("by_handler", "by_output", "by_context", "expected"),
    [("h", "o", "c", "h"), (None, "o", "c", "o"), (None, None, "c", "c")],
)
def test_precedence_of_data_versions(bench, by_handler, by_output, by_context, expected):
    @Asset(io_handler=Noting(version=by_handler))
    def a(context: AssetExecutionContext):
        context.register_data_version(by_context)
        return Output(1, data_version=by_output)

    bench.bind(a)
    bench.run("a")
    assert bench.heard.versions["a"] == expected


def test_metadata_merges_from_context_over_output_to_handler(bench):
    @Asset(io_handler=Noting())
    def a(context: AssetExecutionContext):
        context.add_output_metadata({"c": 1, "both": "context", "shared": "context"})
        return Output(1, metadata={"both": "output", "o": 2})

    bench.bind(a)
    bench.run("a")
    assert list(bench.heard.metadata["a"].items()) == [
        ("c", 1),
        ("both", "output"),
        ("shared", "handler"),
        ("o", 2),
        ("seen", 4),
    ]


def test_metadata_without_a_type_fails_the_step(bench):
    @Asset
    def a():
        return Output(1, metadata={"x": object()})

    bench.bind(a)
    end = bench.run("a")
    assert end.outcome == FAILED
    assert end.failure.message == (
        "TypeError: Cannot coerce object to MetadataValue. Use MetadataValue.text(), .int(), etc."
    )
    assert bench.memory._storage == {}


class Named: ...


@pytest.mark.parametrize(
    ("annotation", "good", "bad", "text"),
    [
        (int, True, "x", "int"),
        (float, 1.0, 1, "float"),
        (int, 3, None, "int"),
        (list[int], ["not", "checked"], (1,), "list[int]"),
        (dict[str, int], {}, [], "dict[str, int]"),
        (Optional[int], None, "x", "Optional[int]"),  # noqa: UP045
        (int | str, "x", 1.0, "int | str"),
        (Literal["a", 1], 1, True, "Literal['a', 1]"),
        (Named, Named(), 3, "Named"),
        (Literal["a"] | None, None, "b", None),
    ],
)
def test_a_value_is_checked_against_the_annotation(bench, annotation, good, bad, text):
    values = [good, bad]

    def body():
        return values.pop(0)

    body.__annotations__["return"] = annotation
    bench.bind(Asset(name="a")(body))
    assert bench.run("a").outcome == SUCCEEDED
    end = bench.run("a")
    assert end.outcome == FAILED
    assert type(end.exception).__name__ == "AssetOutputValidationError"
    if text is not None:
        assert str(end.exception) == (f"Asset 'a' returned value of type '{type(bad).__name__}' but expected '{text}'")


@pytest.mark.parametrize("annotation", [Any, object, None, Output, Materialization, int | Any])
def test_annotations_that_say_nothing(bench, annotation):
    def body():
        return "x"

    body.__annotations__["return"] = annotation
    bench.bind(Asset(name="a")(body))
    assert bench.run("a").outcome == SUCCEEDED


def test_the_value_of_an_output_is_checked(bench):
    @Asset
    def a() -> int:
        return Output("x")

    bench.bind(a)
    assert bench.run("a").failure.message.startswith(
        "AssetOutputValidationError: Asset 'a' returned value of type 'str'"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("boom"), FailureReason.ERROR),
        (ConnectionError("x"), FailureReason.ERROR),
        (MemoryError(), FailureReason.OUT_OF_MEMORY),
        (TimeoutError("late"), FailureReason.TIMEOUT),
        (SystemExit(3), FailureReason.ERROR),
        (KeyboardInterrupt(), FailureReason.ERROR),
    ],
)
def test_what_a_function_raises_is_the_end_of_the_attempt(bench, error, reason):
    @Asset
    def a():
        raise error

    bench.bind(a)
    end = bench.run("a")
    assert end.outcome == FAILED
    assert end.exception is error
    assert end.failure.reason == reason
    assert end.failure.message == f"{type(error).__name__}: {error}"
    assert end.failure.exception_types[0] == f"builtins.{type(error).__name__}"
    assert end.failure.exception_types[-1] == "builtins.object"
    assert "in a\n" in end.failure.traceback
    assert "rivers/kernel" not in end.failure.traceback


def test_a_handler_that_raises_fails_the_step(bench):
    class Broken(BaseIOHandler):
        def handle_output(self, context: Any, obj: Any) -> None:
            raise OSError("disk")

        def load_input(self, context: Any) -> Any: ...

    @Asset(io_handler=Broken())
    def a():
        return 1

    bench.bind(a)
    end = bench.run("a")
    assert end.failure.message == "OSError: disk"
    assert bench.heard.events == [("started", "")]
