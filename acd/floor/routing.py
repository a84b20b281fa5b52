"""The first call, over all queues, that a ready agent can take is offered to the best of these agents, and so on.

Between events no available call has an eligible ready agent. So an event looks only at what changed: at the ready
agents of a call that became available, and at the first calls of each profile that an agent who became ready serves.

**Rounds.** An agent who did not take a call is left out for it until every other ready agent was offered it. Then, and
`round_pause` seconds after the miss at the earliest, the next round begins. So a call with one agent is offered again.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from acd.commands import Offer
from acd.decisions import Decision
from acd.floor.agents import Agent
from acd.floor.calls import Call, StandingOffer
from acd.floor.explain import candidates
from acd.floor.queue_order import OrderedCalls, Rank
from acd.floor.state import FloorState
from acd.floor.strategies import WORDS


def settle(floor: FloorState) -> None:
    """Make every offer that can be made. Afterwards no call that can be taken has an eligible ready agent."""
    heap: list[tuple[Rank, int, str]] = []
    for id_ in floor.dirty_calls:
        call = floor.calls.get(id_)
        if call is not None and call.available_in is not None:
            heap.append((floor.queues[call.queue].rank(call, floor.now), id_, ""))
    floor.dirty_calls.clear()
    for name in floor.dirty_agents:
        if (found := _first_call_of(floor, name)) is not None:
            heap.append((found, found[2], name))
    floor.dirty_agents.clear()
    heapify(heap)
    while heap:
        _, id_, name = heappop(heap)
        call = floor.calls[id_]
        agent = best_agent(floor, call) if call.available_in is not None else None
        if agent is not None:
            offer(floor, call, agent)
        if name and (found := _first_call_of(floor, name)) is not None:
            heappush(heap, (found, found[2], name))


def _first_call_of(floor: FloorState, name: str) -> Rank | None:
    agent = floor.agents.get(name)
    return first_call(floor, agent) if agent is not None and agent.indexed else None


def first_call(floor: FloorState, agent: Agent) -> Rank | None:
    """The first call, over all queues, that this ready agent may take."""
    best: Rank | None = None
    now = floor.now
    orders = [profile.waiting for profile in agent.serves if profile.waiting]
    if own := floor.reserved.get(agent.id):
        orders.append(own)
    for by_queue in orders:
        for calls in by_queue.values():
            rank = calls.head(now)
            if rank is None or (best is not None and rank >= best):
                continue
            if agent.id in floor.calls[rank[2]].left_out:
                rank = _first_allowed(floor, agent, calls)
                if rank is None or (best is not None and rank >= best):
                    continue
            best = rank
    return best


def _first_allowed(floor: FloorState, agent: Agent, calls: OrderedCalls) -> Rank | None:
    """The first of these calls for which this agent is not left out. Passes only calls that the agent lately missed."""
    index = 0
    while id_ := calls.at(index):
        call = floor.calls[id_]
        if call.left_out.get(agent.id, 0.0) <= floor.now:
            return floor.queues[call.queue].rank(call, floor.now)
        index += 1
    return None


def best_agent(floor: FloorState, call: Call) -> Agent | None:
    """The agent who should be offered this call now, if any. Begins a new round when all others were offered it."""
    if call.reserved_for:
        agent = floor.agents.get(call.reserved_for)
        free = agent is not None and agent.indexed and call.left_out.get(agent.id, 0.0) <= floor.now
        return agent if free else None
    ready = floor.profile(call).ready
    for key in ready:
        if key[-1] not in call.left_out:
            return floor.agents[str(key[-1])]
    for key in ready:
        if call.left_out[str(key[-1])] <= floor.now:
            call.left_out = {id_: until for id_, until in call.left_out.items() if until > floor.now}
            return floor.agents[str(key[-1])]
    return None


def offer(floor: FloorState, call: Call, agent: Agent, rule: str = "", kind: str = "offer") -> None:
    """Reserve the agent and the call for each other. The decision shows the agents as they were before the offer."""
    listed, left_out = candidates(floor, call)
    queue = floor.queues[call.queue]
    rules = queue.rules
    if not rule:
        idle = floor.now - agent.idle_since
        if call.direct:
            rule = f"transferred to {agent.id}"
        elif call.reserved_for:
            rule = f"{agent.id} is preferred: owns the matter or spoke with the caller last"
        else:
            rule = f"first call that {agent.id} can serve; {WORDS[rules.strategy]}, idle {idle:.0f} s"
    number = floor.take_offer_number()
    decision = Decision(
        call=call.id,
        kind=kind,
        rule=rule,
        at=floor.now,
        queue=rules.name,
        agent=agent.id,
        offer=number,
        step=call.step,
        position=queue.calls.index(call) + 1,
        waited=floor.now - call.asked.queued_at,
        score=queue.points(call, floor.now),
        candidates=listed,
        candidates_left_out=left_out,
    )
    deadline = max(floor.now + rules.ring_for + floor.policy.offer_grace, call.dialled_until)
    floor.open_offer(StandingOffer(number, call.id, agent.id, rules.name, floor.now, deadline))
    floor.wake_at(call, next_step_at(call))
    floor.out.append(Offer(number, call.id, agent.id, rules.ring_for, decision))


def next_step_at(call: Call) -> float | None:
    """When the next relaxation step comes into force; None after the last one."""
    steps = call.plan.steps
    return call.entered + steps[call.step + 1][0] if call.step + 1 < len(steps) else None
