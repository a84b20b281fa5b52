"""Two mono tracks as one, and how loud each is."""

from __future__ import annotations

import numpy as np
import pytest

from recordings.stereo import FLOOR, Level, interleave


def level(track):
    measured = Level()
    measured.add(track)
    return measured.dbfs()


def test_a_full_scale_sine_has_three_decibels_less_than_full_scale():
    sine = np.round(32767 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)).astype(np.int16)
    assert level(sine) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("track", [np.zeros(100, np.int16), np.zeros(0, np.int16)])
def test_silence_and_nothing_are_at_the_floor(track):
    assert level(track) == FLOOR


def test_the_level_of_the_loudest_negative_sample_does_not_overflow():
    assert level(np.full(10, -32768, np.int16)) == 0.0


def test_a_level_is_the_same_in_blocks():
    track = np.random.default_rng(1).integers(-3000, 3000, 10_001).astype(np.int16)
    blocks = Level()
    for start in range(0, len(track), 777):
        blocks.add(track[start : start + 777])
    assert blocks.dbfs() == level(track)


def test_the_shorter_track_is_padded():
    joined = interleave(np.array([1, 2, 3], np.int16), np.array([-1], np.int16))
    assert joined.tolist() == [[1, -1], [2, 0], [3, 0]]
