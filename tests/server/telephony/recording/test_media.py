"""Joining: two mono files become one stereo recording, whatever state they are in."""

from __future__ import annotations

import hashlib
import os
import struct
import wave

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings.events import RecordingClosed, RecordingMissing
from server.storage.derivation.copies import derive
from server.storage.recording_store import FolderStore
from server.telephony.recording import media
from server.telephony.recording.media import Joined, Nothing, Sources, concluded, discard, join, set_aside

RATE = 8000
KEY = "2027/01/15/17.wav"


def tone(hertz, seconds, amplitude=8000):
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)).astype(np.int16)


def write(path, samples, rate=RATE, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def read(store, key=KEY):
    with store.open(key) as raw, wave.open(raw) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)


def loudest(samples):
    return round(np.argmax(np.abs(np.fft.rfft(samples))) * RATE / len(samples))


def named(spool, name):
    return Sources(*(spool / f"{name}-{side}.wav" for side in ("caller", "agent")))


def forget_lengths(path):
    """The header of a file that Asterisk did not close because it was killed."""
    with path.open("r+b") as file:
        for place in (4, 40):
            file.seek(place)
            file.write(struct.pack("<I", 0))


@pytest.fixture
def spool(tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture
def sources(spool):
    return named(spool, "17-1001")


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def test_the_caller_is_on_the_left_and_the_agent_on_the_right(sources, store):
    write(sources.caller, tone(1000, 2))
    write(sources.agent, tone(600, 2))
    joined = join(sources, store, KEY)
    stereo = read(store)
    assert [loudest(stereo[:, side]) for side in (0, 1)] == [1000, 600]
    assert joined.measured.seconds == 2.0
    assert joined.measured.caller_level == pytest.approx(20 * np.log10(8000 / 32768 / np.sqrt(2)), abs=0.02)
    assert joined.remarks == ()


def test_the_hash_is_that_of_the_stored_file(sources, store):
    write(sources.caller, tone(1000, 0.5))
    write(sources.agent, tone(600, 0.7))
    joined = join(sources, store, KEY)
    with store.open(KEY) as file:
        assert hashlib.sha256(file.read()).hexdigest() == joined.sha256


def test_joining_again_gives_the_same_recording(sources, store):
    write(sources.caller, tone(1000, 1))
    write(sources.agent, tone(600, 1))
    assert join(sources, store, KEY) == join(sources, store, KEY)


def test_the_shorter_side_is_padded_with_silence_at_its_end(sources, store):
    write(sources.caller, tone(1000, 1))
    write(sources.agent, tone(600, 3))
    joined = join(sources, store, KEY)
    stereo = read(store)
    assert len(stereo) == 3 * RATE
    assert not stereo[RATE:, 0].any()
    assert (joined.measured.caller_seconds, joined.measured.agent_seconds) == (1.0, 3.0)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 17))
def test_blocks_of_any_size_give_every_sample_its_place(sources, store, monkeypatch, caller, agent, block):
    monkeypatch.setattr(media, "BLOCK", block)
    left, right = np.arange(1, caller + 1), -np.arange(1, agent + 1)
    write(sources.caller, left)
    write(sources.agent, right)
    if not caller and not agent:
        assert isinstance(join(sources, store, KEY), Nothing)
        return
    join(sources, store, KEY)
    stereo = read(store)
    assert len(stereo) == max(caller, agent)
    assert stereo[:caller, 0].tolist() == left.tolist()
    assert stereo[:agent, 1].tolist() == right.tolist()


def test_a_header_without_lengths_is_mended_from_the_size_of_the_file(sources, store):
    write(sources.caller, tone(1000, 2))
    write(sources.agent, tone(600, 2))
    whole = join(sources, store, "whole.wav")
    forget_lengths(sources.caller)
    mended = join(sources, store, KEY)
    assert mended.sha256 == whole.sha256
    assert mended.remarks == ("the length of 17-1001-caller.wav was taken from the file's size",)


def test_a_file_cut_off_in_the_middle_keeps_what_is_there(sources, store):
    write(sources.caller, tone(1000, 2))
    write(sources.agent, tone(600, 2))
    os.truncate(sources.agent, 44 + RATE * 2 + 1)
    joined = join(sources, store, KEY)
    assert joined.measured.agent_seconds == 1.0
    assert joined.remarks == ("17-1001-agent.wav is shorter than its header says",)


def test_how_long_both_spoke_at_once_is_told_when_the_recording_is_closed(sources, store):
    quiet = np.zeros(RATE * 4)
    write(sources.caller, np.concatenate((tone(1000, 5), quiet, tone(1000, 4))))
    write(sources.agent, np.concatenate((quiet[: RATE * 3], tone(600, 4), quiet[: RATE * 2], tone(600, 4))))
    joined = join(sources, store, KEY)
    event = concluded(3, joined, talked=13.0)
    assert event.talk_over == pytest.approx(2.0 + 4.0, abs=0.2)
    copied = derive(store, KEY, joined.sha256)
    marks = [mark for mark in copied["marks"] if mark["kind"] == "talk_over"]
    assert event.talk_over == pytest.approx(sum(mark["until"] - mark["at"] for mark in marks), abs=0.011)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no file of the agent's side"),
        (b"", "the file of the agent's side is empty"),
        (b"RIFF\0\0", "the file of the agent's side is cut off in its header"),
        (b"no sound at all, this is text", "the file of the agent's side is not a WAV file"),
    ],
)
def test_a_side_without_audio_is_silent_and_said_to_be(sources, store, content, sentence):
    write(sources.caller, tone(1000, 5))
    if content is not None:
        sources.agent.write_bytes(content)
    joined = join(sources, store, KEY)
    assert joined.remarks == (sentence,)
    assert not read(store)[:, 1].any()
    event = concluded(3, joined, talked=5.0)
    assert isinstance(event, RecordingClosed)
    assert event.alarms == ("the agent's side was not recorded", sentence)


def test_without_any_audio_the_recording_is_missing_and_the_store_untouched(sources, store):
    write(sources.caller, tone(1000, 0))
    result = join(sources, store, KEY)
    assert result == Nothing("the file of the caller's side has no audio; there is no file of the agent's side")
    assert concluded(3, result) == RecordingMissing(3, result.why)
    assert list(store.keys()) == []


def test_a_stereo_source_is_refused_with_its_format(sources, store):
    write(sources.caller, tone(1000, 1), channels=2)
    assert "is not 16-bit mono PCM (coding 1, 2 channels, 16 bits)" in join(sources, store, KEY).why


def test_sides_of_different_rates_are_not_joined(sources, store):
    write(sources.caller, tone(1000, 1))
    write(sources.agent, tone(600, 1), rate=16000)
    assert join(sources, store, KEY) == Nothing("one file has 8000 samples a second and another one 16000")


def test_silence_on_one_side_raises_an_alarm(sources, store):
    write(sources.caller, tone(1000, 10))
    write(sources.agent, np.zeros(RATE * 10))
    event = concluded(3, join(sources, store, KEY), talked=10.0)
    assert event.alarms == ("the agent's side is silent: -96 dBFS over 10 s",)


def test_a_crash_while_writing_leaves_nothing_that_looks_finished(sources, store, monkeypatch):
    write(sources.caller, tone(1000, 1))
    write(sources.agent, tone(600, 1))
    monkeypatch.setattr(media, "interleave", lambda *sides: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        join(sources, store, KEY)
    assert list(store.keys()) == []
    assert list((store.root / KEY).parent.iterdir()) == []
    monkeypatch.undo()
    assert isinstance(join(sources, store, KEY), Joined)


def test_sources_are_discarded_once_and_what_is_unusable_is_kept_under_another_name(spool, sources):
    write(sources.caller, tone(1000, 1))
    write(named(spool, "18-2").agent, tone(600, 1))
    discard(sources)
    discard(sources)
    set_aside(named(spool, "18-2"))
    assert [path.name for path in spool.iterdir()] == ["18-2-agent.wav.unusable"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_no_content_makes_the_joiner_fail(sources, store, content, with_header):
    write(sources.agent, tone(600, 0.01))
    head = sources.agent.read_bytes()[:36] if with_header else b""
    sources.caller.write_bytes(head + content)
    assert isinstance(join(sources, store, KEY), Joined)


def later(spool, name, at):
    return named(spool, f"{name}+{at}")


def test_the_parts_after_holds_stand_at_their_time(sources, spool, store):
    for part, hertz, seconds in ((sources, 600, 2), (later(spool, "17-1001", 5000), 700, 1)):
        write(part.caller, tone(1000, seconds))
        write(part.agent, tone(hertz, seconds))
    joined = join(sources, store, KEY, lasted=8.0)
    stereo = read(store)
    assert len(stereo) == 8 * RATE
    assert [loudest(stereo[at * RATE : (at + 1) * RATE, 1]) for at in (0, 1, 5)] == [600, 600, 700]
    assert not stereo[2 * RATE : 5 * RATE].any()
    assert not stereo[6 * RATE :].any()
    assert (joined.measured.seconds, joined.measured.covered) == (8.0, 3.0)
    assert concluded(17, joined, talked=3.1).alarms == ()
    assert concluded(17, joined, talked=7.0).alarms == ("the recording has 3 s of a conversation of 7 s",)
    discard(sources)
    assert list(spool.iterdir()) == []


def test_sound_stands_where_its_packets_came(sources, spool, store):
    """Both sides send nothing from 2 s to 6 s, and the agent never."""
    write(sources.caller, tone(1000, 4))
    write(sources.agent, tone(600, 4))
    counted = [(step, 50 * (min(step, 2) + max(0, step - 6))) for step in range(9)]
    (spool / "17-1001-packets").write_text("".join(f"{1000 * at} {caller} 0\n" for at, caller in counted))
    joined = join(sources, store, KEY, lasted=8.0)
    stereo = read(store)
    silent = [not stereo[at * RATE : (at + 1) * RATE].any() for at in range(8)]
    assert silent == [False, False, True, True, True, True, False, False]
    assert concluded(17, joined, talked=8.0).alarms == ()


def test_unusable_files_of_every_part_are_kept_under_another_name(sources, spool, store):
    for part in (sources, later(spool, "17-1001", 5000)):
        part.caller.write_bytes(b"")
    assert isinstance(join(sources, store, KEY), Nothing)
    set_aside(sources)
    assert sorted(each.name for each in spool.iterdir()) == [
        "17-1001+5000-caller.wav.unusable",
        "17-1001-caller.wav.unusable",
    ]
