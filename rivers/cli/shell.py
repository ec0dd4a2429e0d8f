"""The `rivers` command itself: overview, errors and exit codes.

Three rules hold for every command: bad input is one line on stderr that names the thing and the remedy; exit codes are
0 for success, 1 for what ran and failed or was not found, 2 for bad input; and `--debug` adds the traceback.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rivers.cli.catalogue import Commands
from rivers.errors import RiversError

DEBUG = "--debug"


class Shell(TyperGroup):
    """The group of all commands, each loaded when it is invoked."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands(_as_click)
        self.debug = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        assert isinstance(self.commands, Commands)
        rows = [(name, self.commands.summary(name)) for name in self.commands]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Takes `--debug` wherever it stands."""
        given = list(sys.argv[1:] if args is None else args)
        end = given.index("--") if "--" in given else len(given)
        self.debug = DEBUG in given[:end]
        given = [argument for argument in given[:end] if argument != DEBUG] + given[end:]
        return super().main(given, prog_name or "rivers", complete_var, standalone_mode, windows_expand_args, **extra)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise typer.Exit(report(error, debug=self.debug)) from None


def report(error: Exception, *, debug: bool = False) -> int:
    """Says on stderr what went wrong, in one line, and returns the exit code."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    typer.echo(f"Error: {sentence(error)}", err=True)
    return exit_code(error)


def is_debugging(context: typer.Context) -> bool:
    """Whether the user asked for tracebacks."""
    shell = context.find_root().command
    return isinstance(shell, Shell) and shell.debug


def sentence(error: Exception) -> str:
    """One line about an error, with the remedy if it has one."""
    if not isinstance(error, RiversError):
        text = " ".join(str(error).split())
        return f"{type(error).__name__}: {text} (this is a fault of the program; `{DEBUG}` shows where)"
    text = " ".join(str(error).split())
    return f"{text.rstrip('.')}; {error.remedy}" if error.remedy and error.remedy not in text else text


def exit_code(error: Exception) -> int:
    """1 for what ran and failed or was not found, 2 for bad input."""
    if not isinstance(error, RiversError) or error.status == "NOT_FOUND":
        return 1
    return 2


def _as_click(command: Any) -> Any:
    return typer.main.get_command(command) if isinstance(command, typer.Typer) else command


def _version(asked: bool) -> None:
    if asked:
        import importlib.metadata

        typer.echo(f"rivers {importlib.metadata.version('rivers')}")
        raise typer.Exit


app = typer.Typer(
    name="rivers",
    cls=Shell,
    help="Data assets, tasks and jobs, run by code locations under one scheduler.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _rivers(
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    app()
