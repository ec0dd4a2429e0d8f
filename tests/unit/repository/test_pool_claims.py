"""Claims on pools through the storage: the tables of limits, claims, release and leases, on every kind of it."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rivers.exceptions import StorageError


def claim(storage, *pools, run="r", step="s", **options):
    return storage._claim_concurrency_slots(list(pools), run, step, **options)


def reason_of(status):
    return (status.reason.kind, status.reason.pool_key, status.reason.claimed, status.reason.limit)


def counts(storage, pool):
    info = storage.get_pool_info(pool)
    return info.claimed_count, info.pending_count


def test_every_pool_has_room(storage):
    storage.set_pool_limit("db", 4)
    storage.set_pool_limit("api", 1)
    status = claim(storage, ("db", 2), ("api", 1))
    assert (status.status, status.position, status.reason, status.is_claimed) == ("claimed", 0, None, True)
    assert counts(storage, "db") == (2, 0)
    assert counts(storage, "api") == (1, 0)


def test_one_pool_lacks_room(storage):
    storage.set_pool_limit("db", 1)
    storage.set_pool_limit("api", 5)
    claim(storage, ("db", 1), run="other")
    status = claim(storage, ("db", 1), ("api", 1))
    assert (status.status, status.position, status.is_claimed) == ("pending", 1, False)
    assert reason_of(status) == ("pool_full", "db", 1, 1)
    assert status.reason.pools == []
    assert str(status.reason) == "pool 'db' full (1/1)"
    assert counts(storage, "db") == (1, 1)
    assert counts(storage, "api") == (0, 0)  # all or nothing


def test_several_pools_lack_room(storage):
    storage.set_pool_limit("db", 1)
    storage.set_pool_limit("api", 2)
    claim(storage, ("db", 1), ("api", 2), run="other")
    status = claim(storage, ("db", 1), ("api", 1))
    assert reason_of(status) == ("pools_full", "db", 1, 1)
    assert [(one.pool_key, one.claimed, one.limit) for one in status.reason.pools] == [("db", 1, 1), ("api", 2, 2)]


def test_an_unknown_pool(storage):
    storage.set_pool_limit("db", 1)
    with pytest.raises(StorageError) as caught:
        claim(storage, ("db", 1), ("no'pe", 1))
    assert str(caught.value) == "pool 'no'pe' not configured"
    assert counts(storage, "db") == (0, 0)
    with pytest.raises(StorageError) as caught:
        storage.get_pool_info("nope")
    assert str(caught.value) == "pool 'nope' not configured"


def test_P07_a_repeated_claim_takes_nothing_more(storage):
    storage.set_pool_limit("db", 2)
    for _ in range(3):
        assert claim(storage, ("db", 2)).is_claimed
    assert counts(storage, "db") == (2, 0)


@pytest.mark.parametrize("limit", [0, -1, -7])
def test_limits_that_are_no_counts(storage, limit):
    """0 grants nothing; a negative limit grants everything and counts nothing."""
    storage.set_pool_limit("db", limit)
    status = claim(storage, ("db", 3))
    if limit == 0:
        assert reason_of(status) == ("pool_full", "db", 0, 0)
        assert counts(storage, "db") == (0, 1)
        assert not claim(storage, ("db", 0), step="none").is_claimed
    else:
        assert status.is_claimed
        assert counts(storage, "db") == (0, 0)
        assert storage.get_pool_slot_holders("db") == []


def test_a_claim_above_a_lowered_limit_can_never_fit(storage):
    storage.set_pool_limit("db", 1)
    status = claim(storage, ("db", 2))
    assert reason_of(status) == ("pool_full", "db", 0, 1)
    assert str(status.reason) == "pool 'db' full (0/1): a claim of 2 slots can never fit"


def test_the_place_in_the_line_follows_priority_then_time(storage):
    storage.set_pool_limit("db", 0)
    assert claim(storage, ("db", 1), step="a").position == 1
    assert claim(storage, ("db", 1), step="b").position == 2
    assert claim(storage, ("db", 1), step="c", priority=5).position == 1
    assert claim(storage, ("db", 1), step="a").position == 2  # a repeat keeps its time
    assert counts(storage, "db") == (0, 3)


def test_releasing_a_step_and_a_run(storage):
    storage.set_pool_limit("db", 4)
    for run, step in (("r", "a"), ("r", "b"), ("q", "a")):
        claim(storage, ("db", 1), run=run, step=step)
    assert storage._free_concurrency_slots("r", "a") is None
    assert counts(storage, "db") == (2, 0)
    assert storage._free_concurrency_slots_for_run("r") is None
    assert [(one.run_id, one.step_key) for one in storage.get_pool_slot_holders("db")] == [("q", "a")]
    storage._free_concurrency_slots("nobody", "a")


def test_a_step_that_waited_leaves_the_line_when_it_claims_or_gives_up(storage):
    storage.set_pool_limit("db", 1)
    claim(storage, ("db", 1), run="first")
    claim(storage, ("db", 1), step="a")
    claim(storage, ("db", 1), step="b")
    assert counts(storage, "db") == (1, 2)
    storage._free_concurrency_slots("r", "b")
    storage._free_concurrency_slots("first", "s")
    assert claim(storage, ("db", 1), step="a").is_claimed
    assert counts(storage, "db") == (1, 0)


def test_holders_tell_their_slots_and_times(storage):
    storage.set_pool_limit("db", 4)
    before = time.time_ns()
    claim(storage, ("db", 3), lease_duration="90s")
    (holder,) = storage.get_pool_slot_holders("db")
    assert (holder.run_id, holder.step_key, holder.slots_consumed) == ("r", "s", 3)
    assert before <= holder.claimed_at <= time.time_ns()
    assert holder.lease_expires_at - holder.claimed_at == 90_000_000_000


def test_a_lease_lasts_300_seconds_unless_said(storage):
    storage.set_pool_limit("db", 1, "7s")
    claim(storage, ("db", 1))
    (holder,) = storage.get_pool_slot_holders("db")
    assert holder.lease_expires_at - holder.claimed_at == 300_000_000_000


def test_an_expired_lease_counts_no_more_even_before_it_is_swept(storage):
    storage.set_pool_limit("db", 1)
    storage.set_pool_limit("api", 1)
    claim(storage, ("db", 1), ("api", 1), run="late", lease_duration="0s")
    assert counts(storage, "db") == (0, 0)
    assert storage._renew_slot_lease("late", "s") == 0
    assert storage._free_expired_leases() == 2
    assert storage._free_expired_leases() == 0
    claim(storage, ("db", 1), run="late", lease_duration="0s")
    assert claim(storage, ("db", 1)).is_claimed


def test_renewing_prolongs_every_lease_of_a_step(storage):
    storage.set_pool_limit("db", 1)
    storage.set_pool_limit("api", 1)
    claim(storage, ("db", 1), ("api", 1), lease_duration="10s")
    (before,) = storage.get_pool_slot_holders("db")
    assert storage._renew_slot_lease("r", "s", "1h") == 2
    (after,) = storage.get_pool_slot_holders("db")
    assert after.lease_expires_at > before.lease_expires_at + 3_000_000_000_000
    assert storage._renew_slot_lease("r", "other") == 0


def test_lease_durations_are_whole_seconds(storage):
    storage.set_pool_limit("db", 1, "1h 30m")
    storage.set_pool_limit("api", 1, "900ms")
    assert [one.lease_duration_secs for one in storage.get_pool_limits()] == [0, 5400]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda s: s.set_pool_limit("db", 1, "300"), ValueError, "invalid duration for 'lease_duration': \"300\""),
        (lambda s: claim(s, ("db", 1), lease_duration="soon"), ValueError, "invalid duration for 'lease_duration'"),
        (lambda s: s._renew_slot_lease("r", "s", "5"), ValueError, "invalid duration for 'lease_duration'"),
        (lambda s: claim(s, ("db", "1")), TypeError, "pools must be"),
        (lambda s: claim(s, ("db", -1)), OverflowError, "must not be negative"),
        (lambda s: s.set_pool_limit("db", "1"), TypeError, "limit must be an int"),
    ],
)
def test_bad_input_is_refused_and_stores_nothing(storage, call, error, text):
    storage.set_pool_limit("db", 1)
    with pytest.raises(error, match=text):
        call(storage)
    assert counts(storage, "db") == (0, 0)


def test_claims_from_many_threads_stay_within_the_limit(storage):
    storage.set_pool_limit("db", 5)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda n: claim(storage, ("db", 2), step=str(n)), range(16)))
    assert sum(status.is_claimed for status in statuses) == 2
    assert counts(storage, "db") == (4, 14)


PROGRAM = """
import sys
import rivers as rs
kind, where, name = sys.argv[1:]
storage = rs.Storage.embedded(where) if kind == "embedded" else rs.Storage.connect(where)
print("ready", flush=True)
sys.stdin.readline()
print(sum(storage._claim_concurrency_slots([("db", 1)], name, str(n)).is_claimed for n in range(10)))
"""


@pytest.mark.parametrize("kind", ["embedded", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_claims_from_several_processes_stay_within_the_limit(kind, request, tmp_path):
    import rivers as rs

    if kind == "embedded":
        where = str(tmp_path / "store")
        storage = rs.Storage.embedded(where)
    else:
        where = request.getfixturevalue("cluster").new_schema()
        storage = rs.Storage.connect(where)
    storage.set_pool_limit("db", 13)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    programs = [subprocess.Popen([sys.executable, "-c", PROGRAM, kind, where, str(n)], **pipes) for n in range(3)]
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        program.stdin.write("go\n")
        program.stdin.flush()
    claimed = [int(program.communicate(timeout=60)[0]) for program in programs]
    assert sum(claimed) == 13
    assert counts(storage, "db") == (13, 17)
