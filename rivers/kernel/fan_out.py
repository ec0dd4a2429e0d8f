"""Fan-out in one step: the elements of a source, and the results of instances."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from rivers.definitions.handlers import handler_kind
from rivers.definitions.kinds import Delivery, HandlerKind
from rivers.definitions.results import DynamicOutput
from rivers.errors import ExecutionError
from rivers.kernel.call import InputReference, StepCall, StepSink
from rivers.kernel.io_contexts import InputContext
from rivers.kernel.partitions import loaded_partition
from rivers.kernel.tracebacks import text_of

#: What a handler is told is loading, when a fan-out looks at its source or gathers results.
CONSUMER = "fan_out"

#: Characters of keys in one event, each with what it takes besides.
_AT_ONCE = 256 << 10
_BESIDES = 4


class Elements:
    """The source that was loaded last in this process by a handler that loads a copy, so that instances share one load.

    Each element is handed out once: an instance that is tried again loads its element anew, as it was stored.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._source: tuple[object, ...] = ()
        self._left: dict[int, Any] = {}

    def take(self, source: tuple[object, ...], index: int) -> tuple[bool, Any]:
        """Whether the element is there, and the element."""
        with self._lock:
            if self._source != source or index not in self._left:
                return False, None
            return True, self._left.pop(index)

    def leave(self, run_id: str) -> None:
        """Forgets what another run left."""
        if self._source and self._source[0] != run_id:
            self._source, self._left = (), {}

    def keep(self, source: tuple[object, ...], elements: list[Any], index: int) -> None:
        """Keeps a loaded source but for the element that was asked for."""
        with self._lock:
            self._source = source
            self._left = dict(enumerate(elements))
            self._left.pop(index, None)


elements = Elements()


def normalised(value: Any) -> tuple[Any, list[str] | None]:
    """What is stored of a value that a task is mapped over, and the mapping keys of its elements.

    What can be gone through only once, or in an order of its own, becomes a list; of `DynamicOutput` the values are
    stored. No keys: it has no elements, which the mapped task will say.
    """
    if isinstance(value, Iterator | set | frozenset):
        value = list(value)
    if not isinstance(value, list | tuple):
        try:
            return value, [str(index) for index, _ in enumerate(value)]
        except TypeError:
            return value, None
    dynamic = sum(isinstance(element, DynamicOutput) for element in value)
    if not dynamic:
        return value, [str(index) for index in range(len(value))]
    if dynamic < len(value):
        raise TypeError(
            "Cannot mix DynamicOutput and plain values in a fan-out source list. "
            "Either all items must be DynamicOutput or none."
        )
    keys: dict[str, None] = {}
    for element in value:
        if element.key in keys:
            raise ValueError(f"duplicate mapping key '{element.key}': each DynamicOutput of a list needs its own")
        if "\0" in element.key or not _is_text(element.key):
            raise ValueError(f"mapping key {element.key!r} cannot be part of a name")
        keys[element.key] = None
    return [element.value for element in value], list(keys)


def tell(sink: StepSink, node: str, keys: Sequence[str]) -> None:
    """Tells the elements of a node, of very many some at a time."""
    piece: list[str] = []
    size = 0
    for key in keys:
        size += len(key) + _BESIDES
        if piece and size > _AT_ONCE:
            sink.mapped(node, tuple(piece))
            piece, size = [], len(key) + _BESIDES
        piece.append(key)
    sink.mapped(node, tuple(piece))


def expand(call: StepCall, sink: StepSink) -> None:
    """A mapped task looks at its source."""
    reference = next(one for one in call.inputs if one.delivery == Delivery.ELEMENT)
    value = _load(call, reference, reference.node, reference.metadata, None)
    try:
        keys = [str(index) for index, _ in enumerate(value)]
    except TypeError as error:
        raise ExecutionError(f"Fan-out source is not iterable: {type(error).__name__}: {text_of(error)}") from None
    tell(sink, "", keys)


def delivered(call: StepCall, reference: InputReference, hint: Any) -> Any:
    """What a parameter receives of a fan-out."""
    match reference.delivery:
        case Delivery.ELEMENT if reference.results:
            return _result(call, reference, reference.results[0], hint)
        case Delivery.ELEMENT:
            return _element(call, reference)
        case Delivery.COLLECTED:
            return [_result(call, reference, result, None) for result in reference.results]
        case _:  # loaded as it is gone through
            return (_result(call, reference, result, None) for result in reference.results)


def _element(call: StepCall, reference: InputReference) -> Any:
    index = call.mapping_index
    handler = call.values.for_input(call, reference)
    if handler_kind(handler) == HandlerKind.IN_MEMORY:  # the object itself, so nothing is loaded twice
        return _pick(_load(call, reference, reference.node, reference.metadata, None), index)
    source = (
        call.run_id,
        call.step.definition.key,  # which may load it by a handler of its own
        reference.node,
        reference.producer_token,
        reference.producer_run_id,
        str(call.partition_key),
    )
    is_there, element = elements.take(source, index)
    if is_there:
        return element
    value = _load(call, reference, reference.node, reference.metadata, None)
    loaded = list(value)
    elements.keep(source, loaded, index)
    return loaded[index]


def _pick(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list | tuple) else next(islice(iter(value), index, None))


def _result(call: StepCall, reference: InputReference, result: tuple[str, int], hint: Any) -> Any:
    node, token = result
    return _load(call, replace(reference, producer_token=token), node, reference.metadata, hint)


def _load(call: StepCall, reference: InputReference, node: str, metadata: Any, hint: Any) -> Any:
    partition = None
    if call.partition_key is not None or reference.partitions is not None:
        is_loaded, partition = loaded_partition(call, reference)
        if not is_loaded:
            return None
    told = InputContext(node, CONSUMER, metadata, partition, hint)
    return call.values.for_input(call, reference).load_input(told)


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:  # half a surrogate
        return False
    return True
