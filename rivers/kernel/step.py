"""Runs one step: loads its inputs, calls its function, records what it returns."""

from __future__ import annotations

from collections.abc import Coroutine
from types import CoroutineType, GeneratorType
from typing import Any

from rivers.definitions.binding import ParameterSource
from rivers.definitions.kinds import Delivery, StepKind
from rivers.definitions.results import Materialization
from rivers.definitions.self_dependency import SelfDependency
from rivers.errors import ConfigurationError, ExecutionError
from rivers.kernel import fan_out
from rivers.kernel.call import InputReference, StepCall, StepEnd, StepSink, static_metadata
from rivers.kernel.config import build_config
from rivers.kernel.contexts import AssetExecutionContext, TaskExecutionContext
from rivers.kernel.failures import failure_of
from rivers.kernel.io_contexts import InputContext
from rivers.kernel.partitions import loaded_partition, refuse_unpartitioned
from rivers.kernel.recipe import Argument, ContextRecipe, Recipe, recipe_of
from rivers.kernel.recording import SUCCEEDED, Recording, Yields
from rivers.lifecycle.states import AttemptOutcome

_CONTEXT, _SELF, _NODE = ParameterSource.CONTEXT, ParameterSource.SELF, ParameterSource.NODE


def run_step(call: StepCall, sink: StepSink) -> StepEnd:
    """Runs the step on this thread. What the author's code raises is the answer, never raised; a coroutine function
    gets an event loop of its own."""
    sink.started()
    fan_out.elements.leave(call.run_id)
    try:
        recipe = recipe_of(call.step)
        if recipe.kind == StepKind.MAPPED_TASK and call.mapping_key is None:
            fan_out.expand(call, sink)
            return SUCCEEDED
        if recipe.is_async:
            end: StepEnd = in_own_loop(_run_async(call, sink, recipe))
            return end
        value, context = _call(call, recipe)
        if type(value) is CoroutineType:
            value = in_own_loop(value)
        recording = Recording(call, sink, recipe, context)
        if recipe.kind == StepKind.MULTI_ASSET:
            return _multi(call, recipe, recording, value)
        if recipe.kind == StepKind.EXTERNAL_ASSET:
            return recording.observation(value)
        return recording.single(value)
    except BaseException as error:  # the end of user code
        return _failed(error)


async def run_step_async(call: StepCall, sink: StepSink) -> StepEnd:
    """Runs the step on this event loop. Only the cancellation of the calling task is raised."""
    sink.started()
    try:
        recipe = recipe_of(call.step)
        if recipe.kind == StepKind.MAPPED_TASK and call.mapping_key is None:
            fan_out.expand(call, sink)
            return SUCCEEDED
        return await _run_async(call, sink, recipe)
    except BaseException as error:  # the end of user code
        if _is_own_cancellation(error):
            raise
        return _failed(error)


async def _run_async(call: StepCall, sink: StepSink, recipe: Recipe) -> StepEnd:
    try:
        value, context = _call(call, recipe)
        if type(value) is CoroutineType or hasattr(value, "__await__"):
            value = await value
        recording = Recording(call, sink, recipe, context)
        if recipe.kind == StepKind.MULTI_ASSET:
            if hasattr(value, "__aiter__"):
                return await _multi_async(call, recipe, recording, value)
            return _multi(call, recipe, recording, value)
        if recipe.kind == StepKind.EXTERNAL_ASSET:
            return recording.observation(value)
        return recording.single(value)
    except BaseException as error:  # inside the task: SystemExit must not reach the event loop
        if _is_own_cancellation(error):
            raise
        return _failed(error)


def in_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine to its end on this thread, or on another one when this one's event loop is busy."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    import contextvars
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.copy_context().run, asyncio.run, work).result()


def _call(call: StepCall, recipe: Recipe) -> tuple[Any, AssetExecutionContext[Any] | None]:
    if call.partition_key is not None:
        refuse_unpartitioned(call)
    context = None if recipe.context is None else _context(call, recipe.context)
    arguments = [_value(call, recipe, argument, context) for argument in recipe.positional]
    if recipe.keywords:
        keywords = {argument.name: _value(call, recipe, argument, context) for argument in recipe.keywords}
        value = recipe.function(*arguments, **keywords)
    else:
        value = recipe.function(*arguments)
    return value, context if type(context) is AssetExecutionContext else None


def _value(call: StepCall, recipe: Recipe, argument: Argument, context: object) -> Any:
    source = argument.source
    if source is _NODE:
        return _load(call, recipe, argument)
    if source is _CONTEXT:
        return context
    if source is _SELF:
        return _previous(call, recipe, argument)
    try:
        resource = call.resources[argument.name]
    except KeyError:
        raise ConfigurationError(
            f"Node '{recipe.key}': parameter '{argument.name}' does not match any upstream asset or resource. "
            f"Available resources: {sorted(call.resources)}"
        ) from None
    if not hasattr(type(resource), "model_fields"):  # resources and handlers are pydantic models, too
        raise ConfigurationError(
            "Expected a Pydantic BaseModel/BaseSettings subclass, Resource instance or BaseIOHandler, "
            f"got {type(resource).__name__}"
        )
    return resource


def _load(call: StepCall, recipe: Recipe, argument: Argument) -> Any:
    name = argument.name
    for reference in call.inputs:
        if reference.parameter == name:
            if reference.delivery != Delivery.VALUE:
                return fan_out.delivered(call, reference, argument.hint)
            if not reference.has_value and recipe.kind == StepKind.GRAPH_ASSET:
                return Materialization()  # its final task stored nothing, so there is nothing to take over
            partition = None
            if call.partition_key is not None or reference.partitions is not None:
                is_loaded, partition = loaded_partition(call, reference)
                if not is_loaded:
                    return None
            told = InputContext(reference.node, call.step_key, reference.metadata, partition, argument.hint)
            return call.values.for_input(call, reference).load_input(told)
    raise ExecutionError(f"Asset '{recipe.key}': no value was handed over for input '{name}'")


def _previous(call: StepCall, recipe: Recipe, argument: Argument) -> SelfDependency[Any]:
    """The step's own last value; whatever its handler raises means that there is none."""
    node = call.outputs[0]
    reference = next((one for one in call.inputs if one.parameter == "self"), None) or InputReference(node, "self")
    told = InputContext(node, node, static_metadata(call, recipe.outputs[node].metadata), call.partition, argument.hint)
    try:
        return SelfDependency(call.values.for_input(call, reference).load_input(told))
    except Exception:
        return SelfDependency(None)


def _context(call: StepCall, recipe: ContextRecipe) -> AssetExecutionContext[Any] | TaskExecutionContext[Any]:
    config = build_config(recipe.model, call.config) if recipe.model is not None else None
    tags = None if recipe.tags is None else list(recipe.tags)
    if recipe.is_task:
        task: TaskExecutionContext[Any] = TaskExecutionContext(recipe.name, tags, call.partition)
        task.config = config
        task.attempt_token = call.token
        return task
    context: AssetExecutionContext[Any] = AssetExecutionContext(
        recipe.name,
        tags,
        list(recipe.kinds),
        recipe.group,
        recipe.code_version,
        None if recipe.is_multi else static_metadata(call, recipe.metadata),
        call.partition,
        recipe.is_multi,
        list(call.outputs) if recipe.is_multi else [],
        config,
        call.run_id,
    )
    context.attempt_token = call.token
    return context


def _multi(call: StepCall, recipe: Recipe, recording: Recording, value: Any) -> StepEnd:
    if type(value) is not GeneratorType and not hasattr(value, "__next__"):
        return recording.mapping(value)
    yields = Yields(call, recipe, recording)
    try:
        for item in value:
            yields.take(item, call.outputs)
    except BaseException as error:  # user code: what was yielded before stays
        return yields.end(error)
    return yields.end(None)


async def _multi_async(call: StepCall, recipe: Recipe, recording: Recording, value: Any) -> StepEnd:
    yields = Yields(call, recipe, recording)
    try:
        async for item in value:
            yields.take(item, call.outputs)
    except BaseException as error:  # user code: what was yielded before stays
        if _is_own_cancellation(error):
            raise
        return yields.end(error)
    return yields.end(None)


def _failed(error: BaseException) -> StepEnd:
    return StepEnd(AttemptOutcome.FAILED, failure_of(error), error)


def _is_own_cancellation(error: BaseException) -> bool:
    """Whether somebody cancelled the task that runs the step, rather than the step something of its own."""
    import asyncio

    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
