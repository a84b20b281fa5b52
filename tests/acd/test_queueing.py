"""The floor against queueing theory: with exponential times and one skill it is an M/M/c queue, so Erlang C holds."""

from __future__ import annotations

import heapq
import math
import random
from itertools import count

import pytest

from acd import events as ev
from acd.commands import Offer
from acd.definitions import Policy, Requirement, Skill
from acd.floor import Floor

RULES = {
    "skills": ["complaint"],
    "queues": {"complaint": {"skill": "complaint", "wrap_up": {"mode": "none"}, "announce_every": 0, "max_wait": 1e8}},
}


def waits(agents: int, load: float, calls: int, seed: int) -> list[float]:
    """Waits of the calls of one long day: Poisson arrivals, exponential handling of 100 s, nobody gives up."""
    rng, floor, numbers = random.Random(seed), Floor(), count()
    asked = Requirement((Skill("complaint"),))
    floor.receive(ev.PolicySet(Policy.from_dict(RULES)), 0.0)
    for n in range(agents):
        floor.receive(ev.AgentDefined(f"{n}", "", asked.required), 0.0)
        floor.receive(ev.StatusSet(f"{n}", ev.Status.AVAILABLE), 0.0)
    arrived, waited = {}, []
    todo: list[tuple[float, int, object]] = [(0.0, next(numbers), None)]
    while len(waited) < calls:
        now, _, event = heapq.heappop(todo)
        if event is None:
            call = len(arrived) + 1
            arrived[call] = now
            event = ev.CallQueued(call, "complaint", asked, now)
            heapq.heappush(todo, (now + rng.expovariate(load / 100), next(numbers), None))
        for each in floor.receive(event, now):
            if isinstance(each, Offer):
                assert floor.receive(ev.OfferAnswered(each.offer), now) is not None
                waited.append(now - arrived[each.call])
                end = ev.ConversationEnded(each.call, each.agent, "agent")
                heapq.heappush(todo, (now + rng.expovariate(1 / 100), next(numbers), end))
    return waited


def erlang_c(agents: int, load: float) -> float:
    """The mean wait in an M/M/c queue with handling of 100 s."""
    blocked = 1.0
    for n in range(1, agents + 1):
        blocked = load * blocked / (n + load * blocked)
    waiting = blocked / (1 - load / agents * (1 - blocked))
    return waiting * 100 / (agents - load)


@pytest.mark.parametrize(("agents", "load"), [(3, 1.5), (5, 4.0), (10, 8.5)])
def test_the_mean_wait_is_erlangs(agents, load):
    days = [waits(agents, load, 2500, seed)[300:] for seed in range(6)]
    means = [sum(day) / len(day) for day in days]
    mean = sum(means) / len(means)
    spread = math.sqrt(sum((each - mean) ** 2 for each in means) / (len(means) - 1) / len(means))
    assert abs(mean - erlang_c(agents, load)) < 4 * spread
