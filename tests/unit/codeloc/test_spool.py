"""The spool survives kills, and does not grow for ever."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from codeloc.spool import Position, Spool, Spooled
from codeloc.spool_records import RecordKind, decode_records, encode_record


def _fill(spool: Spool, token: int, events: int = 2) -> None:
    spool.append(RecordKind.RECEIVED, token, 1)
    spool.append(RecordKind.STARTED, token, 1, b"started")
    for seq in range(2, events + 1):
        spool.append(RecordKind.EVENT, token, seq, b"event")
    assert spool.flush()


def test_what_was_flushed_is_found_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    _fill(spool, 1, 3)
    spool.append(RecordKind.ENDED, 1, 4, b"ended")
    _fill(spool, 2)
    spool.append(RecordKind.RECEIVED, 3, 1)
    spool.flush()
    _fill(spool, 4)
    spool.append(RecordKind.FORGOTTEN, 4)
    spool.flush()
    found = Spool(tmp_path).attempts
    assert sorted(found) == [1, 2, 3]
    assert (found[1].last_seq, found[1].is_started, found[1].is_ended) == (4, True, True)
    assert (found[2].last_seq, found[2].is_started, found[2].is_ended) == (2, True, False)
    assert (found[3].boot, found[3].last_seq, found[3].is_started) == (1, 0, False)


def test_what_was_not_flushed_is_not_there(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(RecordKind.RECEIVED, 1, 1)
    assert not Spool(tmp_path).attempts


def test_A15_a_torn_tail_is_cut_off_wherever_it_is_torn(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "whole")
    _fill(spool, 1)
    whole = spool.end.offset
    spool.append(RecordKind.EVENT, 1, 3, b"x" * 50)
    spool.flush()
    content = next((tmp_path / "whole").glob("*.seg")).read_bytes()
    for length in range(whole, len(content)):
        directory = tmp_path / str(length)
        directory.mkdir()
        (directory / f"{1:012d}.seg").write_bytes(content[:length])
        torn = Spool(directory)
        assert torn.attempts[1].last_seq == 2
        torn.append(RecordKind.EVENT, 1, 3, b"again")
        torn.flush()
        records, _ = _all(torn)
        assert [record.payload for record in records] == [b"started", b"event", b"again"]


def test_a_flipped_bit_ends_what_can_be_read() -> None:
    content = encode_record(RecordKind.EVENT, 1, 1, b"one") + encode_record(RecordKind.EVENT, 1, 2, b"two")
    broken = content[:-1] + bytes([content[-1] ^ 1])
    assert [record.number for record, _ in decode_records(broken)] == [1]


def test_segments_go_when_all_their_attempts_are_forgotten(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_size=200)
    _fill(spool, 1)  # stays
    for token in range(2, 60):
        _fill(spool, token)
        spool.append(RecordKind.FORGOTTEN, token)
        spool.flush()
    assert len(list(tmp_path.glob("*.seg"))) <= 3
    assert sorted(Spool(tmp_path, segment_size=200).attempts) == [1]


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_size=300)
    for token in range(1, 30):
        _fill(spool, token, 4)
    records, position = _all(spool, size=64)
    assert [(record.token, record.number) for record in records] == [
        (token, seq) for token in range(1, 30) for seq in range(1, 5)
    ]
    assert spool.read(position, 1000) == ([], position)
    spool.append(RecordKind.ENDED, 29, 5, b"y" * 1000)
    spool.flush()
    more, after = _all(spool, 64, position)
    assert [(record.number, len(record.payload)) for record in more] == [(5, 1000)]
    assert after > position


def test_the_end_is_a_place_to_read_from(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    _fill(spool, 1)
    spool.append(RecordKind.EVENT, 1, 3, b"before")
    end = spool.end
    spool.append(RecordKind.EVENT, 1, 4, b"after")
    spool.flush()
    records, _ = spool.read(end, 1000)
    assert [record.payload for record in records] == [b"after"]


@pytest.mark.parametrize("is_durable", [False, True])
def test_A15_a_durable_spool_is_on_the_disk_before_anything_of_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_durable: bool
) -> None:
    """What the disk has been asked to keep is looked at, each time that the spool says that all is written."""
    kept: dict[str, int] = {}
    sync = os.fdatasync

    def watched(descriptor: int) -> None:
        sync(descriptor)
        kept[os.readlink(f"/proc/self/fd/{descriptor}")] = os.fstat(descriptor).st_size

    monkeypatch.setattr(os, "fdatasync", watched)
    spool = Spool(tmp_path, durable=is_durable, segment_size=100)
    for token in range(1, 6):
        _fill(spool, token)
        assert spool.flush()
        sizes = {str(path): path.stat().st_size for path in tmp_path.glob("*.seg")}
        assert sizes
        assert all(kept.get(path) == size for path, size in sizes.items()) is is_durable
    spool.close()


def test_an_empty_spool_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path, durable=True)
    _fill(spool, 1)
    spool.append(RecordKind.FORGOTTEN, 1)
    spool.close()
    assert list(tmp_path.glob("*.seg")) == []


def test_A15_segments_go_when_all_their_events_are_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_size=200)
    _fill(spool, 1)
    _fill(spool, 2)
    for seq in range(3, 200):
        spool.append(RecordKind.EVENT, 1, seq, b"event")
        assert spool.flush()
        spool.acknowledged(1, seq - 1)
        spool.acknowledged(2, 2)
    assert len(list(tmp_path.glob("*.seg"))) <= 3
    found = Spool(tmp_path, segment_size=200)
    assert (found.attempts[1].boot, found.attempts[1].is_started, found.attempts[1].last_seq) == (1, True, 199)
    assert (found.attempts[2].boot, found.attempts[2].is_started, found.attempts[2].acked) == (1, True, 2)
    assert [record.number for record in _all(found)[0] if record.number > 198] == [199]


@pytest.mark.parametrize("seed", range(10))
def test_A15_whatever_happens_what_is_not_acknowledged_is_there(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    size = chance.choice([100, 300, 1000])
    spool = Spool(tmp_path, segment_size=size)
    live: dict[int, Spooled] = {}
    for token in range(1, 250):
        match chance.choice(["receive", "event", "event", "event", "acknowledge", "acknowledge", "forget", "restart"]):
            case "receive" if len(live) < 5:
                live[token] = Spooled(token, boot=token)
                spool.append(RecordKind.RECEIVED, token, token)
            case "event" if open_ones := [one for one in live.values() if not one.is_ended]:
                one = chance.choice(open_ones)
                one.last_seq += 1
                kind = chance.choice([RecordKind.EVENT, RecordKind.EVENT, RecordKind.ENDED])
                kind = RecordKind.STARTED if one.last_seq == 1 else kind
                one.is_started = True
                one.is_ended |= kind is RecordKind.ENDED
                spool.append(kind, one.token, one.last_seq, bytes(chance.randrange(80)))
            case "acknowledge" if live:
                one = chance.choice(list(live.values()))
                one.acked = max(one.acked, chance.randint(0, one.last_seq))
                spool.acknowledged(one.token, one.acked)
            case "forget" if live and chance.random() < 0.5:
                one = live.pop(chance.choice(list(live)))
                spool.append(RecordKind.FORGOTTEN, one.token)
            case "restart":
                spool = Spool(tmp_path, segment_size=size)
                assert spool.attempts.keys() == live.keys()
                for one in live.values():
                    found = spool.attempts[one.token]
                    assert (found.boot, found.is_started, found.is_ended, found.last_seq) == (
                        *(one.boot, one.is_started, one.is_ended, one.last_seq),
                    )
                    assert found.acked <= one.acked
                    one.acked = found.acked
        assert spool.flush()
        there: dict[int, list[int]] = {}
        for record in _all(spool, 64)[0]:
            there.setdefault(record.token, []).append(record.number)
        for one in live.values():
            wanted = list(range(one.acked + 1, one.last_seq + 1))
            assert [seq for seq in there.get(one.token, []) if seq > one.acked] == wanted
    for token in live:
        spool.append(RecordKind.FORGOTTEN, token)
    spool.close()
    assert not Spool(tmp_path).attempts


def _all(spool: Spool, size: int = 1 << 20, position: Position | None = None) -> tuple[list, Position]:  # type: ignore[type-arg]
    records, position = [], position or Position()
    while True:
        piece, after = spool.read(position, size)
        records += piece
        if after == position:
            return records, position
        position = after
