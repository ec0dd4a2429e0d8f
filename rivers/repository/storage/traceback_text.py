"""A traceback as Python prints it, taken apart for whoever shows it."""

from __future__ import annotations

import json
import re
from typing import Any

_LINKS = re.compile(
    r"^\n?(?:The above exception was the direct cause of the following exception:"
    r"|During handling of the above exception, another exception occurred:)\n\n?",
    re.MULTILINE,
)
_HEAD = "Traceback (most recent call last):\n"
_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)$')


def to_json(text: str) -> str:
    """JSON with `exceptions`, the chain from the oldest on, each with its frames, and `text`, as it was printed."""
    return json.dumps({"exceptions": [_exception(part) for part in _LINKS.split(text) if part.strip()], "text": text})


def _exception(part: str) -> dict[str, Any]:
    frames: list[dict[str, Any]] = []
    ending: list[str] = []
    for line in part.removeprefix("\n").removeprefix(_HEAD).splitlines():
        found = _FRAME.match(line)
        if found and not ending:
            frames.append({**found.groupdict(), "line": int(found["line"]), "code": None})
        elif frames and not ending and line.startswith("  "):
            if frames[-1]["code"] is None and line.startswith("    "):
                frames[-1]["code"] = line.strip()
        else:
            ending.append(line)
    kind, _, message = "\n".join(ending).strip().partition(": ")
    return {"type": kind, "message": message, "frames": frames}
