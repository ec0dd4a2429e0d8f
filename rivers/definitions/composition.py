"""What a graph asset's body says: which tasks it calls, and what feeds what.

The body runs once, on placeholders. While it runs, a call of a task or an asset is recorded in the composition that is
active in the calling context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from rivers.definitions.kinds import Delivery
from rivers.definitions.parameters import is_context
from rivers.definitions.suggestion import nearest
from rivers.errors import AssetDefinitionError

if TYPE_CHECKING:
    from rivers.definitions.task import Task

RESULT = "result"


@dataclass(frozen=True, slots=True)
class InvokedNodeOutput:
    """Stands, in the body of a graph asset, for the value that a node will have."""

    node_name: str
    output_name: str = RESULT

    def map(self, task: Task, *, max_concurrency: int | None = None) -> MappedOutput:
        """Calls the task once for each element of the value.

        At most `max_concurrency` calls run at a time; `None` or 0: as many as there is room for. `TypeError` when
        `task` is no `Task`, `OverflowError` for a negative number.
        """
        composition = active()
        if composition is None:
            raise AssetDefinitionError("map() belongs in the body of an Asset.from_graph asset")
        return composition.map(self, task, max_concurrency)


@dataclass(frozen=True, slots=True)
class Collected(InvokedNodeOutput):
    """The results of a mapped task, gathered; `delivery` says as what."""

    delivery: Delivery = Delivery.COLLECTED


@dataclass(frozen=True, slots=True)
class MappedOutput:
    """Stands for the results of a mapped task, one for each element."""

    node_name: str
    output_name: str = RESULT

    def collect(self) -> InvokedNodeOutput:
        """All results as a list, in the order of the elements."""
        return self._gather(Delivery.COLLECTED)

    def collect_stream(self, *, ordered: bool = False) -> InvokedNodeOutput:
        """An iterator over all results, which can be gone through once.

        It follows the order in which they were made or, `ordered`, the order of the elements.
        """
        return self._gather(Delivery.STREAMED if ordered else Delivery.STREAMED_AS_MADE)

    def _gather(self, delivery: Delivery) -> InvokedNodeOutput:
        composition = active()
        if composition is None:
            raise AssetDefinitionError("collect() belongs in the body of an Asset.from_graph asset")
        return composition.collect(self, delivery)


@dataclass(frozen=True, slots=True)
class Link:
    """A node whose value goes into a parameter, and as what."""

    node: str
    delivery: Delivery = Delivery.VALUE


@dataclass(slots=True)
class NodeCall:
    """One task in a composition.

    `links` holds what feeds its parameters, `after` what it only waits for, `constants` parameters that were given
    something that is no placeholder.
    """

    task: Any
    links: dict[str, Link] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    is_mapped: bool = False
    max_concurrency: int = 0


class Composition:
    """The recorded body of one graph asset. Calls and gatherings are keyed by node, in the order of recording."""

    def __init__(self, graph: str) -> None:
        self.graph = graph
        self.calls: dict[str, NodeCall] = {}
        self.gathered: dict[str, str] = {}
        self.parameters: list[str] = []
        self.final: str | None = None

    def record(self, body: Callable[..., Any], parameters: Mapping[str, bool]) -> None:
        """Runs the body on placeholders. `parameters` are those without a default; true for a keyword-only one."""
        self.parameters = list(parameters)
        positional = [InvokedNodeOutput(name) for name, by_keyword in parameters.items() if not by_keyword]
        keywords = {name: InvokedNodeOutput(name) for name, by_keyword in parameters.items() if by_keyword}
        token = _active.set(self)
        try:
            returned = body(*positional, **keywords)
        finally:
            _active.reset(token)
        if isinstance(returned, InvokedNodeOutput) and not isinstance(returned, Collected):
            self.final = returned.node_name

    def call(self, task: Task, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> InvokedNodeOutput:
        """A call of a task. A task is one node, however often it is called."""
        node = self._node(task)
        if node.is_mapped:
            self._refuse_both(task)
        names = _wirable(task)
        for name in kwargs:
            if names is not None and name not in names:
                raise TypeError(f"task '{task.name}' has no parameter '{name}'" + (nearest(name, names) or ""))
        free = [name for name, by_keyword in (names or {}).items() if not by_keyword and name not in kwargs]
        for place, value in enumerate(args):
            if place < len(free):
                self._feed(node, free[place], value)
            elif names is None or isinstance(value, InvokedNodeOutput):
                self._wait(node, value)
            else:
                raise TypeError(f"task '{task.name}' takes {len(free)} positional arguments, got {len(args)}")
        for name, value in kwargs.items():
            if names is None:
                self._wait(node, value)
            else:
                self._feed(node, name, value)
        return InvokedNodeOutput(self._key(task))

    def map(self, source: InvokedNodeOutput, task: Task, max_concurrency: int | None) -> MappedOutput:
        """A task over the elements of a value."""
        from rivers.definitions.task import Task

        if not isinstance(task, Task) or task.is_command:
            raise TypeError(f"map() takes a Task, not {type(task).__name__}")
        if task.function is None:
            raise TypeError(f"map() takes a Task with a function; {task!r} is a decorator")
        if max_concurrency is not None and (isinstance(max_concurrency, bool) or not isinstance(max_concurrency, int)):
            raise TypeError(f"max_concurrency must be an int or None, not {type(max_concurrency).__name__}")
        if max_concurrency is not None and max_concurrency < 0:
            raise OverflowError(f"max_concurrency must not be negative, got {max_concurrency}")
        known = self._key(task) in self.calls
        node = self._node(task)
        if known and not node.is_mapped:
            self._refuse_both(task)
        element = next((name for name, by_keyword in (_wirable(task) or {}).items() if not by_keyword), None)
        if element is None:
            raise TypeError(f"task '{task.name}' cannot be mapped: it has no parameter that could take the element")
        if not known:
            node.is_mapped, node.max_concurrency = True, max_concurrency or 0
            node.links[element] = Link(source.node_name, Delivery.ELEMENT)
        elif node.links[element].node != source.node_name:
            self._wait(node, source)
        return MappedOutput(self._key(task))

    def collect(self, mapped: MappedOutput, delivery: Delivery) -> InvokedNodeOutput:
        """The results of a mapped task, gathered: one node, however often they are."""
        key = f"{mapped.node_name}__collect"
        self.gathered[key] = mapped.node_name
        return Collected(key, delivery=delivery)

    def _key(self, task: Task) -> str:
        return f"{self.graph}/{task.name}"

    def _node(self, task: Task) -> NodeCall:
        return self.calls.setdefault(self._key(task), NodeCall(task))

    def _feed(self, node: NodeCall, parameter: str, value: Any) -> None:
        if not isinstance(value, InvokedNodeOutput):
            node.constants.add(parameter)
            return
        delivery = value.delivery if isinstance(value, Collected) else Delivery.VALUE
        link = Link(value.node_name, delivery)
        if node.links.setdefault(parameter, link) != link:  # of an earlier call, whose result this one shares
            self._wait(node, value)

    def _wait(self, node: NodeCall, value: Any) -> None:
        if isinstance(value, (InvokedNodeOutput, MappedOutput)) and value.node_name not in node.after:
            node.after.append(value.node_name)

    def _refuse_both(self, task: Task) -> NoReturn:
        raise AssetDefinitionError(
            f"graph asset '{self.graph}': task '{task.name}' is both called and mapped, and a task is one node; "
            "give it a second name"
        )


_active: ContextVar[Composition | None] = ContextVar("rivers_composition", default=None)


def active() -> Composition | None:
    """The composition whose body runs in this context."""
    return _active.get()


def _wirable(task: Task) -> dict[str, bool] | None:
    """Parameters that a body can feed, with whether each is keyword-only; `None` of a task that takes anything."""
    if task.is_command:
        return None
    return {
        parameter.name: parameter.kind is parameter.KEYWORD_ONLY
        for place, parameter in enumerate(task.signature.parameters)
        if not (
            place == 0 and (parameter.name == "context" or is_context(task.signature.resolve(parameter.annotation)))
        )
    }
