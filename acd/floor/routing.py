"""The first call of the house that can be served goes to the best of the agents who can serve it, and so on.

Between events no waiting call has an eligible ready agent. So only those that changed are looked at: a call that can be
taken anew looks at its shape's ready agents, an agent who became ready at the heads of the rows they serve.

**Rounds.** An agent who did not take a call is left out for it until everybody else who is ready had their turn; then,
and `round_pause` seconds after their miss at the earliest, the next round begins. Nobody's only agent is out for ever.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from acd.commands import Offer
from acd.decisions import Decision
from acd.floor.agents import Agent, Signal
from acd.floor.calls import Call, Place, Ring
from acd.floor.explain import candidates
from acd.floor.queue_order import Rank, Row
from acd.floor.state import Room
from acd.floor.strategies import WORDS
from acd.timers import CALL, OFFER


def settle(room: Room) -> None:
    """Make every offer that can be made. Afterwards no call that can be taken has an eligible ready agent."""
    heap: list[tuple[Rank, int, str]] = []
    for id_ in room.dirty_calls:
        call = room.calls.get(id_)
        if call is not None and call.row is not None:
            heap.append((room.lines[call.queue].rank(call, room.now), id_, ""))
    room.dirty_calls.clear()
    for name in room.dirty_agents:
        if (found := _first_call_of(room, name)) is not None:
            heap.append((found, found[2], name))
    room.dirty_agents.clear()
    heapify(heap)
    while heap:
        _, id_, name = heappop(heap)
        call = room.calls[id_]
        agent = best_agent(room, call) if call.row is not None else None
        if agent is not None:
            offer(room, call, agent)
        if name and (found := _first_call_of(room, name)) is not None:
            heappush(heap, (found, found[2], name))


def _first_call_of(room: Room, name: str) -> Rank | None:
    agent = room.agents.get(name)
    return first_call(room, agent) if agent is not None and agent.indexed else None


def first_call(room: Room, agent: Agent) -> Rank | None:
    """The first call in the order of the house that this ready agent may take."""
    best: Rank | None = None
    now = room.now
    rows = [shape.rows for shape in agent.serves if shape.rows]
    if own := room.own_rows.get(agent.id):
        rows.append(own)
    for by_queue in rows:
        for row in by_queue.values():
            rank = row.head(now)
            if rank is None or (best is not None and rank >= best):
                continue
            if agent.id in room.calls[rank[2]].left_out:
                rank = _first_allowed(room, agent, row)
                if rank is None or (best is not None and rank >= best):
                    continue
            best = rank
    return best


def _first_allowed(room: Room, agent: Agent, row: Row) -> Rank | None:
    """The first call of a row for which this agent is not left out. There are as many others as they lately missed."""
    place = 0
    while id_ := row.at(place):
        call = room.calls[id_]
        if call.left_out.get(agent.id, 0.0) <= room.now:
            return room.lines[call.queue].rank(call, room.now)
        place += 1
    return None


def best_agent(room: Room, call: Call) -> Agent | None:
    """The agent who is to be offered this call now, if any. Opens a new round when all others had their turn."""
    if call.hold_for:
        agent = room.agents.get(call.hold_for)
        free = agent is not None and agent.indexed and call.left_out.get(agent.id, 0.0) <= room.now
        return agent if free else None
    ready = room.shape(call).ready
    for key in ready:
        if key[-1] not in call.left_out:
            return room.agents[str(key[-1])]
    for key in ready:
        if call.left_out[str(key[-1])] <= room.now:
            call.left_out = {id_: until for id_, until in call.left_out.items() if until > room.now}
            return room.agents[str(key[-1])]
    return None


def offer(room: Room, call: Call, agent: Agent, rule: str = "", kind: str = "offer") -> None:
    """Reserve the agent and the call for each other. The decision shows the floor as it was before."""
    listed, left_out = candidates(room, call)
    line = room.lines[call.queue]
    queue = line.queue
    if not rule:
        idle = room.now - agent.idle_since
        if call.hold_direct:
            rule = f"transferred to {agent.id}"
        elif call.hold_for:
            rule = f"{agent.id} is preferred: owns the matter or spoke with the caller last"
        else:
            rule = f"first call that {agent.id} can serve; {WORDS[queue.strategy]}, idle {idle:.0f} s"
    number = room.next_offer
    room.next_offer += 1
    decision = Decision(
        call=call.id,
        kind=kind,
        rule=rule,
        at=room.now,
        queue=queue.name,
        agent=agent.id,
        offer=number,
        step=call.step,
        position=line.row.index(call) + 1,
        waited=room.now - call.asked.queued_at,
        score=line.points(call, room.now),
        candidates=listed,
        candidates_left_out=left_out,
    )
    deadline = max(room.now + queue.ring_for + room.policy.offer_grace, call.dialled_until)
    ring = Ring(number, call.id, agent.id, queue.name, room.now, deadline)
    room.rings[number] = ring
    room.timers.arm(OFFER, number, ring, ring.deadline)
    call.place = Place.OFFERED
    call.offer = number
    call.offers += 1
    room.unrow(call)
    room.timers.arm(CALL, call.id, call, next_step_at(call))
    agent.offer = number
    agent.call = call.id
    room.move(agent, Signal.OFFERED)
    room.out.append(Offer(number, call.id, agent.id, queue.ring_for, decision))


def next_step_at(call: Call) -> float | None:
    """When the next relaxation step comes into force."""
    steps = call.plan.steps
    return call.entered + steps[call.step + 1][0] if call.step + 1 < len(steps) else None
