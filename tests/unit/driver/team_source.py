"""The module of an author, whose steps tell where they ran. To be formatted with the folder of its values."""

SOURCE = """
import os, signal, sys, threading, time
from dataclasses import dataclass
from pathlib import Path
import obstore.store
from pydantic import BaseModel
from rivers.definitions.asset import Asset
from rivers.definitions.dependency import AssetDef
from rivers.definitions.results import Output
from rivers.definitions.task import Task
from rivers.io_handlers import PickleIOHandler
from rivers.kernel.contexts import AssetExecutionContext, TaskExecutionContext
from rivers.resources import Resource

FOLDER = Path({folder!r})
shared = PickleIOHandler(store=obstore.store.LocalStore(str(FOLDER), mkdir=True))

class Level(BaseModel):
    level: int = 1

class Db(Resource):
    url: str
    password: str = "secret"
    _state: str = "new"

    def setup(self):
        self._state = f"up in {{os.getpid()}}"
        with open(FOLDER / "lives", "a") as lives:
            lives.write(f"up {{os.getpid()}}\\n")

    def teardown(self):
        with open(FOLDER / "lives", "a") as lives:
            lives.write(f"down {{os.getpid()}}\\n")

def asset(function):
    return Asset(io_handler=shared)(function)

@asset
def left():
    return os.getpid()

@asset
def right():
    return os.getpid()

@asset
def both(left: int, right: int):
    return [left, right]

def until(name):
    deadline = time.monotonic() + 60
    while not (FOLDER / name).exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)

def meet(mine, *others):
    (FOLDER / mine).touch()
    for other in others:
        until(other)
    return os.getpid()

def tell(name):
    (FOLDER / "telling").mkdir(exist_ok=True)
    (FOLDER / "telling" / name).write_text(str(os.getpid()))
    (FOLDER / "telling" / name).rename(FOLDER / name)
    until("go")
    return os.getpid()

@asset
def tells_one():
    return tell("worker-one")

@asset
def tells_two():
    return tell("worker-two")

@asset
def one_of_two():
    return meet("one", "two")

@asset
def two_of_two():
    return meet("two", "one")

@asset
def both_of_two(one_of_two: int, two_of_two: int):
    return [one_of_two, two_of_two]

@Asset(io_handler=shared, tags=["t"], metadata={{"m": "1"}})
def told(context: AssetExecutionContext[Level]):
    print("out")
    print("err", file=sys.stderr)
    context.log.info("noted")
    context.add_output_metadata({{"pid": os.getpid()}})
    shown = context.asset_name, context.tags, context.asset_metadata, context.config.level, context.run_id
    return Output(shown, metadata={{"n": 2}}, data_version="v1")

@Task(io_handler=shared)
def chore(context: TaskExecutionContext):
    return context.task_name

@asset
def uses(db):
    return db.url, db.password, db._state, os.getpid()

@asset
def raises():
    raise KeyError("mine")

class OwnError(Exception):
    def __init__(self, first, second):
        super().__init__(first)
        self.second = second
        self.lock = threading.Lock()

@dataclass(frozen=True)
class FrozenError(Exception):
    number: int

class StubbornError(Exception):
    def __reduce__(self):
        raise TypeError("this one stays")

@asset
def raises_odd():
    raise OwnError("a", "b") from KeyError("c")

@asset
def raises_frozen():
    raise FrozenError(4)

@asset
def raises_stubborn():
    raise StubbornError("a")

@asset
def exits():
    os._exit(7)

@asset
def exits_well():
    os._exit(0)

@asset
def leaves_a_fork():
    if os.fork() == 0:
        until("go")
        os._exit(0)
    os._exit(3)

@asset
def lets_a_fork_go_on():
    if os.fork() == 0:
        (FOLDER / "fork").write_text(str(os.getpid()))
    else:
        until("fork")
    return os.getpid()

@asset
def unpicklable():
    return lambda: 1

@asset
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@asset
def waits():
    until("go")
    return os.getpid()

@asset
def opens_the_gate(left):
    (FOLDER / "go").touch()
    return os.getpid()

@asset
def after(exits):
    return 1

@asset
def learns():
    path = FOLDER / "tries"
    tries = int(path.read_text()) if path.exists() else 0
    path.write_text(str(tries + 1))
    if tries == 0:
        os._exit(1)
    return tries

pair = Asset.from_multi(
    lambda: {{"x": os.getpid(), "z": 0}}, name="pair", output_defs=[AssetDef("x", io_handler=shared), AssetDef("y")]
)

def _generate(context: AssetExecutionContext):
    yield Output(context.asset_name, output_name="g1")
    yield Output(2, output_name="g2")

generated = Asset.from_multi(
    _generate, name="generated", output_defs=[AssetDef(n, io_handler=shared) for n in ("g1", "g2")]
)

@asset
def surroundings():
    return os.getcwd(), os.environ.get("DRIVER_TEST_WORD"), os.environ.get("DRIVER_TEST_GONE")
"""
