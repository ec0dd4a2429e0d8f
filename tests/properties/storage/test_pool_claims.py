"""Claims on pools, whatever order they come in: never more than the limit, all or nothing, and a repeat is no claim."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.storage import claims, pools
from rivers.storage.database import Database
from rivers.storage.pools import PoolRow

POOLS = {"a": 2, "b": 3, "none": 0, "free": -1}
STEPS = [("r", "x"), ("r", "y"), ("q", "x"), ("q", "z")]

steps = st.sampled_from(STEPS)
common = st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 2), min_size=1)
needs = common | common | st.dictionaries(st.sampled_from(sorted(POOLS)), st.integers(0, 4), min_size=1, max_size=3)
leases = st.sampled_from([5, 50])
claim = st.tuples(st.just("claim"), steps, needs, leases, st.integers(-1, 1))
actions = st.one_of(
    claim,
    claim,
    claim,
    st.tuples(st.just("free"), steps),
    st.tuples(st.just("free run"), st.sampled_from(["r", "q"])),
    st.tuples(st.just("renew"), steps, leases),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("later"), st.integers(1, 20)),
    st.tuples(st.just("limit"), st.sampled_from(["a", "b"]), st.integers(-1, 4)),
)


@dataclass
class Held:
    slots: dict[str, int]
    until: int


class Model:
    """What is held, step by step."""

    def __init__(self) -> None:
        self.now = 0
        self.limits = dict(POOLS)
        self.held: dict[tuple[str, str], Held] = {}

    def live(self) -> dict[tuple[str, str], Held]:
        return {step: held for step, held in self.held.items() if held.until > self.now}

    def used(self, pool: str, but: tuple[str, str] | None = None) -> int:
        return sum(held.slots.get(pool, 0) for step, held in self.live().items() if step != but)

    def fits(self, step: tuple[str, str], wanted: dict[str, int]) -> bool:
        return all(
            limit < 0 or (limit > 0 and self.used(pool, step) + wanted[pool] <= limit)
            for pool in wanted
            for limit in [self.limits[pool]]
        )

    def holds(self, step: tuple[str, str], wanted: dict[str, int]) -> bool:
        limited = [pool for pool in wanted if self.limits[pool] >= 0]
        held = self.live().get(step)
        return bool(limited) and held is not None and all(held.slots.get(pool, -1) >= wanted[pool] for pool in limited)


@settings(max_examples=200, deadline=None)
@given(st.lists(actions, min_size=5, max_size=25))
def test_P02_any_order_of_claims(story: list) -> None:
    database, model = Database.memory(), Model()
    with database.transaction() as connection:
        for pool, limit in POOLS.items():
            pools.set_limit(connection, PoolRow(pool, limit))
    for verb, *details in story:
        with database.transaction() as connection:
            match verb:
                case "claim":
                    step, wanted, lease, priority = details
                    already, fits = model.holds(step, wanted), model.fits(step, wanted)
                    answer = claims.claim(connection, wanted, *step, now=model.now, priority=priority, lease_ns=lease)
                    assert (not answer.full) == (already or fits)
                    assert (answer.position == 0) == (not answer.full)
                    if not already:
                        model.held.pop(step, None)
                    if not answer.full and not already:
                        kept = {pool: slots for pool, slots in wanted.items() if model.limits[pool] >= 0}
                        model.held[step] = Held(kept, model.now + lease)
                case "free":
                    claims.free(connection, *details[0])
                    model.held.pop(details[0], None)
                case "free run":
                    claims.free_run(connection, details[0])
                    model.held = {step: held for step, held in model.held.items() if step[0] != details[0]}
                case "renew":
                    step, lease = details
                    held = model.live().get(step)
                    renewed = claims.renew(connection, *step, now=model.now, lease_ns=lease)
                    assert renewed == (len(held.slots) if held is not None else 0)
                    if held is not None:
                        held.until = model.now + lease
                case "sweep":
                    gone = [held for held in model.held.values() if held.until <= model.now]
                    assert claims.free_expired(connection, now=model.now) == sum(len(held.slots) for held in gone)
                    model.held = model.live()
                case "later":
                    model.now += details[0]
                case "limit":
                    pool, limit = details
                    pools.set_limit(connection, PoolRow(pool, limit))
                    model.limits[pool] = limit
            held_now, waiting = claims.counts(connection, now=model.now)
            for pool in POOLS:
                assert held_now.get(pool, 0) == model.used(pool)
                found = {
                    (one.run_id, one.step_key): one.slots for one in claims.holders(connection, pool, now=model.now)
                }
                assert found == {step: held.slots[pool] for step, held in model.live().items() if pool in held.slots}
            assert all(count <= len(STEPS) for count in waiting.values())
