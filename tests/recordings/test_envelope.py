"""Peaks, levels and marks of a recording, on tones whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest

from recordings.envelope import PER_SECOND, Envelope, Mark, Shape
from recordings.stereo import FLOOR

RATE = 8000


def tone(seconds: float, level: float = 0.25) -> np.ndarray:
    return (np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * 600 / RATE) * 32767 * level).astype(np.int16)


def laid(seconds: float, *parts: tuple[int, float, float]) -> np.ndarray:
    """Silence with tones in it: (side, from, until)."""
    sound = np.zeros((round(seconds * RATE), 2), dtype=np.int16)
    for side, begin, end in parts:
        sound[round(begin * RATE) : round(end * RATE), side] = tone(end - begin)
    return sound


def shape_of(sound: np.ndarray, block: int = 1 << 18) -> Shape:
    envelope = Envelope(RATE)
    for begin in range(0, len(sound), block):
        envelope.add(sound[begin : begin + block])
    return envelope.shape()


def test_peaks_stand_on_the_side_and_at_the_time_of_the_sound() -> None:
    shape = shape_of(laid(4.0, (0, 1.0, 2.0), (1, 2.5, 3.0)))
    assert (shape.seconds, shape.per_second) == (4.0, 20)
    caller, agent = np.array(shape.peaks["caller"]), np.array(shape.peaks["agent"])
    assert len(caller) == len(agent) == 4 * PER_SECOND
    assert set(caller[20:40]) == {31}
    assert not caller[:20].any()
    assert not caller[40:].any()
    assert agent[50:60].all()
    assert not agent[:50].any()


def test_levels_and_silence_are_told_for_each_side() -> None:
    shape = shape_of(laid(4.0, (0, 0.0, 4.0)))
    assert shape.level["caller"] == pytest.approx(-15.05, abs=0.05)
    assert shape.level["agent"] == FLOOR
    assert shape.silence == {"caller": 0.0, "agent": 1.0}


def test_talk_over_and_long_silence_are_marked() -> None:
    shape = shape_of(laid(30.0, (0, 0.0, 5.0), (1, 3.0, 6.0), (0, 18.0, 30.0)))
    assert shape.marks == (Mark("talk_over", 3.0, 5.0), Mark("silence", 6.0, 18.0))


def test_pauses_between_words_belong_to_the_speech() -> None:
    words = [(0, at / 10, at / 10 + 0.3) for at in range(0, 100, 6)]
    shape = shape_of(laid(10.0, (1, 0.0, 10.0), *words))
    assert [mark.kind for mark in shape.marks] == ["talk_over"]


@pytest.mark.parametrize("block", [1, 399, 400, 401, 8000])
def test_blocks_of_any_size_give_the_same_shape(block: int) -> None:
    sound = laid(1.01, (0, 0.2, 0.7), (1, 0.5, 1.0))
    assert shape_of(sound, block) == shape_of(sound)


def test_of_nothing_there_is_a_shape_too() -> None:
    shape = shape_of(laid(0.0))
    assert (shape.seconds, shape.marks, shape.peaks) == (0.0, (), {"caller": [], "agent": []})


def test_the_loudest_sample_is_a_peak_of_127() -> None:
    sound = np.full((RATE, 2), -32768, dtype=np.int16)
    assert set(shape_of(sound).peaks["caller"]) == {127}
