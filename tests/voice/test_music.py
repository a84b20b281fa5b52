"""Music on hold by numbers: soft, even, in the telephone's band, and a circle without a seam."""

from __future__ import annotations

import numpy as np
import pytest

from voice.mastering import RATE, from_pcm, to_pcm, unwav
from voice.music import FOLDER, LEVEL, PIECES, compose


@pytest.fixture(params=PIECES, ids=lambda piece: piece.name)
def piece(request):
    return request.param


@pytest.fixture
def sound(piece):
    """The piece as it lies on disk."""
    return from_pcm(unwav((FOLDER / f"{piece.name}.wav").read_bytes()))


def level(sound):
    return 10 * np.log10(np.mean(sound**2))


def test_a_piece_lasts_long_enough_not_to_tire(piece, sound):
    assert 60 <= piece.seconds <= 90
    assert len(sound) == round(piece.seconds * RATE)


def test_its_level_is_what_it_claims_and_nothing_clips(sound):
    assert level(sound) == pytest.approx(LEVEL, abs=0.1)
    assert np.max(np.abs(sound)) < 10 ** (-9 / 20)


def test_no_second_of_it_can_be_taken_for_a_dead_line(sound):
    seconds = sound[: len(sound) // RATE * RATE].reshape(-1, RATE)
    levels = [level(second) for second in seconds]
    assert min(levels) > LEVEL - 10
    assert max(levels) < LEVEL + 5


def test_it_stays_inside_the_band_of_a_telephone(sound):
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert np.sum(power[frequency > 3400]) < 1e-6 * np.sum(power)
    assert np.sum(power[(frequency > 300) & (frequency < 3400)]) > 0.6 * np.sum(power)


def test_the_end_runs_into_the_beginning_without_a_click(sound):
    steps = np.abs(np.diff(np.concatenate([sound[-RATE:], sound[:RATE]])))
    assert steps[RATE - 1] <= np.percentile(steps, 99)
    # A click is energy where the music has none: above its highest partials, at the very place of the seam.
    around = np.concatenate([sound[-128:], sound[:128]]) * np.hanning(256)
    power = np.abs(np.fft.rfft(around)) ** 2
    assert np.sum(power[-16:]) < 1e-4 * np.sum(power)


@pytest.mark.thorough
def test_the_same_page_gives_the_same_music(piece, sound):
    again = from_pcm(to_pcm(compose(piece)))
    assert np.max(np.abs(again - sound)) <= 1 / 32768
