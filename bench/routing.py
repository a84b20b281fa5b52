"""The cost of one event on the floor, and whether it depends on the size of the floor.

Plays a busy floor in virtual time: 50 skills, 100 requirements, as many waiting calls as agents, every agent on the
phone. Calls come, phones ring, are answered or not, conversations end, callers give up. Each event is timed on its own,
in processor time: other programs on the machine do not count.

    python bench/routing.py [--agents 100 1000 10000] [--events 20000]
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
import tracemalloc
from collections import deque
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from acd import events as ev
from acd.commands import Command, Offer
from acd.floor.engine import Floor
from acd.policy.definitions import Overflow, Policy, Queue, Relaxation, Requirement, Skill, Strategy, WrapUp, WrapUpMode

SKILLS = [f"skill{n:02}" for n in range(50)]
QUEUES = 10


def policy() -> Policy:
    """Ten queues of all four strategies, two priorities, ageing at two speeds, with relaxation and overflow."""
    return Policy(
        skills=tuple(SKILLS),
        queues=tuple(
            Queue(
                name=f"queue{n}",
                skill=SKILLS[n],
                priority=10 * (n % 2),
                ageing=0.1 + 0.1 * (n % 2),
                strategy=tuple(Strategy)[n % 4],
                wrap_up=WrapUp(WrapUpMode.NONE if n % 3 else WrapUpMode.TIMED, 10.0),
                relax=(Relaxation(3600.0, Requirement()),) if n == 0 else (),
                overflow=(Overflow("callback", after=1200.0),),
                announce_every=0.0,
                max_wait=86400.0,
            )
            for n in range(QUEUES)
        ),
    )


def shapes(rng: random.Random) -> list[Requirement]:
    """A hundred requirements: one or two required skills at some level, sometimes one preferred."""
    found = []
    for n in range(100):
        names = rng.sample(SKILLS, 3)
        required = [Skill(SKILLS[n % 50], rng.randint(1, 3))]
        if n % 4 == 0:
            required.append(Skill(names[0], 1))
        preferred = (Skill(names[1], 1),) if n % 3 == 0 else ()
        found.append(Requirement(tuple({skill.name: skill for skill in required}.values()), preferred))
    return found


class Day:
    """A floor at work. Random choices are made outside of the timed part."""

    def __init__(self, agents: int, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        self.floor = Floor()
        self.now = 1_760_000_000.0
        self.shapes = shapes(self.rng)
        self.calls = 0
        self.todo: deque[object] = deque()
        self.talking: list[tuple[int, str]] = []
        self.offers: dict[int, Offer] = {}
        self.costs: dict[str, list[float]] = {}
        self.agents = agents
        self.play(ev.PolicySet(policy()))
        for n in range(agents):
            skills = self.rng.sample(SKILLS, self.rng.randint(3, 6))
            self.play(
                ev.AgentDefined(f"{n:05}", f"{n}", tuple(Skill(name, self.rng.randint(1, 10)) for name in skills))
            )
            self.play(ev.StatusSet(f"{n:05}", ev.Status.AVAILABLE))

    def play(self, event: object, name: str = "") -> list[Command]:
        began = time.thread_time_ns()
        commands = self.floor.receive(event, self.now)
        cost = (time.thread_time_ns() - began) / 1000
        if name:
            self.costs.setdefault(name, []).append(cost)
        for each in commands:
            if isinstance(each, Offer):
                self.offers[each.offer] = each
                self.todo.append(ev.OfferRinging(each.offer))
                missed = self.rng.random() < 0.03
                self.todo.append(
                    ev.OfferFailed(each.offer, ev.Outcome.DECLINED) if missed else ev.OfferAnswered(each.offer)
                )
        return commands

    def call(self, name: str = "") -> None:
        self.calls += 1
        n = self.calls
        shape = self.rng.randrange(len(self.shapes))
        queue = f"queue{shape % QUEUES}"
        event = ev.CallQueued(n, queue, self.shapes[shape], self.now, self.rng.choice((0, 5)))
        self.play(event, name)

    def fill(self) -> None:
        """Until every agent talks and as many calls wait as there are agents."""
        while len(self.floor.state.calls) - len(self.floor.state.offers) < self.agents or self.todo:
            self.now += 0.01
            if self.todo:
                self.follow()
            else:
                self.call()

    def follow(self, timed: bool = False) -> None:
        event = self.todo.popleft()
        kind = type(event).__name__
        offer = self.offers[event.offer]  # type: ignore[attr-defined]
        self.play(event, kind if timed else "")
        if isinstance(event, ev.OfferAnswered):
            self.talking.append((offer.call, offer.agent))
        if not isinstance(event, ev.OfferRinging):
            del self.offers[offer.offer]

    def step(self) -> None:
        """One event of a steady day: a new caller replaces each one who hangs up."""
        self.now += self.rng.expovariate(self.agents / 30)
        due = self.floor.next_timer()
        if due is not None and due <= self.now:
            self.play(ev.Tick(), "Tick")
        elif self.todo:
            self.follow(timed=True)
        elif len(self.floor.state.calls) < self.agents:
            self.call("CallQueued")
        elif self.talking and self.rng.random() < 0.9:
            at = self.rng.randrange(len(self.talking))
            self.talking[at], self.talking[-1] = self.talking[-1], self.talking[at]
            call, agent = self.talking.pop()
            self.play(ev.ConversationEnded(call, agent, "agent"), "ConversationEnded")
            self.play(ev.CallEnded(call, "caller_hung_up"), "CallEnded")
        else:
            self.play(ev.CallEnded(next(iter(self.floor.state.calls)), "caller_hung_up"), "abandoned")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(agents: int, events: int) -> dict[str, float]:
    day = Day(agents)
    day.fill()
    for _ in range(min(2000, events)):
        day.step()
    day.costs.clear()
    gc.collect()
    gc.freeze()
    for _ in range(events):
        day.step()
    gc.unfreeze()
    every = [cost for costs in day.costs.values() for cost in costs]
    for name, costs in sorted(day.costs.items()):
        print(
            f"    {name:18} n={len(costs):6}  p50={percentile(costs, 0.5):7.1f}  p99={percentile(costs, 0.99):7.1f} µs"
        )
    return {
        "waiting": len(day.floor.state.calls),
        "mean": sum(every) / len(every),
        "p50": percentile(every, 0.5),
        "p99": percentile(every, 0.99),
        "max": max(every),
    }


def memory(agents: int) -> tuple[float, float]:
    """Bytes of one agent and of one waiting call."""
    tracemalloc.start()
    day = Day(agents)
    staffed = tracemalloc.get_traced_memory()[0]
    for n in range(agents):
        day.play(ev.StatusSet(f"{n:05}", ev.Status.BREAK))
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(agents):
        day.call()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return staffed / agents, (after - before) / agents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--events", type=int, default=20000)
    args = parser.parse_args()
    found: dict[int, dict[str, float]] = {}
    for agents in args.agents:
        print(f"{agents} agents:")
        found[agents] = measure(agents, args.events)
    print(f"\n{'agents':>8} {'waiting':>8} {'mean µs':>9} {'p50 µs':>9} {'p99 µs':>9} {'max µs':>9}")
    for agents, row in found.items():
        print(f"{agents:8} {row['waiting']:8} {row['mean']:9.1f} {row['p50']:9.1f} {row['p99']:9.1f} {row['max']:9.1f}")
    for_agent, for_call = memory(1000)
    print(f"\nmemory: {for_agent / 1024:.1f} KiB an agent, {for_call / 1024:.1f} KiB a waiting call")
    small, big = found[args.agents[0]], found[args.agents[-1]]
    print("aims: p50 ≤ 40 µs and p99 ≤ 400 µs on the biggest floor, cost there ≤ 2 × the smallest's")
    print(
        f"routing: ours={big['mean']:.1f} µs/event at {args.agents[-1]} agents "
        f"theirs={small['mean']:.1f} µs/event at {args.agents[0]} agents ratio={big['mean'] / small['mean']:.2f}"
    )


if __name__ == "__main__":
    main()
