"""The classes of the program that was started, which workers do not import.

A function of `__main__` travels as code and brings its classes along, but pickle names a class by its module: an
instance that a worker stores has to be found in `__main__` there, and one that it loads, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rivers.kernel.references import dumps, loads

#: A class that brings more than this along holds data of the program's, which no step asked for.
_MOST_BYTES = 1 << 20

#: Classes by name, each packed by itself.
Classes = tuple[tuple[str, bytes], ...]


def packed() -> Classes:
    """The classes that the main module of this process defines; what cannot travel is left out."""
    found = []
    for name, value in list(vars(sys.modules["__main__"]).items()):
        if isinstance(value, type) and value.__module__ == "__main__" and value.__qualname__ == name:
            try:
                data = dumps(value)
            except Exception:  # an author's class, which maybe no step needs
                continue
            if len(data) <= _MOST_BYTES:
                found.append((name, data))
    return tuple(found)


def install(classes: Iterable[tuple[str, bytes]]) -> None:
    """Makes them known in the main module of this process under their names."""
    main = sys.modules["__main__"]
    for name, data in classes:
        try:
            found = loads(data)
        except Exception:  # a step that needs it says why
            continue
        setattr(main, name, found)
