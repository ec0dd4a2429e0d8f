"""IO handlers: how the values of nodes are stored and loaded."""

from rivers.io_handlers.handler import BaseIOHandler
from rivers.io_handlers.memory import InMemoryIOHandler
from rivers.io_handlers.pickles import PickleIOHandler

__all__ = ["BaseIOHandler", "InMemoryIOHandler", "PickleIOHandler"]
