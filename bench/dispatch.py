"""How long a free agent waits for the next call, beside app_queue on the same Asterisk.

Measured on the wire, at the agent's phone: from the goodbye that the agent sends to the INVITE of the next caller, with
callers waiting all the time. Callers are at hand in a queue; agents answer at once, hear the caller (so the two are
really joined), talk for a moment, and hang up. Ours and app_queue have their turns one after the other, with as many
agents and callers. app_queue at its quickest: `retry=1`, `autofill=yes`, no wrap-up; ours without wrap-up, and with
everything else that the hotline does: position announcements, whisper, work number, recording.

    python bench/dispatch.py [--turns 3] [--agents 6] [--callers 24]

The last line is the 95th percentile in milliseconds; the ratio is how many times faster ours is.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from rig import ADMIT_ALL, HOTLINE, Answering, RunningHotline

from softphone.audio import Tone
from softphone.phone import Answer, Call, CallEnded, Phone

DEFINITIONS = f"""
skills = ["inquiry"]
[queues.inquiry]
skill = "inquiry"
wrap_up = {{ mode = "none" }}
[phones]
misses_within = 0
{ADMIT_ALL}"""
FLOW = """
title = "Straight into the queue"
start = "wait"
[nodes.wait]
kind = "enqueue"
queue = "inquiry"
served = "bye"
otherwise = "bye"
[nodes.bye]
kind = "hangup"
"""
THEIRS = "queue"
PLAIN = f"""
[from-trunk](+)
exten => {THEIRS},1,Answer()
 same => n,Queue(bench)
 same => n,Hangup()
"""
TALK = (0.2, 1.0)
"""Seconds between being joined and hanging up: at random, so that no turn keeps step with a poll."""
PATIENCE = 45.0
"""Seconds after which a turn is over, even if callers still wait."""
HERTZ = 1000.0


@dataclass(slots=True)
class Side:
    """One way to distribute calls: the number that callers dial, and the agents who answer."""

    number: str
    agents: list[Phone]
    gaps: list[float] = field(default_factory=list)
    """Milliseconds from an agent's goodbye to the same agent's next INVITE."""
    lost: int = 0
    """Callers that no agent took in time."""


async def work(agent: Phone, side: Side, rng: random.Random) -> None:
    """One agent's turn, until cancelled: take a call, talk, hang up, and note how long the next one takes."""
    left_at: float | None = None
    agent.on_invite = Answer()
    while True:
        call = await agent.incoming(PATIENCE)
        if left_at is not None:
            side.gaps.append(1000 * (call.invite_at - left_at))
        left_at = None
        try:
            await call.heard(HERTZ, within=15.0)
            await asyncio.sleep(rng.uniform(*TALK))
        except (CallEnded, TimeoutError):
            continue
        goodbye = asyncio.ensure_future(call.hangup())
        await asyncio.sleep(0)
        left_at = call.ended_at
        await goodbye


async def take_turn(
    caller: Phone, side: Side, running: RunningHotline, callers: int, who: Iterator[int], *, ours: bool
) -> None:
    """Fill the queue, let the agents in, and wait until every caller was served.

    No INVITE follows the last calls, so they are not measured.
    """
    rng = random.Random(callers)
    calls: list[Call] = []
    for _ in range(callers):
        # A number of their own each: a known caller would wait for the agent who spoke with them last.
        calls.append(await caller.dial(side.number, caller_id=f"138{next(who):08}", source=Tone(HERTZ)))
    await asyncio.gather(*(call.answered() for call in calls))
    await asyncio.sleep(0.5)
    async with AsyncExitStack() as stack:
        workers = [asyncio.ensure_future(work(agent, side, rng)) for agent in side.agents]

        async def stop() -> None:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

        stack.push_async_callback(stop)
        await admit(side, running, ours=ours, come=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(call.ended(PATIENCE) for call in calls), return_exceptions=True)
    side.lost += sum(call.ended_at is None for call in calls)
    await asyncio.gather(*(call.hangup() for call in calls))
    await admit(side, running, ours=ours, come=False)


async def admit(side: Side, running: RunningHotline, *, ours: bool, come: bool) -> None:
    """Agents come, or go: ours sign in and out, members of app_queue end or begin their pause."""
    names = [agent.user for agent in side.agents]
    if ours:
        await running.set_status(names, "available" if come else "signed_out")
    else:
        for name in names:
            command = f"queue {'unpause' if come else 'pause'} member PJSIP/{name}"
            await asyncio.to_thread(running.asterisk, command)


async def compare(
    running: RunningHotline, ours: list[str], theirs: list[str], *, turns: int, callers: int
) -> tuple[Side, Side]:
    """Turns of one side and the other; both sides' agents have phones all the time."""
    async with AsyncExitStack() as stack:
        phones = {name: await stack.enter_async_context(Phone(name, *running.sip)) for name in (*ours, *theirs)}
        caller = await stack.enter_async_context(Phone("13800000000", *running.sip))
        await running.add_agents({name: phone.contact for name, phone in phones.items()}, {"inquiry": 5})
        await running.load_queues()
        sides = Side(HOTLINE, [phones[name] for name in ours]), Side(THEIRS, [phones[name] for name in theirs])
        await admit(sides[1], running, ours=False, come=False)
        who = count(1)
        for _ in range(turns):
            for side in sides:
                await take_turn(caller, side, running, callers, who, ours=side is sides[0])
        return sides


def report(ours: Side, theirs: Side) -> int:
    """Print the table and the line; returns the exit code: 1 if a caller was not served."""
    print("milliseconds from goodbye to INVITE     n     p50     p95     p99     max")
    for name, side in (("ours", ours), ("app_queue", theirs)):
        spans = " ".join(f"{percentile(side, share):7.1f}" for share in (50, 95, 99, 100))
        print(f"{name:<36} {len(side.gaps):4} {spans}")
        if side.lost:
            print(f"{side.lost} callers of {name} were not served")
    one, two = percentile(ours, 95), percentile(theirs, 95)
    print(f"dispatch: ours={one:.1f}ms theirs={two:.1f}ms ratio={two / one:.1f}")
    return 1 if ours.lost or theirs.lost or not ours.gaps or not theirs.gaps else 0


def percentile(side: Side, share: float) -> float:
    return float(np.percentile(side.gaps, share)) if side.gaps else float("nan")


def queues_conf(members: list[str]) -> str:
    """app_queue without any option that could slow it."""
    head = "[general]\nautofill = yes\npersistentmembers = no\n\n[bench]\nstrategy = rrmemory\nautofill = yes\n"
    rules = "retry = 1\ntimeout = 20\nwrapuptime = 0\nringinuse = no\nannounce-position = no\n"
    return head + rules + "".join(f"member => PJSIP/{name}\n" for name in members)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=3, help="for each side")
    parser.add_argument("--agents", type=int, default=6, help="on each side")
    parser.add_argument("--callers", type=int, default=24, help="in each turn")
    given = parser.parse_args()
    ours = [str(1001 + index) for index in range(given.agents)]
    theirs = [str(2001 + index) for index in range(given.agents)]
    with RunningHotline(Answering(DEFINITIONS, FLOW)) as running:
        running.add_plain_side(PLAIN, queues_conf(theirs))
        return report(*asyncio.run(compare(running, ours, theirs, turns=given.turns, callers=given.callers)))


if __name__ == "__main__":
    sys.exit(main())
