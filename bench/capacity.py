"""How many whole calls a second the machine holds, beside native `Queue()` on the same Asterisk.

A whole call: answered, prompts, two digits, the queue, an agent at a SIP phone, sound both ways, both directions
recorded, a goodbye; the survey is off. Ours does besides what a hotline does: decisions in the log, a ticket, records.
Theirs is the same call as a dialplan: `Read()`, `Queue()` with MixMonitor on the agent's leg, as long a sentence before
the two are joined. Callers and agents are sipp, on the same machine.

The rate rises by steps until one is not held: a call fails (is refused, cut short, or gets no end) or the 99th
percentile from INVITE to 200 OK exceeds a second; then steps in between, to a tenth. Each side has its steps in turn. A
side that broke down is given time to be empty again.

    python bench/capacity.py [--rates 20,28,…] [--seconds 6] [--budget 160]

The last line is the highest rate held, in calls a second.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from load import Load, Tried
from rig import ADMIT_ALL, HOTLINE, Answering, RunningHotline, prompt, standard_flow

from server.hotline.definitions import PROMPTS
from server.telephony.asterisk.joined import joined
from server.telephony.channels.dial import work_number

DEFINITIONS = f"""
skills = ["complaint", "process"]
[queues.complaint]
skill = "complaint"
wrap_up = {{ mode = "none" }}
[phones]
misses_within = 0
{ADMIT_ALL}"""
THEIRS = "native"
PLAIN = """
[from-trunk](+)
exten => {number},1,Answer()
 same => n,Read(FIRST,{menu},1)
 same => n,Read(SECOND,{complaint},1)
 same => n,Queue(bench,c)
 same => n,Playback({goodbye})
 same => n,Hangup()

[bench-record]
exten => s,1,MixMonitor(,br({folder}/${{UNIQUEID}}-agent.wav)t({folder}/${{UNIQUEID}}-caller.wav))
 same => n,Return()
"""
QUEUES = """
[general]
autofill = yes
persistentmembers = no

[bench]
strategy = leastrecent
autofill = yes
ringinuse = no
retry = 1
timeout = 20
wrapuptime = 0
announce = {announcement}
membergosub = bench-record
"""
RATES = (20, 28, 38, 50, 64)
AGENT_SECONDS = 4.4
"""An agent's time for one call, with a reserve for ringing."""
CALL_SECONDS = 8.0
"""A call from INVITE to goodbye, without delays."""
ANSWER_LIMIT = 1.0


@dataclass(slots=True)
class Side:
    """One way to serve calls, and the results of its steps."""

    name: str
    number: str
    held: float = 0.0
    """Highest rate that was held."""
    broke: float | None = None
    """Lowest rate that was not."""
    cpu: dict[str, float] = field(default_factory=dict)
    """Processor milliseconds a call at the highest rate that was held."""

    def next_rate(self, rates: Sequence[float]) -> float | None:
        """The next rate up; once one broke, the middle below it; None when the limit is known well enough."""
        if self.broke is None:
            return next((rate for rate in rates if rate > self.held), None)
        return round((self.held + self.broke) / 2) if self.broke - self.held > max(2.0, self.broke / 10) else None


def letters(count: int) -> list[str]:
    """Agents' ids without digits, so that their work number is said in no time: `aa`, `ab`, …"""
    return [f"a{chr(97 + index // 26)}{chr(97 + index % 26)}" for index in range(count)]


async def step(side: Side, rate: float, seconds: float, running: RunningHotline, load: Load) -> Tried:
    """Place `rate` calls a second for `seconds`; afterwards the hotline is empty again."""
    before, started = running.cpu() | load.cpu(), time.monotonic()
    tried = await load.call(side.number, rate, round(rate * seconds), within=seconds + 2 * CALL_SECONDS)
    spent = {name: value - before.get(name, 0.0) for name, value in (running.cpu() | load.cpu()).items()}
    spent["sipp"] += tried.cpu
    held = not tried.failed and tried.answer(99) <= ANSWER_LIMIT
    costs = {name: 1000 * value / tried.calls for name, value in spent.items()}
    print(
        f"{side.name:<8} {rate:5g}/s {tried.calls:5} calls {tried.failed:4} failed"
        f"   answered in p50 {tried.answer(50):6.3f} s, p99 {tried.answer(99):6.3f} s"
        f"   {'held' if held else 'NOT held'}   (took {time.monotonic() - started:.0f} s)",
        flush=True,
    )
    if held:
        side.held, side.cpu = rate, costs
    else:
        if tried.first_failure:
            print(f"         first failure: {tried.first_failure}")
        side.broke = rate
    if not await running.quiet(3.0 if held else 15.0):
        await asyncio.to_thread(running.asterisk, "channel request hangup all")
        await running.quiet(10.0)
    return tried


async def compare(running: RunningHotline, rates: Sequence[float], seconds: float, budget: float) -> tuple[Side, Side]:
    """Steps of both sides in turn, until both limits are known or the next step would exceed `budget` seconds."""
    ours, theirs = Side("ours", HOTLINE), Side("theirs", THEIRS)
    end = time.monotonic() + budget
    agents = letters(round(max(rates) * AGENT_SECONDS))
    async with Load(running.sip, running.home / "load") as load:
        await running.add_agents(load.contacts(agents), {"complaint": 5})
        await running.set_status(agents, "available")
        await running.load_queues()
        for side in (ours, theirs):
            await step(Side("warm-up", side.number), min(rates), 1.0, running, load)
        going = [ours, theirs]
        while going:
            side = going.pop(0)
            rate = side.next_rate(rates)
            if rate is None:
                continue
            if time.monotonic() + seconds + CALL_SECONDS > end:
                print(f"no time for {side.name} at {rate:g}/s: --budget is {budget:g} s")
                break
            await step(side, rate, seconds, running, load)
            going.append(side)
    return ours, theirs


def report(ours: Side, theirs: Side) -> int:
    """Print where the processor's time went and the line; returns the exit code."""
    print("\nprocessor ms a call, at the highest rate held")
    for side in (ours, theirs):
        parts = "  ".join(f"{name} {cost:.1f}" for name, cost in side.cpu.items())
        print(f"{side.name:<8} {side.held:5g}/s   {parts}  in all {sum(side.cpu.values()):.1f}")
    for side in (ours, theirs):
        if side.broke is None:
            print(f"{side.name} held every rate that was tried: its limit is higher")
        elif not side.held:
            print(f"{side.name} held none of the rates that were tried: begin lower with --rates")
    ratio = f"{ours.held / theirs.held:.2f}" if theirs.held else "unknown"
    print(f"capacity: ours={ours.held:g}/s theirs={theirs.held:g}/s ratio={ratio}")
    return 0 if ours.held and theirs.held else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="calls a second, rising, by commas")
    parser.add_argument("--seconds", type=float, default=6.0, help="of calling in each step")
    parser.add_argument("--budget", type=float, default=160.0, help="seconds for everything")
    given = parser.parse_args()
    rates = sorted(float(rate) for rate in given.rates.split(","))
    with RunningHotline(Answering(DEFINITIONS, standard_flow()), rtp_ports=6000) as running:
        running.add_plain_side(*plain_side(running.home / "plain", letters(round(max(rates) * AGENT_SECONDS))))
        return report(*asyncio.run(compare(running, rates, given.seconds, given.budget)))


def plain_side(folder: Path, agents: Sequence[str]) -> tuple[str, str]:
    """The same call as a dialplan, and its queue; recordings go into `folder`."""
    folder.mkdir()
    menu = "&".join(prompt(name) for name in ("welcome", "notice-recording", "language", "menu-main"))
    # Our caller hears the work number before agent and caller are joined: here the agent hears a sound of that length.
    announcement = joined(PROMPTS / "zh", work_number(agents[0], "zh"), folder)
    dialplan = PLAIN.format(
        number=THEIRS, menu=menu, complaint=prompt("menu-complaint"), goodbye=prompt("goodbye"), folder=folder
    )
    members = "".join(f"member => PJSIP/{agent}\n" for agent in agents)
    return dialplan, QUEUES.format(announcement=announcement) + members


if __name__ == "__main__":
    sys.exit(main())
