"""The command line: a shell that finds its commands through the entry-point group `rivers.commands`."""

from rivers.cli.shell import app, main

__all__ = ["app", "main"]
