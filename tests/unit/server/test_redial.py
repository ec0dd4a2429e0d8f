"""When a link dials again: at once after a session, in growing pauses otherwise, and never in a hot loop."""

from __future__ import annotations

from rivers_server.links.redial import BURST, FIRST_PAUSE, LONGEST_PAUSE, REGAINED_EVERY, Redial


def test_a_session_that_opened_is_dialled_again_at_once_whatever_was_waited_before() -> None:
    redial = Redial()
    for _ in range(10):
        redial.pause(0.0, has_opened=False)
    assert redial.pause(0.0, has_opened=True) == 0.0
    assert redial.pause(0.0, has_opened=False) == FIRST_PAUSE


def test_who_does_not_answer_is_waited_for_longer_each_time() -> None:
    redial = Redial()
    pauses = [redial.pause(0.0, has_opened=False) for _ in range(8)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, LONGEST_PAUSE, LONGEST_PAUSE]


def test_sessions_that_keep_ending_are_dialled_at_once_only_so_often() -> None:
    redial = Redial()
    pauses = [redial.pause(0.0, has_opened=True) for _ in range(BURST + 3)]
    assert pauses == [0.0] * BURST + [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert redial.pause(REGAINED_EVERY, has_opened=True) == 0.0
    assert redial.pause(REGAINED_EVERY, has_opened=True) > 0.0
    assert [redial.pause(1000 * REGAINED_EVERY, has_opened=True) for _ in range(BURST + 1)][-1] > 0.0


def test_a_refusal_is_waited_out_and_an_announcement_shortens_what_comes_after() -> None:
    redial = Redial()
    assert redial.pause(0.0, has_opened=False, is_refused=True) == LONGEST_PAUSE
    redial.announced()
    assert redial.pause(0.0, has_opened=False) == FIRST_PAUSE
