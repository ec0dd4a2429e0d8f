"""The scheduler dies at every transition of a backfill, before and after its commit, and is started again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from rivers_client import BackfillHandle, BackfillRequest, BackfillStatus, UnitState
from rivers_server.failpoints.failpoint import Moment
from rivers_server.failpoints.transition import Transition
from tests.faults.dying import BEATS, meets
from tests.postgresql import BOTH_DATABASES, database_url
from tests.stack import Stack

KEYS = 6
SOURCE = f"""
    numbers = rs.PartitionsDefinition.static_([f"k{{n}}" for n in range({KEYS})])
    @rs.Asset(partitions_def=numbers)
    def made(context: rs.AssetExecutionContext) -> int:
        mark(str(context.partition_key)); return 1
    @rs.Asset(partitions_def=numbers)
    def gated(context: rs.AssetExecutionContext) -> int:
        mark(str(context.partition_key))
        while not os.path.exists("go"):
            time.sleep(0.01)
        return 1
    @rs.Asset(partitions_def=numbers)
    def mended(context: rs.AssetExecutionContext) -> int:
        mark(str(context.partition_key))
        if str(context.partition_key) in ("k1", "k4") and not os.path.exists("mended"):
            raise ValueError("not yet")
        return 1
    repo = rs.CodeRepository(assets=[made, gated, mended])
"""
#: Before and after the commit: what a caller asked for is told to nobody else.
AROUND = [Moment.BEFORE_COMMIT, Moment.BEFORE_DELIVERY]
ALL = {f"k{number}": 1 for number in range(KEYS)}


@pytest.fixture(scope="module", params=BOTH_DATABASES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A location that stays while schedulers come and go."""
    with Stack(tmp_path_factory.mktemp("backfills"), database_url(request)) as running:
        running.start_scheduler(*BEATS)
        running.start_location("team", SOURCE)
        yield running


@pytest.fixture
def bodies(shared: Stack) -> Iterator[Callable[[], Counter[str]]]:
    """How often the body of each partition ran in this test. What waits for a file waits anew in each."""
    before = len(shared.marks("team"))
    yield lambda: Counter(shared.marks("team")[before:])
    for name in ("go", "mended"):
        (shared.directory / name).unlink(missing_ok=True)


def start(shared: Stack, asset: str) -> BackfillHandle:
    """A backfill of all partitions, two at a time; the location is waited for."""
    shared.await_location("team")
    return shared.client.backfills.submit(BackfillRequest("team", [asset], all_partitions=True, max_concurrency=2))


def release(shared: Stack) -> None:
    """Lets the bodies that wait go on."""
    (shared.directory / "go").touch()


def completed(handle: BackfillHandle) -> None:
    """Every partition was drawn and counted once."""
    done = handle.wait(timeout=30)
    assert (done.status, done.completed, done.created_runs) == (BackfillStatus.COMPLETED, KEYS, KEYS)
    units = list(handle.partitions())
    assert {unit.state for unit in units} == {UnitState.COMPLETED}
    assert len({unit.run_id for unit in units}) == KEYS


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize(
    "point",
    [(Transition.BACKFILL, 1), (Transition.DRAW, 2), (Transition.UNIT_END, 2), (Transition.BACKFILL_END, 1)],
    ids=lambda point: point[0],
)
def test_F07_dead_at_a_transition_of_a_backfill_every_partition_is_made_once(
    shared: Stack, bodies: Callable[[], Counter[str]], point: tuple[Transition, int], moment: Moment
) -> None:
    transition, count = point
    completed(meets(shared, f"{transition}.{moment}:{count}", lambda: start(shared, "made")))
    assert bodies() == ALL


@pytest.mark.parametrize("moment", AROUND)
def test_F08_dead_while_a_backfill_is_paused(shared: Stack, bodies: Callable[[], Counter[str]], moment: Moment) -> None:
    handle = start(shared, "gated")
    shared.until(bodies, "a body")
    paused = meets(shared, f"{Transition.PAUSE}.{moment}", lambda: handle.pause("a look at it"))
    assert (paused.status, paused.reason) == (BackfillStatus.PAUSED, "a look at it")
    release(shared)
    shared.until(lambda: handle.refresh().running == 0, "the end of what ran")
    assert len(bodies()) <= 2
    handle.resume()
    completed(handle)
    assert bodies() == ALL


@pytest.mark.parametrize("moment", AROUND)
def test_F08_dead_while_a_backfill_is_resumed(
    shared: Stack, bodies: Callable[[], Counter[str]], moment: Moment
) -> None:
    handle = start(shared, "gated")
    shared.until(bodies, "a body")

    def resume() -> None:
        handle.pause()
        release(shared)
        handle.resume()

    meets(shared, f"{Transition.RESUME}.{moment}", resume)
    completed(handle)
    assert bodies() == ALL


@pytest.mark.parametrize("moment", AROUND)
def test_F08_dead_while_a_backfill_is_canceled(
    shared: Stack, bodies: Callable[[], Counter[str]], moment: Moment
) -> None:
    handle = start(shared, "gated")
    shared.until(lambda: len(bodies()) == 2, "two bodies")
    meets(shared, f"{Transition.BACKFILL_CANCEL}.{moment}", lambda: handle.cancel("enough"))
    done = handle.wait(timeout=30)
    assert (done.status, done.completed, done.canceled) == (BackfillStatus.CANCELED, 0, KEYS)
    assert len(bodies()) == 2


@pytest.mark.parametrize("moment", AROUND)
def test_F02_dead_while_a_backfill_is_run_again(
    shared: Stack, bodies: Callable[[], Counter[str]], moment: Moment
) -> None:
    failed = start(shared, "mended")
    assert (failed.wait(timeout=30).completed, failed.refresh().failed) == (KEYS - 2, 2)
    (shared.directory / "mended").touch()
    again = meets(shared, f"{Transition.BACKFILL}.{moment}", failed.rerun)
    done = again.wait(timeout=30)
    assert (done.status, done.total, done.completed) == (BackfillStatus.COMPLETED, 2, 2)
    assert bodies() == {**ALL, "k1": 2, "k4": 2}
    assert [one.backfill_id for one in shared.client.backfills.list() if one.rerun_of == failed.backfill_id] == [
        again.backfill_id
    ]
