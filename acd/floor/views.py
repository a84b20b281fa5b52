"""What others may see of the floor: values taken at one instant. Reading them changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from acd.callbacks.states import Pressure
from acd.events import Status
from acd.floor.agents import Agent, AgentState
from acd.floor.calls import Call
from acd.floor.state import FloorState
from acd.policy.definitions import Requirement, Skill


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. `since` is when the state began; `call` is the one on the phone, 0 for none; `held`: it is on hold.

    `calling` is who the agent's own call is with, `queue` that of the latest conversation, while it or its wrap-up goes
    on. A wrap-up without `wrap_until` ends when the agent says so. Until `rests_until` nothing is offered.
    """

    id: str
    name: str
    contact: str
    skills: tuple[Skill, ...]
    teams: tuple[str, ...]
    status: Status
    state: AgentState
    reason: str
    pending: Status | None
    since: float
    phone: bool
    call: int
    held: bool
    status_since: float
    calling: str
    queue: str
    rests_until: float
    wrap_mode: str
    wrap_until: float | None

    @staticmethod
    def of(agent: Agent) -> AgentView:
        """The view of this agent."""
        wraps_up = agent.state is AgentState.WRAP_UP
        return AgentView(
            id=agent.id,
            name=agent.name,
            contact=agent.contact,
            skills=tuple(Skill(name, level) for name, level in agent.skills.items()),
            teams=tuple(agent.teams),
            status=agent.status,
            state=agent.state,
            reason=agent.reason or agent.why,
            pending=agent.pending[0] if agent.pending else None,
            since=agent.since,
            phone=agent.phone,
            call=agent.call,
            held=agent.held,
            status_since=agent.status_since,
            calling=agent.calling,
            queue=agent.talk_queue if wraps_up or agent.state is AgentState.ON_CALL else "",
            rests_until=agent.rest_until,
            wrap_mode=agent.wrap_mode.value if wraps_up else "",
            wrap_until=agent.wrap_until if wraps_up else None,
        )


@dataclass(frozen=True, slots=True)
class WaitingView:
    """One waiting call. `position` counts within its queue, 1 is next; `points` are those it has now.

    `state` is waiting, offered or leaving; `step` the relaxation step in force, 0 for none.
    """

    call: int
    queue: str
    caller: str
    category: str
    state: str
    attached: bool
    queued_at: float
    priority: int
    position: int
    points: float
    step: int
    requirement: Requirement
    agent: str
    """The agent to whose phone it is offered, or who has it reserved; empty for none."""
    promised: bool = False
    """No caller is on the line: the hotline will call the customer."""


def waiting(floor: FloorState, now: float) -> list[WaitingView]:
    """All waiting calls, in the one order over all queues."""
    calls = sorted(floor.calls.values(), key=lambda call: floor.queues[call.queue].rank(call, now))
    positions: dict[str, int] = {}
    views = []
    for call in calls:
        positions[call.queue] = positions.get(call.queue, 0) + 1
        views.append(_view(floor, call, positions[call.queue], now))
    return views


def _view(floor: FloorState, call: Call, position: int, now: float) -> WaitingView:
    return WaitingView(
        call=call.id,
        queue=call.queue,
        caller=call.asked.caller,
        category=call.asked.category,
        state=call.state.value,
        attached=call.attached,
        queued_at=call.asked.queued_at,
        priority=call.priority,
        position=position,
        points=floor.queues[call.queue].points(call, now),
        step=call.step,
        requirement=floor.requirement(call),
        agent=floor.offers[call.offer].agent if call.offer else call.reserved_for,
        promised=call.promised,
    )


def pressures(floor: FloorState) -> list[Pressure]:
    """How busy every queue is, in the order of the definitions. Costs a look at each queue, not at each call.

    The wait is that of a caller who enters now: 0 while an agent is ready, else the median of the estimate.
    """
    found = []
    for name, queue in floor.queues.items():
        waiting, estimate = len(queue.calls), floor.estimates[name]
        profile = floor.profiles.plan(queue.rules, queue.rules.own_requirement()).steps[0][1]
        interval = estimate.predict(waiting + 1, profile.manned)
        wait = 0.0 if profile.ready and not waiting else interval[1] if interval is not None else None
        found.append(Pressure(name, waiting, profile.manned, estimate.handling, wait))
    return found


def expected(floor: FloorState, name: str, position: int) -> tuple[float, float] | None:
    """The expected wait at this position of a queue (1 is next): p50 and p90 in seconds; see `Floor.expected`."""
    queue = floor.queues.get(name)
    if queue is None:
        return None
    profile = floor.profiles.plan(queue.rules, queue.rules.own_requirement()).steps[0][1]
    if profile.ready and not queue.calls:
        return 0.0, 0.0
    interval = floor.estimates[name].predict(position, profile.manned)
    return (interval[1], interval[2]) if interval is not None else None
