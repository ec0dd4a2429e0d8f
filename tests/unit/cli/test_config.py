"""Where the settings of `rivers dev` come from, and which are refused."""

import pytest
from pydantic import ValidationError

from rivers.cli.config import RiversConfig, sentence
from rivers.errors import ConfigurationError


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """A working directory with nothing above it that counts."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults():
    config = RiversConfig.from_cli()
    assert (config.module.path, config.module.repo_var) == (None, "repo")
    assert (config.server.host, config.server.port, config.server.grpc_port) == ("127.0.0.1", 3000, 3001)
    assert config.server.scheduler_port == 3010
    assert (config.storage.path, config.storage.url) == (".rivers/storage/", None)
    assert config.daemon.no_daemon is False
    assert config.synthetic.size is None


def test_each_source_beats_the_next(directory, monkeypatch):
    (directory / "pyproject.toml").write_text("[tool.rivers.server]\nport = 1\ngrpc_port = 1\nhost = 'pyproject'\n")
    (directory / "rivers.toml").write_text("[server]\nport = 2\ngrpc_port = 2\n[module]\npath = 'shop.pipeline'\n")
    monkeypatch.setenv("RIVERS_SERVER_PORT", "3")
    monkeypatch.setenv("RIVERS_STORAGE_URL", "sqlite:///x")
    config = RiversConfig.from_cli(port=4)
    assert config.server.port == 4
    assert RiversConfig.from_cli().server.port == 3
    assert config.server.grpc_port == 2
    assert config.server.host == "pyproject"
    assert config.module.path == "shop.pipeline"
    assert config.storage.url == "sqlite:///x"


def test_the_nearest_file_of_each_name_counts(directory, monkeypatch):
    (directory / "rivers.toml").write_text("[server]\nport = 1\n")
    (directory / "pyproject.toml").write_text("[tool.rivers.module]\nrepo_var = 'far'\n")
    inner = directory / "a" / "b"
    inner.mkdir(parents=True)
    (directory / "a" / "rivers.toml").write_text("[module]\npath = 'near'\n")
    monkeypatch.chdir(inner)
    config = RiversConfig.from_cli()
    assert (config.module.path, config.module.repo_var, config.server.port) == ("near", "far", 3000)


def test_a_pyproject_of_something_else_says_nothing(directory):
    (directory / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    assert RiversConfig.from_cli() == RiversConfig()


def test_false_can_be_said(directory):
    (directory / "rivers.toml").write_text("[daemon]\nno_daemon = true\n")
    assert RiversConfig.from_cli().daemon.no_daemon is True
    assert RiversConfig.from_cli(no_daemon=False).daemon.no_daemon is False


@pytest.mark.parametrize("variable", ["RIVERS_MODULE", "RIVERS_STORAGE", "RIVERS_SERVER", "RIVERS_DATABASE_URL"])
def test_the_variable_of_a_whole_group_means_something_else(monkeypatch, variable):
    monkeypatch.setenv(variable, "whatever")
    assert RiversConfig.from_cli().module.path is None


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("rivers.toml", "[server]\nprt = 1\n", "rivers.toml: unknown key 'server.prt'; did you mean 'server.port'?"),
        ("rivers.toml", "[servr]\nport = 1\n", "rivers.toml: unknown table 'servr'; did you mean 'server'?"),
        ("rivers.toml", "module = 'shop'\n", "rivers.toml: 'module' is a table; write [module] and its keys below"),
        ("rivers.toml", "[server\n", "rivers.toml cannot be read: "),
        ("pyproject.toml", "[tool.rivers.storage]\nurll = 'x'\n", "unknown key 'storage.urll'; did you mean"),
        ("pyproject.toml", "[tool]\nrivers = 1\n", "is no table"),
    ],
)
def test_unknown_keys_are_refused(directory, file, text, complaint):
    (directory / file).write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        RiversConfig.from_cli()
    assert complaint in str(caught.value)


def test_an_unknown_variable_is_refused(monkeypatch):
    monkeypatch.setenv("RIVERS_SERVER_GRPCPORT", "1")
    with pytest.raises(ConfigurationError) as caught:
        RiversConfig.from_cli()
    assert str(caught.value) == "unknown variable RIVERS_SERVER_GRPCPORT; did you mean 'RIVERS_SERVER_GRPC_PORT'?"


def test_a_value_of_the_wrong_type_is_named(monkeypatch):
    monkeypatch.setenv("RIVERS_SERVER_PORT", "abc")
    with pytest.raises(ValidationError) as caught:
        RiversConfig.from_cli()
    assert sentence(caught.value).startswith("server.port is 'abc': input should be a valid integer")
