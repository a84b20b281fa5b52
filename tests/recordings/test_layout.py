"""A place in a recording is a time of the call, whatever was written in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.layout import BLOCK, Layout, Packets, Part, Piece, lay_out


def sparse(spurts, until, every=0.2, rate=50):
    """What is counted of a caller who sends packets only in these spans, and of an agent who sends none."""

    def sent(at):
        return round(rate * sum(max(0.0, min(at, end) - begin) for begin, end in spurts))

    return [Packets(step * every, sent(step * every), 0) for step in range(round(until / every) + 1)]


def test_a_conversation_without_a_pause_is_one_piece():
    assert lay_out([Part(0, 45.2)]) == Layout((Piece(0, 0, 0, 45.2),), 45.2)


def test_after_a_hold_the_sound_stands_at_the_time_at_which_it_went_on():
    laid = lay_out([Part(0, 10.0), Part(30.5, 5.0)])
    assert laid.pieces == (Piece(0, 0, 0, 10.0), Piece(1, 0, 30.5, 5.0))
    assert laid.covered == 15.0, "a hold is no sound that is missing"


def test_a_part_that_is_longer_than_its_time_pushes_the_next_one():
    laid = lay_out([Part(0, 10.2), Part(10.0, 5.0)])
    assert [piece.at for piece in laid.pieces] == [0, 10.2]


@pytest.mark.parametrize("every", [0.2, 0.5, 1.0])
def test_sound_with_pauses_stands_where_its_packets_came(every):
    spurts = [(0.0, 2.0), (6.0, 7.0), (12.4, 14.0), (20.0, 20.6)]
    laid = lay_out([Part(0, sum(end - begin for begin, end in spurts))], sparse(spurts, 30, every))
    assert len(laid.pieces) == len(spurts)
    for piece, (begin, end) in zip(laid.pieces, spurts, strict=True):
        assert piece.at == pytest.approx(begin, abs=every / 2 + 0.05)
        assert piece.end == pytest.approx(end, abs=every / 2 + 0.05)
    assert laid.covered == pytest.approx(30.0), "silence that nobody sent is no sound that is missing"


def test_two_sides_that_lose_packets_lose_no_time():
    """One packet of five is lost on either side, so one of 25 on both: that time is in no file."""
    counted = [Packets(at, 40 * at, 40 * at) for at in range(181)]
    laid = lay_out([Part(0, 180 * 0.96)], counted)
    assert laid.seconds == pytest.approx(180, abs=0.2)
    for piece in laid.pieces:
        assert piece.at == pytest.approx(piece.start / 0.96, abs=0.2)


def test_sound_of_late_packets_is_missing_everywhere_alike():
    counted = [Packets(at, 50 * at, 50 * at) for at in range(0, 61, 10)]
    laid = lay_out([Part(0, 48.0)], counted, talked=61.0)
    for piece in laid.pieces:
        assert piece.at == pytest.approx(piece.start * 61 / 48, abs=0.2)
    assert laid.covered == pytest.approx(48.0), "packets came, and their sound is missing"


def test_sound_that_is_lost_here_and_there_stands_where_the_disk_says():
    """All packets come. In the first minute half of their sound is dropped, in the second one nothing."""

    def sounds(at):
        return min(at, 60) / 2 + max(0.0, at - 60)

    counted = [
        Packets(at, round(50 * at), round(50 * at), sounds(at) // BLOCK * BLOCK)
        for at in (step / 4 for step in range(481))
    ]
    laid = lay_out([Part(0, sounds(120))], counted, talked=120)
    assert laid.seconds == pytest.approx(120, abs=0.3)
    for piece in laid.pieces:
        assert sounds(piece.at) == pytest.approx(piece.start, abs=0.3)


def test_a_recorder_that_stopped_early_has_its_sound_at_the_beginning():
    counted = [Packets(at, 50 * at, 50 * at) for at in range(0, 61, 10)]
    assert lay_out([Part(0, 20.0)], counted, talked=61.0).pieces == (Piece(0, 0, 0, 20.0),)


def test_sound_that_is_missing_although_packets_came_is_not_covered():
    assert lay_out([Part(0, 20.0)]).covered == 20.0


def test_sound_that_no_count_explains_goes_on_behind_the_last_one():
    laid = lay_out([Part(0, 9.0)], sparse([(0, 2), (8, 10)], 10))
    assert sum(piece.seconds for piece in laid.pieces) == pytest.approx(9.0)


def test_counts_of_before_and_of_the_hold_do_not_move_a_part():
    counted = [*sparse([(0, 10)], 10), *(Packets(at, 500, 0) for at in (35.0, 40.0))]
    laid = lay_out([Part(0, 10.0), Part(30.0, 12.0)], counted)
    assert [(piece.at, piece.seconds) for piece in laid.pieces] == [(0, 10.0), (30.0, 12.0)]


written = st.none() | st.floats(0, 50)
counts = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 5000), st.integers(0, 5000), written), max_size=30)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 40)), max_size=4), counts)
def test_every_second_is_in_one_piece_and_none_overlap(parts, counted):
    parts = [Part(*each) for each in sorted(parts)]
    laid = lay_out(parts, [Packets(*each) for each in sorted(counted, key=lambda each: each[:3])])
    end = 0.0
    for piece in laid.pieces:
        assert piece.at >= end - 1e-6
        end = piece.end
    for number, part in enumerate(parts):
        mine = [piece for piece in laid.pieces if piece.part == number]
        assert sum(piece.seconds for piece in mine) == pytest.approx(part.seconds, abs=1e-6)
        start = 0.0
        for piece in mine:
            assert piece.start == pytest.approx(start, abs=1e-6)
            start += piece.seconds
