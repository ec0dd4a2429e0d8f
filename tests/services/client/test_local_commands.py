"""`rivers materialize`, `rivers db` and what they refuse: real processes in a directory of their own."""

import contextlib
import os
import pty
import re
import subprocess
import sys
import textwrap

import pytest

RIVERS = [sys.executable, "-m", "rivers.cli"]

MODULES = {
    "shop": """
        import rivers as rs
        @rs.Asset
        def a():
            return 1
        @rs.Asset
        def b(a):
            return a + 1
        repo = rs.CodeRepository(assets=[a, b], default_executor=rs.Executor.in_process())
        number = 3
    """,
    "failing": """
        import rivers as rs
        @rs.Asset
        def f0():
            raise ValueError("boom")
        @rs.Asset
        def f1(f0):
            return 1
        @rs.Asset
        def g0():
            return 1
        repo = rs.CodeRepository(assets=[f0, f1, g0], default_executor=rs.Executor.in_process())
    """,
    "cyclic": """
        import rivers as rs
        @rs.Asset
        def a(b):
            return 1
        @rs.Asset
        def b(a):
            return 1
        repo = rs.CodeRepository(assets=[a, b])
    """,
    "slow": """
        import os, time
        import rivers as rs
        @rs.Asset
        def first():
            return 1
        @rs.Asset
        def second(first):
            print("waiting for it")
            while not os.path.exists("go"):
                time.sleep(0.01)
        repo = rs.CodeRepository(assets=[first, second], default_executor=rs.Executor.in_process())
    """,
    "raising": "x = 1\nraise RuntimeError('no network')\n",
    "leaving": "raise SystemExit(3)\n",
    "broken": "def f(:\n",
    "importing": "import no_such_package\n",
}


@pytest.fixture
def rivers(tmp_path):
    """Runs a command line in a directory with these modules."""
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))

    def run(*arguments, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RIVERS_")}
        return subprocess.run(
            [*RIVERS, *arguments],
            cwd=tmp_path,
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "options", [[], ["--memory"], ["--storage-path", "kept"], ["--database-url", "sqlite:///kept.db"]]
)
def test_materialize_says_what_it_made(rivers, tmp_path, options):
    before = set(os.listdir(tmp_path))
    done = rivers("materialize", "shop", *options)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "Materialization complete. Assets: ['a', 'b']\n",
        "",
    )
    left = {name.partition(".")[0] for name in set(os.listdir(tmp_path)) - before - {"__pycache__", "owner.lock"}}
    assert left == ({"kept"} if "kept" in str(options) else set())


def test_materialize_that_fails_is_exit_code_1(rivers):
    done = rivers("materialize", "failing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "Error: f0: ValueError: boom",
        "Error: f1: ExecutionError: Skipped: upstream dependency failed",
    ]


def test_materialize_with_debug_shows_the_users_traceback(rivers):
    done = rivers("materialize", "failing", "--debug")
    assert done.returncode == 1
    assert 'raise ValueError("boom")' in done.stderr


def test_materialize_shows_how_far_it_is_on_a_terminal(rivers, tmp_path):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*RIVERS, "materialize", "slow"],
        cwd=tmp_path,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while read := os.read(ours, 4096):
            shown += read
            if b"1/2" in shown:
                (tmp_path / "go").touch()
    os.close(ours)
    assert process.wait(20) == 0, shown
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "waiting for it" in text
    assert "Materializing" in text
    assert text.splitlines()[-1] == "Materialization complete. Assets: ['first', 'second']"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nope"], "Error: module 'nope' not found"),
        (["shop.nope"], "Error: module 'shop.nope' not found"),
        (["shop", "--repo-var", "x"], "Error: 'x' not found in module 'shop'"),
        (["shop", "--repo-var", "number"], "Error: 'number' is not a CodeRepository"),
        (["cyclic"], "Error: "),
        (["raising"], "Error: module 'raising' cannot be loaded: RuntimeError: no network ("),
        (["leaving"], "Error: module 'leaving' cannot be loaded: it exits with 3"),
        (["broken"], "Error: module 'broken' cannot be loaded: SyntaxError: "),
        (["importing"], "Error: module 'importing' cannot be loaded: ModuleNotFoundError: No module named 'no_such"),
        (["shop", "--database-url", "postgresql://me:secret@host/db"], "Error: --database-url holds a password"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(rivers, tmp_path, arguments, sentence):
    done = rivers("materialize", *arguments, "--storage-path", "store")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "store").exists()


def test_a_password_may_come_from_the_environment(rivers):
    done = rivers("db", "migrate", RIVERS_DATABASE_URL="nothing://me:secret@host/db")
    assert done.returncode == 2
    assert "secret" not in done.stderr
    assert "holds a password" not in done.stderr


def test_migrate_makes_a_store_and_says_where(rivers, tmp_path):
    for _ in range(2):
        done = rivers("db", "migrate")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "Storage schema is up to date (.rivers/storage/).\n"
    done = rivers("db", "migrate", "--storage-path", "elsewhere")
    assert (done.returncode, done.stdout) == (0, "Storage schema is up to date (elsewhere).\n")
    assert (tmp_path / "elsewhere").is_dir()


def test_dev_without_a_module_says_how(rivers):
    done = rivers("dev")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: no module configured. Name one (`rivers dev shop.pipeline`)")


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["nope"], {}, "Error: module 'nope' not found"),
        (["shop", "shop"], {}, "Error: module 'shop' is named twice"),
        (["shop"], {"RIVERS_SERVER_PORT": "abc"}, "Error: server.port is 'abc': input should be a valid integer"),
        (["shop"], {"RIVERS_SERVER_PRT": "1"}, "Error: unknown variable RIVERS_SERVER_PRT; did you mean"),
    ],
)
def test_dev_refuses_bad_input_before_it_starts_anything(rivers, tmp_path, arguments, environment, sentence):
    done = rivers("dev", *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert not (tmp_path / ".rivers").exists()
