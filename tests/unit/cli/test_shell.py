"""The command itself: overview, unknown commands, errors and exit codes."""

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rivers import errors
from rivers.cli import app
from rivers.cli.catalogue import GROUP, SUMMARIES, Commands
from rivers.cli.shell import exit_code, sentence

#: What an older installation beside this source does not know yet is declared in pyproject.toml.
INSTALLED = sorted(point.name for point in importlib.metadata.entry_points(group=GROUP))


def rivers(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_overview_lists_every_command_with_a_line():
    shown = rivers("--help")
    assert shown.exit_code == 0
    for name in INSTALLED:
        assert f"  {name}" in shown.stdout
        assert SUMMARIES[name] in shown.stdout


def test_every_command_that_is_declared_has_a_line():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert sorted(project["project"]["entry-points"][GROUP]) == sorted(SUMMARIES)


def test_the_overview_imports_no_command():
    code = (
        "import sys\nfrom rivers.cli import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'grpc', 'rich', 'sqlalchemy', 'pydantic', 'asyncio', 'rivers_client', 'rivers_server', 'codeloc'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_asked_is_usage():
    shown = rivers()
    assert shown.exit_code == 2
    assert "Usage: rivers [OPTIONS] COMMAND [ARGS]..." in shown.output


def test_an_unknown_command_is_usage_with_a_suggestion():
    shown = rivers("run")
    assert shown.exit_code == 2
    assert "Usage: rivers" in shown.stderr
    assert "No such command 'run'. Did you mean 'runs'" in shown.stderr


@pytest.mark.parametrize("name", INSTALLED)
def test_every_command_has_help(name):
    shown = rivers(name, "--help")
    assert shown.exit_code == 0, shown.output
    assert f"Usage: rivers {name}" in shown.stdout


def test_an_unknown_option_is_usage():
    assert rivers("materialize", "x", "--nope").exit_code == 2
    assert rivers("materialize").exit_code == 2


def test_the_version_is_shown():
    assert rivers("--version").stdout == f"rivers {importlib.metadata.version('rivers')}\n"


class Declared(Commands):
    """Commands that are declared here."""

    def __init__(self, **values):
        super().__init__(lambda command: command)
        self._points = {name: importlib.metadata.EntryPoint(name, value, GROUP) for name, value in values.items()}


def test_commands_come_in_the_order_of_the_overview():
    commands = Declared(zeta="x:y", runs="x:y", dev="x:y", alpha="x:y")
    assert list(commands) == ["dev", "runs", "alpha", "zeta"]
    assert commands.summary("zeta") == "From x."


@pytest.mark.parametrize("value", ["no_such_module:app", "rivers.clock:no_such_name"])
def test_a_command_that_cannot_be_loaded_is_named(value):
    with pytest.raises(errors.ConfigurationError, match=f"command 'x' cannot be loaded from '{value}'"):
        Declared(x=value)["x"]


def test_a_function_is_a_command():
    assert isinstance(Declared(x="rivers.cli.materialize:materialize")["x"], typer.Typer)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RunNotFoundError(run_id="x"), 1),
        (errors.JobNotFoundError(job="x"), 1),
        (errors.LoadError(module="x"), 2),
        (errors.GraphValidationError("a cycle"), 2),
        (errors.InvalidRequestError("no"), 2),
        (errors.SchedulerUnavailableError(address="x"), 2),
        (ZeroDivisionError("oops"), 1),
    ],
)
def test_exit_codes(error, code):
    assert exit_code(error) == code


def test_a_sentence_is_one_line_and_ends_with_the_remedy():
    assert sentence(errors.ConfigurationError("a\n  b.", remedy="do c")) == "a b; do c"
    assert sentence(errors.ConfigurationError("a; do c", remedy="do c")) == "a; do c"
    assert sentence(ZeroDivisionError("x\ny")) == (
        "ZeroDivisionError: x y (this is a fault of the program; `--debug` shows where)"
    )
