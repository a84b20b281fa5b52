"""How far a sound stands from its time in a recording, beside a plain MixMonitor on the same call.

Caller and agent send a short tone each second, the caller's and the agent's at the same time, each second at another
pitch, over lines as they are: packets lost or late, of 40 and 60 ms, clocks that differ, packets left out while nobody
speaks. Both recorders record the same conversation; the place of each tone is compared with the time at which it was
sent, from the first one on.

    python bench/recording.py [--seconds 25] [--line "20 % lost"]

The last line is the worst place of all, in seconds. A tone that this machine sent late says nothing of the recorder and
is left out; how many were is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from rig import HOTLINE, Answering, RigError, RunningHotline, standard_flow

from softphone.audio import RATE
from softphone.call import Call
from softphone.phone import Phone
from softphone.rtp import Endpoint

AGENT = "1001"
TONE, GUARD = 0.1, 0.15
"""Seconds of a tone, and of packets around it where the others are left out."""
PITCHES, LOWEST, APART = 40, 500.0, 40.0
SETTLE = 20.0
FIRST = 3
"""Tones whose places are the beginning."""
PUNCTUAL = 0.02
"""Seconds by which a packet of a tone may be sent late."""
LAST = 15
"""Tones whose places are the end."""
NEAR = PITCHES / 2
"""Seconds around its time in which a tone is looked for: after that the pitches come again."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a line does to packets: `loss` is a share, `drift` in millionths, `jitter` and `ptime` in seconds."""

    loss: float = 0.0
    drift: float = 0.0
    jitter: float = 0.0
    ptime: float = 0.02
    leaves_out: bool = False


LINES: dict[str, tuple[Line, Line]] = {
    "as it should be": (Line(), Line()),
    "5 % lost": (Line(loss=0.05), Line(loss=0.05)),
    "20 % lost": (Line(loss=0.2), Line(loss=0.2)),
    "late by up to 60 ms": (Line(jitter=0.06), Line(jitter=0.06)),
    "40 and 60 ms": (Line(ptime=0.04), Line(ptime=0.06)),
    "clocks 600 ppm apart": (Line(drift=300), Line(drift=-300)),
    "silence left out": (Line(leaves_out=True), Line(leaves_out=True)),
}


@dataclass(slots=True)
class Sender:
    """Sends the tones of one side, and notes when each was sent (the loop's clock)."""

    rtp: Endpoint
    line: Line
    chance: random.Random
    sent: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """By how much the latest packet of each tone was."""

    async def run(self, seconds: int) -> None:
        loop, rtp = asyncio.get_running_loop(), self.rtp
        rtp.play(None)
        began, size = loop.time(), round(RATE * self.line.ptime)
        for number in range(int(seconds / self.line.ptime)):
            due = began + number * self.line.ptime * (1 + self.line.drift / 1e6)
            await asyncio.sleep(max(0.0, due - loop.time()))
            at = np.arange(number * size, (number + 1) * size) / RATE
            since = at[0] % 1
            if since < self.line.ptime - 1e-9:
                self.sent.append(due)
                self.late.append(0.0)
            if since < TONE:
                self.late[-1] = max(self.late[-1], loop.time() - due)
            if self.line.leaves_out and TONE + GUARD < since < 1 - GUARD:
                continue
            if self.chance.random() < self.line.loss:
                continue
            pitch = np.array([hertz(int(second)) for second in at])
            sound = np.where(at % 1 < TONE, 9000 * np.sin(2 * np.pi * pitch * (at % 1)), 0).astype(np.int16)
            later = self.chance.uniform(0, self.line.jitter) if self.line.jitter else 0.0
            loop.call_later(later, rtp.send_packet, number, number * size, sound)


def hertz(second: int) -> float:
    """The pitch of the tone of this second."""
    return LOWEST + APART * (second % PITCHES)


def places(track: NDArray[np.int16], tones: int) -> list[float]:
    """Where each tone is loudest, in seconds. The first one is in the first half minute or so of the track."""
    size, near, found = round(RATE * TONE), round(RATE * NEAR), list[float]()
    for second in range(tones):
        due = round(RATE * (found[0] + second)) if found else near
        start = max(0, min(due - near, len(track) - 2 * near))
        part = track[start : due + near]
        at = np.arange(len(part)) / RATE
        turned = np.cumsum(np.concatenate(([0], part * np.exp(-2j * np.pi * hertz(second) * at))))
        found.append((start + float(np.argmax(np.abs(turned[size:] - turned[:-size])))) / RATE)
    return found


def worst(tracks: list[NDArray[np.int16]], senders: list[Sender]) -> tuple[float, float]:
    """How far the farthest tone stands from its time, on either side; and how far the sides are apart in the end."""
    errors, ends = [], []
    for track, sender in zip(tracks, senders, strict=True):
        # A tone of which much was lost has no clear place: the last ones tell as much.
        off = (np.array(places(track, len(sender.sent))) - np.array(sender.sent))[punctual(sender)]
        off -= np.median(off[:FIRST])
        errors.append(float(np.percentile(np.abs(off), 95)))
        ends.append(float(np.median(off[-LAST:])))
    return max(errors), abs(ends[0] - ends[1])


def punctual(sender: Sender) -> NDArray[np.bool_]:
    """Which tones were sent in time. Raises RigError when hardly any was."""
    found = np.array(sender.late) < PUNCTUAL
    if found.sum() < len(found) / 4:
        raise RigError(f"this machine is too busy: {found.sum()} of {len(found)} tones were sent in time")
    return found


async def measure(running: RunningHotline, agent: Phone, name: str, seconds: int) -> tuple[float, float]:
    """(ours, theirs) over one conversation on these lines."""
    folder = running.home / "plain"
    async with Phone("13800138000", *running.sip) as caller:
        call = await caller.dial(HOTLINE)
        await call.answered()
        await asyncio.sleep(0.5)
        await call.press("2")
        leg = await agent.incoming(SETTLE)
        await leg.answer()
        await _together(running)
        channel = next(
            word
            for line in (await asyncio.to_thread(running.asterisk, "core show channels concise")).splitlines()
            if (word := line.split("!")[0]).startswith("PJSIP/") and AGENT not in word
        )
        files = [folder / f"{side}.wav" for side in ("caller", "agent")]
        options = f",br({files[0]})t({files[1]})"
        await asyncio.to_thread(running.asterisk, f'mixmonitor start {channel} "{options}"')
        chance = random.Random(name)
        senders = [Sender(each.rtp, line, chance) for each, line in zip((call, leg), LINES[name], strict=True)]
        await asyncio.gather(*(each.run(seconds) for each in senders))
        await _over(leg, call)
    if not await running.quiet(SETTLE):
        raise RigError("the call did not end")
    theirs, _ = worst([soundfile.read(file, dtype="int16")[0] for file in files], senders)
    recording = await _newest(running.home / "recordings")
    sound, _ = soundfile.read(recording, dtype="int16")
    recording.unlink()
    late = sum(int((~punctual(sender)).sum()) for sender in senders)
    ours, apart = worst([sound[:, 0], sound[:, 1]], senders)
    print(f"{name:22} {late} of {sum(len(sender.sent) for sender in senders)} tones sent late; ", end="")
    print(f"ours {ours:6.3f} s, the sides {apart:6.3f} s apart in the end; theirs {theirs:6.3f} s", flush=True)
    return ours, theirs


async def _together(running: RunningHotline) -> None:
    for _ in range(200):
        if "2 active channels" in await asyncio.to_thread(running.asterisk, "core show channels count"):
            bridges = await asyncio.to_thread(running.asterisk, "bridge show all")
            if len(bridges.strip().splitlines()) > 1:
                return
        await asyncio.sleep(0.1)
    raise RigError("caller and agent were not joined")


async def _over(*calls: Call) -> None:
    for call in calls:
        await call.hangup()


async def _newest(folder: Path) -> Path:
    for _ in range(200):
        if found := await asyncio.to_thread(lambda: sorted(folder.rglob("[0-9]*.wav"))):
            return found[-1]
        await asyncio.sleep(0.1)
    raise RigError("nothing was recorded")


async def compare(seconds: int, lines: Sequence[str]) -> tuple[float, float]:
    ours = theirs = 0.0
    with RunningHotline(Answering(flow=standard_flow())) as running:
        (running.home / "plain").mkdir()
        async with Phone(AGENT, *running.sip) as agent:
            await running.add_agents({AGENT: agent.contact}, {"inquiry": 5})
            for name in lines:
                await running.set_status([AGENT], "available")
                mine, plain = await measure(running, agent, name, seconds)
                ours, theirs = max(ours, mine), max(theirs, plain)
    return ours, theirs


def main() -> None:
    """Measure, and print the line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=25, help="of each conversation")
    parser.add_argument("--line", choices=LINES, action="append", help="this line alone; may be given more than once")
    given = parser.parse_args()
    ours, theirs = asyncio.run(compare(given.seconds, given.line or list(LINES)))
    print(f"recording: ours={ours:.3f} theirs={theirs:.3f} ratio={ours / theirs:.3f}")


if __name__ == "__main__":
    sys.exit(main())
