"""One end of an audio stream: a packet each 20 ms by the clock, and everything that arrives is kept with its time.

The clock rules: packet n leaves at start + n * 20 ms however late the one before was, so a stream never drifts. A digit
(RFC 4733) takes the place of the audio while it lasts and shares its clock and its sequence.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import cast

import numpy as np

from softphone.audio import ALAW, CODECS, RATE, Codec, Samples, Source, level_dbfs, tone_level

PERIOD = 0.02
"""Seconds of sound in a packet."""
FRAME = int(RATE * PERIOD)
AUDIBLE_DBFS = -50.0
"""Above this a packet counts as sound rather than as the noise floor of G.711."""
_MOST_LOST = 25
"""So many packets in a row may be lost; a longer jump in the numbers is a stream that begins anew."""
_LATE = 10 * FRAME
"""A stream that is this many samples behind leaves a gap rather than a burst."""

_LOST = Codec("lost", -1, np.zeros(256, np.int16), np.zeros(65536, np.uint8))
"""By which what is lost is silence, as long as the packet after it."""
_DECODERS = {codec.payload_type: codec for codec in (*CODECS.values(), _LOST)}
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_KEYS = "0123456789*#ABCD"
_MARKER = 0x80
_END = 0x80
_VOLUME = 10


@dataclass(frozen=True, slots=True)
class _Event:
    """What one packet says about a key held down: `age` packets after it went down."""

    key: int
    age: int
    lasted: int
    end: bool

    @property
    def payload(self) -> bytes:
        return _EVENT.pack(self.key, (_END if self.end else 0) | _VOLUME, self.lasted * FRAME)


class _Passing(asyncio.DatagramProtocol):
    """What a new socket of an endpoint receives is the endpoint's."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._endpoint.datagram_received(data, addr)

    def error_received(self, exc: Exception) -> None:
        self._endpoint.error_received(exc)


class Endpoint(asyncio.DatagramProtocol):
    """An RTP socket on a free even port. All times are of the running loop's clock (seconds, monotonic)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: tuple[str, int] | None = None
        self._codec: Codec = ALAW
        self._event_type: int | None = None
        self._source: Source | None = None
        self._timer: asyncio.Handle | None = None
        self._ssrc = random.getrandbits(32)
        self._sequence = random.getrandbits(16)
        self._first_timestamp = random.getrandbits(32)
        self._started = 0.0
        self._sent = 0
        self._queue: deque[_Event | asyncio.Future[None] | None] = deque()
        self._heard: list[tuple[Codec, bytes]] = []
        """Packets as they came, decoded when they are asked for."""
        self._heard_sequence: int | None = None
        """Of the packet that came last."""
        self._last_event: int | None = None
        self._listeners: list[Callable[[], None]] = []
        self.arrivals: list[float] = []
        """When each audio packet came."""
        self.first_audio_at: float | None = None
        """When the first packet above `AUDIBLE_DBFS` came."""
        self.digits = ""
        """Digits received as RFC 4733 events."""

    @classmethod
    async def open(cls, bind: str = "127.0.0.1") -> Endpoint:
        """An endpoint on `bind`. Raises OSError if no port is free."""
        loop = asyncio.get_running_loop()
        for _ in range(64):
            transport, endpoint = await loop.create_datagram_endpoint(cls, local_addr=(bind, 0))
            # The odd port above is where peers send RTCP: no other endpoint of ours may have it.
            if endpoint.port % 2 == 0:
                return endpoint
            transport.close()
        raise OSError(f"no even UDP port is free on {bind}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._host, self.port = transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Stop sending and listening; what was heard stays."""
        self._hush()
        for waiting in self._queue:
            if isinstance(waiting, asyncio.Future) and not waiting.done():
                waiting.set_exception(ConnectionError("the stream ended before all digits were out"))
                waiting.exception()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def move(self, bind: str = "127.0.0.1") -> None:
        """Go on from another socket. The peer is told nothing; when it asks, the phone names the port (`port`) if the
        address is still the same.
        """
        transport, _ = await self._loop.create_datagram_endpoint(lambda: _Passing(self), local_addr=(bind, 0))
        before, self._transport = self._transport, transport
        if before is None:
            return
        if bind == self._host:
            self.port = transport.get_extra_info("sockname")[1]
        before.close()

    def renumber(self) -> None:
        """Go on as another stream: another SSRC, sequence and time, as after a restart of the phone's sound."""
        self._ssrc, self._sequence = random.getrandbits(32), random.getrandbits(16)
        self._first_timestamp = random.getrandbits(32)

    # Sending

    def connect(self, host: str, port: int, payload_type: int, event_type: int | None) -> None:
        """Where to send, and as what. Raises ValueError for a payload type that is not G.711."""
        if payload_type not in CODECS:
            raise ValueError(f"payload type {payload_type} is not G.711: only {sorted(CODECS)} can be sent")
        self._remote, self._codec, self._event_type = (host, port), CODECS[payload_type], event_type

    def play(self, source: Source | None) -> None:
        """Send `source` from now on; None sends nothing at all."""
        self._source = source
        if source is None:
            self._hush()
        elif self._timer is None and self._transport is not None:
            if not self._sent:
                self._started = self._loop.time()
            self._timer = self._loop.call_soon(self._tick)

    def send_packet(self, number: int, position: int, samples: Samples) -> None:
        """Send one packet of a stream that the test makes itself, `number` and `position` in samples from its start."""
        if self._transport is None or self._remote is None:
            return
        head = 0x80, self._codec.payload_type, (self._sequence + number) & 0xFFFF
        timestamp = (self._first_timestamp + 100 * RATE + position) & 0xFFFFFFFF
        self._transport.sendto(_HEADER.pack(*head, timestamp, self._ssrc) + self._codec.encode(samples), self._remote)

    def press(self, digits: str, *, seconds: float = 0.1, gap: float = 0.1) -> asyncio.Future[None]:
        """Send digits as events of `seconds` with `gap` of audio after each; done when the last gap is over.

        Raises ValueError for what is no key, RuntimeError if nothing is being played or the peer takes no events.
        """
        unknown = "".join(sorted(set(digits) - set(_KEYS)))
        if unknown or not digits:
            raise ValueError(f"{unknown or digits!r} cannot be pressed: the keys are {_KEYS}")
        if self._timer is None or self._event_type is None:
            raise RuntimeError("digits need a stream that plays, and a peer that takes telephone-event")
        held = max(1, round(seconds / PERIOD))
        for key in map(_KEYS.index, digits):
            self._queue.extend(_Event(key, age, age + 1, end=False) for age in range(held))
            # The end is said three times, as it may get lost like any packet.
            self._queue.extend(_Event(key, held + again, held, end=True) for again in range(3))
            self._queue.extend([None] * max(1, round(gap / PERIOD)))
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.append(done)
        return done

    def _hush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        position = round((self._loop.time() - self._started) * RATE)
        if position - self._sent * FRAME > _LATE:
            self._sent = position // FRAME
        while self._sent * FRAME <= position:
            self._packet(self._sent * FRAME)
            self._sent += 1
        self._timer = self._loop.call_at(self._started + self._sent * PERIOD, self._tick)

    def _packet(self, position: int) -> None:
        while self._queue and isinstance(done := self._queue[0], asyncio.Future):
            self._queue.popleft()
            if not done.done():
                done.set_result(None)
        event = self._queue.popleft() if self._queue else None
        if isinstance(event, _Event):
            marker = _MARKER if event.age == 0 else 0
            self._send((self._event_type or 0) | marker, position - event.age * FRAME, event.payload)
        elif self._source is not None:
            self._send(self._codec.payload_type, position, self._codec.encode(self._source.samples(position, FRAME)))

    def _send(self, kind: int, position: int, payload: bytes) -> None:
        if self._transport is None or self._remote is None:
            return
        timestamp = (self._first_timestamp + position) & 0xFFFFFFFF
        self._transport.sendto(_HEADER.pack(0x80, kind, self._sequence, timestamp, self._ssrc) + payload, self._remote)
        self._sequence = (self._sequence + 1) & 0xFFFF

    # Receiving

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < _HEADER.size or data[0] >> 6 != 2:
            return
        first, kind, sequence, timestamp, _ = _HEADER.unpack_from(data)
        start = _HEADER.size + 4 * (first & 0x0F)
        if first & 0x10 and len(data) >= start + 4:
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        payload = data[start : len(data) - data[-1]] if first & 0x20 else data[start:]
        payload_type = kind & 0x7F
        if payload and payload_type in CODECS:
            self._audio(CODECS[payload_type], payload, sequence)
        elif len(payload) >= _EVENT.size and payload_type == self._event_type:
            self._digit(timestamp, payload[0])
            self._heard_sequence = sequence
        for listener in tuple(self._listeners):
            listener()

    def error_received(self, exc: Exception) -> None:
        """A peer that hung up first refuses our last packets; that is how calls end."""

    def _audio(self, codec: Codec, payload: bytes, sequence: int) -> None:
        now = self._loop.time()
        self.arrivals.append(now)
        lost = (sequence - self._heard_sequence - 1) & 0xFFFF if self._heard_sequence is not None else 0
        if lost <= _MOST_LOST:
            # What comes after a loss keeps its place in what was heard.
            self._heard += [(_LOST, payload)] * lost
        self._heard_sequence = sequence
        self._heard.append((codec, payload))
        if self.first_audio_at is None and level_dbfs(codec.decode(payload)) > AUDIBLE_DBFS:
            self.first_audio_at = now

    def _digit(self, timestamp: int, key: int) -> None:
        if timestamp != self._last_event and key < len(_KEYS):
            self._last_event = timestamp
            self.digits += _KEYS[key]

    def samples(self, last: float | None = None) -> Samples:
        """What was heard, in order of arrival, silence for what was lost: all of it or the `last` seconds of sound."""
        packets = self._heard
        if last is not None:
            packets = packets[-max(1, round(last / PERIOD)) :]
        runs = groupby(packets, lambda packet: packet[0].payload_type)
        parts = [_DECODERS[kind].decode(b"".join(payload for _, payload in run)) for kind, run in runs]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def gaps(self, longer_than: float = 3 * PERIOD) -> list[tuple[float, float]]:
        """Pauses between packets: (when the pause began, how long it was)."""
        pairs = pairwise(self.arrivals)
        return [(before, after - before) for before, after in pairs if after - before > longer_than]

    async def heard(
        self, hz: float | None = None, *, above: float = -35.0, within: float = 5.0, window: float = 0.2
    ) -> None:
        """Wait until the last `window` seconds, at least `above` dBFS, hold the tone of `hz` (None: any sound).

        Only sound that arrives from now on counts. Raises TimeoutError saying what was heard instead.
        """
        packets = round(window / PERIOD)
        from_now = len(self._heard) + packets

        def level() -> float:
            recent = self.samples(window)
            return level_dbfs(recent) if hz is None else tone_level(recent, hz)

        try:
            await self._until(lambda: len(self._heard) >= from_now and level() >= above, within)
        except TimeoutError:
            wanted = "any sound" if hz is None else f"{hz:g} Hz"
            raise TimeoutError(
                f"{wanted} above {above:g} dBFS was not heard within {within:g} s: {len(self._heard)} packets came, "
                f"in the last {window:g} s all sound is {level_dbfs(self.samples(window)):.0f} dBFS, "
                f"the wanted {level():.0f} dBFS"
            ) from None

    async def received(self, digits: str, *, within: float = 5.0) -> None:
        """Wait until `digits` have come as RFC 4733 events. Raises TimeoutError saying which came."""
        try:
            await self._until(lambda: self.digits.endswith(digits), within)
        except TimeoutError:
            raise TimeoutError(f"the digits {digits} did not come within {within:g} s, only {self.digits!r}") from None

    async def _until(self, holds: Callable[[], bool], within: float) -> None:
        met = asyncio.Event()

        def look() -> None:
            if holds():
                met.set()

        self._listeners.append(look)
        try:
            async with asyncio.timeout(within):
                await met.wait()
        finally:
            self._listeners.remove(look)
