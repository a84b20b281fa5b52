"""Telephone sound: the codecs, the clock of a stream, digits in it, and what is heard at the other end."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from softphone.audio import ALAW, CODECS, QUIET, RATE, SILENT_DBFS, ULAW, Codec, Tone, Wave, level_dbfs, tone_level
from softphone.rtp import PERIOD, Endpoint

Pair = tuple[Endpoint, Endpoint]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    one, other = await Endpoint.open(), await Endpoint.open()
    one.connect("127.0.0.1", other.port, ALAW.payload_type, 101)
    other.connect("127.0.0.1", one.port, ALAW.payload_type, 101)
    yield one, other
    one.close()
    other.close()


class Tap(asyncio.DatagramProtocol):
    """Keeps each packet as it came over the wire."""

    def __init__(self) -> None:
        self.packets: list[tuple[float, bytes]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.packets.append((asyncio.get_running_loop().time(), data))


@pytest.fixture
async def tapped() -> AsyncIterator[tuple[Endpoint, Tap]]:
    transport, tap = await asyncio.get_running_loop().create_datagram_endpoint(Tap, local_addr=("127.0.0.1", 0))
    endpoint = await Endpoint.open()
    endpoint.connect("127.0.0.1", transport.get_extra_info("sockname")[1], ALAW.payload_type, 101)
    yield endpoint, tap
    endpoint.close()
    transport.close()


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_a_codec_gives_back_each_of_its_own_values(codec: Codec) -> None:
    assert np.array_equal(codec.decode(codec.encode(codec.decoded)), codec.decoded)


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_a_codec_is_off_by_at_most_half_a_step_of_the_loudest_segment(codec: Codec) -> None:
    every = np.arange(-32000, 32001).astype(np.int16)
    error = np.abs(codec.decode(codec.encode(every)).astype(int) - every)
    assert error.max() <= 512
    assert (error[np.abs(every) < 256] <= 8).all()


def test_silence_is_sent_as_networks_know_it() -> None:
    nothing = QUIET.samples(0, 3)
    assert ALAW.encode(nothing) == b"\xd5\xd5\xd5"
    assert ULAW.encode(nothing) == b"\xff\xff\xff"


@given(dbfs=st.floats(-40, 0), hz=st.integers(200, 3400), start=st.integers(0, 10**9))
def test_a_tone_measures_what_it_was_made_with(dbfs: float, hz: int, start: int) -> None:
    sound = ALAW.decode(ALAW.encode(Tone(hz, dbfs).samples(start, 4000)))
    assert tone_level(sound, hz) == pytest.approx(dbfs, abs=0.5)
    assert level_dbfs(sound) == pytest.approx(dbfs, abs=0.5)


def test_two_tones_are_told_apart() -> None:
    sound = Tone(1000, -10).samples(0, 1600)
    assert tone_level(sound, 600) < -60
    assert level_dbfs(QUIET.samples(0, 160)) == tone_level(QUIET.samples(0, 160), 600) == SILENT_DBFS


def test_a_sound_file_of_another_rate_keeps_its_pitch_and_can_go_round(tmp_path: Path) -> None:
    at = np.arange(16000) / 16000
    soundfile.write(tmp_path / "tone.wav", 0.3 * np.sin(2 * np.pi * 700 * at), 16000)
    once, again = Wave(tmp_path / "tone.wav"), Wave(tmp_path / "tone.wav", again=True)
    assert tone_level(once.samples(0, 8000), 700) == pytest.approx(20 * np.log10(0.3), abs=0.5)
    assert level_dbfs(once.samples(8000, 800)) == SILENT_DBFS
    assert np.array_equal(again.samples(8000, 800), once.samples(0, 800))


async def test_each_end_hears_the_other(pair: Pair) -> None:
    one, other = pair
    one.play(Tone(1000, -10))
    other.play(Tone(600, -20))
    await asyncio.gather(other.heard(1000, above=-12), one.heard(600, above=-22))
    assert tone_level(other.samples(0.2), 600) < -50
    assert other.first_audio_at == other.arrivals[0]


async def test_what_is_not_heard_is_told_with_what_was(pair: Pair) -> None:
    one, other = pair
    one.play(Tone(1000, -10))
    with pytest.raises(
        TimeoutError, match=r"600 Hz above -35 dBFS was not heard within 0.4 s: .* all sound is -10 dBFS"
    ):
        await other.heard(600, within=0.4)


async def test_only_sound_from_now_on_is_heard(pair: Pair) -> None:
    one, other = pair
    one.play(Tone(1000, -10))
    await other.heard(1000)
    one.play(None)
    with pytest.raises(TimeoutError):
        await other.heard(1000, within=0.3)


async def test_a_stream_keeps_the_clock_even_when_the_loop_stumbles(tapped: tuple[Endpoint, Tap]) -> None:
    endpoint, tap = tapped
    loop = asyncio.get_running_loop()
    began = loop.time()
    endpoint.play(Tone(1000))
    await asyncio.sleep(0.1)
    deadline = loop.time() + 0.07
    while loop.time() < deadline:
        pass  # The loop is held up, as by a long computation.
    await asyncio.sleep(0.33)
    headers = [struct.unpack("!BBHII", data[:12]) for _, data in tap.packets]
    assert len(headers) == pytest.approx((loop.time() - began) / PERIOD, abs=2)
    for before, after in pairwise(headers):
        assert (after[2] - before[2]) % 2**16 == 1
        assert (after[3] - before[3]) % 2**32 == 160
    assert {len(data) for _, data in tap.packets} == {172}


async def test_a_stream_that_was_stopped_long_leaves_a_gap_and_no_burst(tapped: tuple[Endpoint, Tap]) -> None:
    endpoint, tap = tapped
    endpoint.play(Tone(1000))
    await asyncio.sleep(0.05)
    endpoint.play(None)
    await asyncio.sleep(0.4)
    before, began = len(tap.packets), asyncio.get_running_loop().time()
    endpoint.play(Tone(1000))
    await asyncio.sleep(0.05)
    assert len(tap.packets) - before <= (asyncio.get_running_loop().time() - began) / PERIOD + 2
    first, last = (struct.unpack("!BBHII", data[:12]) for _, data in (tap.packets[before - 1], tap.packets[before]))
    assert (last[3] - first[3]) % 2**32 >= 160 * 15


async def test_a_digit_has_one_marker_one_timestamp_a_growing_duration_and_three_ends(
    tapped: tuple[Endpoint, Tap],
) -> None:
    endpoint, tap = tapped
    endpoint.play(Tone(1000))
    await endpoint.press("5", seconds=0.08, gap=0.04)
    events = [data for _, data in tap.packets if data[1] & 0x7F == 101]
    headers = [struct.unpack("!BBHII", data[:12]) for data in events]
    keys, flags, lasted = zip(*(struct.unpack("!BBH", data[12:]) for data in events), strict=True)
    assert set(keys) == {5}
    assert [bool(header[1] & 0x80) for header in headers] == [True] + [False] * 6
    assert len({header[3] for header in headers}) == 1
    assert lasted == (160, 320, 480, 640, 640, 640, 640)
    assert [bool(flag & 0x80) for flag in flags] == [False] * 4 + [True] * 3
    numbers = [struct.unpack("!BBH", data[:4])[2] for _, data in tap.packets]
    assert {(after - before) % 2**16 for before, after in pairwise(numbers)} == {1}


async def test_digits_arrive_in_order_and_each_once(pair: Pair) -> None:
    one, other = pair
    one.play(QUIET)
    await one.press("1123*#", seconds=0.06, gap=0.06)
    await other.received("1123*#")
    assert other.digits == "1123*#"


async def test_what_is_no_key_or_has_no_stream_is_refused_in_words(pair: Pair) -> None:
    one, _ = pair
    with pytest.raises(RuntimeError, match="digits need a stream that plays"):
        one.press("1")
    one.play(QUIET)
    with pytest.raises(ValueError, match=r"'x' cannot be pressed: the keys are 0123456789\*#ABCD"):
        one.press("1x")


async def test_digits_still_under_way_fail_when_the_stream_ends(pair: Pair) -> None:
    one, _ = pair
    one.play(QUIET)
    pressing = one.press("12345")
    one.close()
    with pytest.raises(ConnectionError, match="before all digits were out"):
        await pressing


async def test_what_comes_after_a_lost_packet_keeps_its_place(tapped: tuple[Endpoint, Tap]) -> None:
    """The sequence goes 65534, 65535, (0 is lost), 1, a key's event as 2, 3, and a new stream far away."""
    endpoint, _ = tapped

    def arrives(sequence: int, dbfs: float, kind: int = ALAW.payload_type) -> None:
        payload = ALAW.encode(Tone(1000, dbfs).samples(0, 160)) if kind == ALAW.payload_type else bytes((1, 10, 0, 160))
        header = struct.pack("!BBHII", 0x80, kind, sequence, 160 * sequence, 7)
        endpoint.datagram_received(header + payload, ("127.0.0.1", 9))

    for sequence in (65534, 65535, 1):
        arrives(sequence, -10)
    arrives(2, -10, 101)
    arrives(3, -10)
    arrives(40_000, -10)
    heard = endpoint.samples().reshape(-1, 160)
    loud = [level_dbfs(packet) > -20 for packet in heard]
    assert loud == [True, True, False, True, True, True]


async def test_pauses_between_packets_are_found(pair: Pair) -> None:
    one, other = pair
    one.play(QUIET)
    await asyncio.sleep(0.06)
    one.play(None)
    await asyncio.sleep(0.2)
    one.play(QUIET)
    await asyncio.sleep(0.06)
    ((_, seconds),) = other.gaps(longer_than=0.15)
    assert 0.15 < seconds < 0.4
    assert other.first_audio_at is None


@given(data=st.binary(max_size=64))
def test_no_datagram_upsets_an_endpoint(data: bytes) -> None:
    async def receive() -> None:
        endpoint = await Endpoint.open()
        endpoint.connect("127.0.0.1", 9, ALAW.payload_type, 101)
        endpoint.datagram_received(data, ("127.0.0.1", 9))
        endpoint.close()

    asyncio.run(receive())


@pytest.mark.parametrize("hz", [440, 1000.0, 697.5])
def test_a_tone_is_the_same_wherever_it_is_asked_for(hz: float) -> None:
    whole = Tone(hz).samples(0, 3 * RATE)
    for start in (0, 160, RATE - 7, 2 * RATE - 160):
        assert Tone(hz).samples(start, 160) == pytest.approx(whole[start : start + 160], abs=1)
