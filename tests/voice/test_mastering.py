"""Whatever a voice gives, a caller hears it at one level, without dead air and without a click."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice.mastering import (
    PEAK,
    PIECE,
    RATE,
    SENTENCE,
    SPEECH_LEVEL,
    from_pcm,
    limit,
    master,
    peak_level,
    silence,
    speech_level,
    to_pcm,
    unwav,
    wav,
)


def speech(seconds=2.0, seed=1, gain=0.1):
    """Something that swells and pauses like speech, with its spikes."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.RandomState(seed).laplace(size=len(time))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, None) ** 0.5
    return gain * noise * (syllables + 1e-4)


def surrounded(sound, before=0.7, after=0.9):
    return np.pad(sound, (round(before * RATE), round(after * RATE)))


@pytest.mark.parametrize("gain", [0.003, 0.1, 0.9])
def test_quiet_and_loud_voices_come_out_at_one_level(gain):
    mastered = from_pcm(master(surrounded(speech(gain=gain)), SENTENCE))
    assert speech_level(mastered) == pytest.approx(SPEECH_LEVEL, abs=0.7)
    assert peak_level(mastered) <= PEAK + 0.01


@pytest.mark.parametrize("edges", [SENTENCE, PIECE])
def test_the_silence_around_the_speech_is_the_one_asked_for(edges):
    mastered = np.abs(from_pcm(master(surrounded(speech()), edges)))
    heard = np.flatnonzero(mastered > 0.01)
    assert heard[0] / RATE == pytest.approx(edges.lead_in, abs=0.025)
    assert (len(mastered) - heard[-1]) / RATE == pytest.approx(edges.lead_out, abs=0.025)


def test_speech_without_silence_around_it_gets_some():
    start = np.argmax(np.abs(speech()))
    mastered = from_pcm(master(speech()[start:], SENTENCE))
    assert np.all(mastered[: round(0.9 * SENTENCE.lead_in * RATE)] == 0)


def test_a_prompt_begins_and_ends_at_zero():
    mastered = from_pcm(master(surrounded(speech()), PIECE))
    assert np.max(np.abs(mastered[[0, -1]])) < 1e-3


def test_a_constant_offset_is_taken_out():
    mastered = from_pcm(master(surrounded(speech()) + 0.2, SENTENCE))
    assert abs(np.mean(mastered)) < 0.005


@pytest.mark.parametrize("sound", [np.zeros(RATE), np.zeros(3), np.full(RATE, 0.5)])
def test_silence_from_the_voice_is_an_error_in_a_sentence(sound):
    with pytest.raises(ValueError, match="silence instead of speech"):
        master(sound, SENTENCE)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 3.0))
def test_the_limiter_keeps_every_peak_under_its_ceiling(seed, gain):
    sound = speech(0.5, seed, gain)
    limited = limit(sound, 0.7)
    assert np.max(np.abs(limited)) <= 0.7 + 1e-9
    assert np.all(np.abs(limited) <= np.abs(sound) + 1e-12)


def test_the_limiter_leaves_alone_what_is_far_from_a_peak():
    sound = np.full(RATE, 0.1)
    sound[4000] = 1.0
    limited = limit(sound, 0.5)
    near = round(0.011 * RATE)
    assert np.array_equal(limited[: 4000 - near], sound[: 4000 - near])
    assert np.array_equal(limited[4000 + near :], sound[4000 + near :])


def test_the_file_is_plain_pcm_that_asterisk_plays():
    pcm = to_pcm(speech(0.1))
    data = wav(pcm)
    assert int.from_bytes(data[20:22], "little") == 1
    assert np.array_equal(unwav(data), pcm)


def test_a_file_of_another_shape_is_refused():
    stereo = bytearray(wav(silence(0.1)))
    stereo[22] = 2
    with pytest.raises(ValueError, match="this one is 8000 Hz, 2 channels"):
        unwav(bytes(stereo))
