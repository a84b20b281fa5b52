"""How fast the hotline answers, beside a plain dialplan `Answer()` + `Playback()` on the same Asterisk.

Two spans of each call, seen by a caller's phone: INVITE → 200 OK, and 200 OK → first packet of the prompt. A call
counts only if sound follows; how long a prompt is silent at its start is left out, as it would hide the rest. The two
numbers are called in turns of a second, so that what else the machine does meets both. The phone sends sound from the
answer on, as all phones do: Asterisk's Answer() waits for it, 500 ms at most.

    python bench/answer.py [--rates 1,10,30] [--seconds 20]

The last line is the 99th percentile from INVITE to the prompt at the highest rate; milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rig import HOTLINE, Answering, RunningHotline, prompt

from softphone.phone import CallEnded, Phone
from softphone.rtp import AUDIBLE_DBFS, PERIOD

THEIRS = "plain"
PLAIN = f"""
[from-trunk](+)
exten => {THEIRS},1,Answer()
 same => n,Playback({prompt("welcome")})
 same => n,Hangup()
"""
TURN = 1.0
"""Seconds of calling before it is the other side's turn."""
PATIENCE = 5.0
"""Seconds after which a call without answer or sound has failed."""


@dataclass(slots=True)
class Spans:
    """What one side's calls measured, in milliseconds; a call that failed is in neither list."""

    answer: list[float] = field(default_factory=list)
    sound: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, of: str, share: float) -> float:
        """Percentile `share` of `answer`, `sound` or `both`; not a number if every call failed."""
        values = (
            [sum(pair) for pair in zip(self.answer, self.sound, strict=True)] if of == "both" else getattr(self, of)
        )
        return float(np.percentile(values, share)) if values else float("nan")


@dataclass(frozen=True, slots=True)
class Row:
    """Both sides at one rate (calls a second)."""

    rate: float
    ours: Spans
    theirs: Spans


async def call_once(phone: Phone, number: str, into: Spans) -> None:
    """Dial, wait for the answer and for sound, hang up."""
    call = await phone.dial(number)
    try:
        await call.answered(PATIENCE)
        await call.rtp.heard(above=AUDIBLE_DBFS, within=PATIENCE, window=PERIOD)
        assert call.ok_at is not None
        into.answer.append(1000 * (call.ok_at - call.invite_at))
        into.sound.append(1000 * (call.rtp.arrivals[0] - call.ok_at))
    except (TimeoutError, CallEnded) as error:
        into.failures.append(str(error))
    finally:
        await call.hangup()


async def block(phone: Phone, number: str, rate: float, calls: int, into: Spans) -> None:
    """`calls` calls, one each 1 / `rate` seconds whatever becomes of those before."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with asyncio.TaskGroup() as group:
        for index in range(calls):
            await asyncio.sleep(max(0.0, start + index / rate - loop.time()))
            group.create_task(call_once(phone, number, into))


async def compare(
    server: tuple[str, int],
    ours: str,
    theirs: str,
    *,
    rates: Sequence[float],
    seconds: float,
    caller: str = "13800001111",
) -> list[Row]:
    """Call both numbers at each rate, `seconds` each, in turns; the first turn of each only warms up."""
    rows = []
    async with Phone(caller, *server) as phone:
        for rate in rates:
            row = Row(rate, Spans(), Spans())
            gc.collect()
            for turn in range(-1, round(seconds / TURN)):
                for number, spans in ((ours, row.ours), (theirs, row.theirs)):
                    calls = max(1, round(rate * TURN))
                    await block(phone, number, rate, calls, Spans() if turn < 0 else spans)
            rows.append(row)
    return rows


def report(rows: Sequence[Row]) -> int:
    """Print the table and the line; returns the exit code: 1 if more than one call in a hundred failed."""
    print("milliseconds                            ours              theirs            ratio")
    print("calls/s  span              calls     p50      p99      p50      p99     p50    p99")
    names = {"answer": "INVITE → 200 OK", "sound": "200 OK → prompt", "both": "INVITE → prompt"}
    for row in rows:
        for of, name in names.items():
            mine, other = ([side.percentile(of, share) for share in (50, 99)] for side in (row.ours, row.theirs))
            spans = " ".join(f"{value:8.1f}" for value in (*mine, *other))
            ratios = " ".join(f"{one / two:6.2f}" for one, two in zip(mine, other, strict=True))
            print(f"{row.rate:7g}  {name:<16} {len(row.ours.answer):6} {spans}  {ratios}")
    failures = [text for row in rows for side in (row.ours, row.theirs) for text in side.failures]
    made = sum(len(side.answer) for row in rows for side in (row.ours, row.theirs)) + len(failures)
    if failures:
        print(f"{len(failures)} of {made} calls failed, first: {failures[0]}")
    last = max(rows, key=lambda row: row.rate)
    ours, theirs = (side.percentile("both", 99) for side in (last.ours, last.theirs))
    print(f"answer: ours={ours:.1f}ms theirs={theirs:.1f}ms ratio={ours / theirs:.2f}")
    return 1 if len(failures) > made / 100 else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rates", default="1,10,30", help="calls a second, by commas")
    parser.add_argument("--seconds", type=float, default=20.0, help="of calling for each side at each rate")
    given = parser.parse_args()
    rates = [float(rate) for rate in given.rates.split(",")]
    with RunningHotline(Answering()) as running:
        running.add_plain_side(PLAIN)
        return report(asyncio.run(compare(running.sip, HOTLINE, THEIRS, rates=rates, seconds=given.seconds)))


if __name__ == "__main__":
    sys.exit(main())
