"""Law: a spoken message ends by the clock, also when no packets come, and one without sound is none.

Asterisk counts silence in the frames that it hears. With a caller whose phone sends nothing while nobody speaks it
would wait to the limit of the message, so the packets are counted here meanwhile.
"""

from __future__ import annotations

import asyncio
import time
import wave
from pathlib import Path

import numpy as np
import structlog

from recordings.stereo import FULL_SCALE
from server.tasks import end
from server.telephony.agi.call import AgiCall, Recorded
from server.telephony.ami.link import Ami, AmiError

_log = structlog.get_logger("message")

_EVERY = 0.5
_SPEAKS = 8.0
"""Packets a second from which on a caller sends sound: comfort noise comes more rarely, and 60 ms are 16 a second."""
_BLOCK = 0.02
_LOUD = 10 ** (-45 / 20)
"""The RMS of a block of sound, as a share of full scale."""


async def record(agi: AgiCall, ami: Ami, path: Path, longest: float, silence: float) -> Recorded:
    """Record the caller into `path` with the ending `.wav`, until `#`, `silence` seconds of it, or `longest`.

    Raises as `AgiCall.record_file` does.
    """
    listening = asyncio.ensure_future(_end_in_silence(ami, agi.channel, silence))
    try:
        return await agi.record_file(str(path), limit_ms=int(longest * 1000), silence=max(1, round(silence)), beep=True)
    finally:
        await end(listening)


async def _end_in_silence(ami: Ami, channel: str, silence: float) -> None:
    """Press the key that ends the message when no sound has come for so long."""
    before, spoke_at, counted_at = 0, time.monotonic(), time.monotonic()
    while time.monotonic() - spoke_at < silence:
        await asyncio.sleep(min(_EVERY, silence / 4))
        try:
            reply = await ami.action("Getvar", Channel=channel, Variable="CHANNEL(rtcp,rxcount)")
            count = int(reply.get("Value", ""))
        except (AmiError, ValueError):
            return
        now = time.monotonic()
        if count - before >= _SPEAKS * (now - counted_at):
            spoke_at = now
        before, counted_at = count, now
    try:
        await ami.action("PlayDTMF", Channel=channel, Digit="#", Receive="true")
    except AmiError as error:
        _log.info("a message without packets could not be ended", channel=channel, why=str(error))


def heard(path: Path) -> float:
    """Seconds from the first to the last sound in a message; 0 when there is none, or no such file."""
    try:
        with wave.open(str(path)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32)
    except (OSError, EOFError, wave.Error):
        return 0.0
    size = max(1, round(rate * _BLOCK))
    blocks = samples[: len(samples) // size * size].reshape(-1, size) / FULL_SCALE
    loud = np.flatnonzero(np.sqrt(np.mean(np.square(blocks), axis=1)) >= _LOUD)
    return float(loud[-1] - loud[0] + 1) * _BLOCK if len(loud) else 0.0
