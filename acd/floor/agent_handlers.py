"""The agent's side: a status is the person's word, a wrap-up is kept, and a phone that is busy is left alone."""

from __future__ import annotations

from acd.commands import AgentChanged, Tell
from acd.events import (
    AgentDefined,
    AgentFreed,
    AgentOccupied,
    AgentRemoved,
    ConsultEnded,
    ConsultStarted,
    HoldEnded,
    HoldStarted,
    PhoneSeen,
    Status,
    StatusSet,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.floor.agents import STATUS_TAKES_EFFECT, Agent, AgentState, Effect, Signal
from acd.floor.calls import Talk
from acd.floor.escalation import let_go
from acd.floor.offers import withdraw
from acd.floor.state import Room
from acd.policy.definitions import WrapUp, WrapUpMode
from acd.timers import AGENT

# Definitions


def agent_defined(room: Room, event: AgentDefined) -> None:
    agent = room.agents.get(event.agent)
    if agent is None:
        agent = room.agents[event.agent] = Agent(event.agent, room.now)
    agent.name, agent.teams, agent.contact, agent.removed = event.name, event.teams, event.contact, False
    if agent.indexed:
        room.shapes.unplace(agent)
    if agent.signed_in:
        room.shapes.sign_out(agent)
    agent.learn(event.skills)
    room.refresh(agent)
    let_go(room, agent)


def agent_removed(room: Room, event: AgentRemoved) -> None:
    agent = room.agents.get(event.agent)
    if agent is None:
        return
    agent.removed = True
    choose_status(room, agent, Status.SIGNED_OUT, "removed")
    forget_if_removed(room, agent)


def forget_if_removed(room: Room, agent: Agent) -> None:
    """A removed agent goes once no call and no wrap-up is left."""
    if agent.removed and agent.state in (AgentState.IDLE, AgentState.WRAP_UP) and agent.status is Status.SIGNED_OUT:
        room.timers.arm(AGENT, agent.id, agent, None)
        room.touched.pop(agent.id, None)
        room.out.append(AgentChanged(agent.id, agent.status.value, AgentState.IDLE.value, agent.reason))
        del room.agents[agent.id]


# Status


def status_set(room: Room, event: StatusSet) -> None:
    agent = room.agents.get(event.agent)
    if agent is not None and not agent.removed:
        choose_status(room, agent, event.status, event.reason)


def choose_status(room: Room, agent: Agent, status: Status, reason: str) -> None:
    """Take the person's word: now, or when the call is over."""
    room.touch(agent)
    effect = STATUS_TAKES_EFFECT[agent.state]
    if effect is Effect.AFTERWARDS:
        agent.pending = None if (status, reason) == (agent.status, agent.reason) else (status, reason)
        if agent.pending:
            room.out.append(Tell(agent.id, "status_waits", f"{status.value} when the call is over"))
        return
    if effect is Effect.WITHDRAW and status is not Status.AVAILABLE:
        withdraw(room, room.rings[agent.offer], f"agent {agent.id} chose {status.value}")
    take_status(room, agent, status, reason)


def take_status(room: Room, agent: Agent, status: Status, reason: str) -> None:
    """The status is this from now on."""
    agent.pending = None
    was = agent.status
    agent.status, agent.reason = status, reason
    if status is Status.AVAILABLE:
        agent.misses, agent.rest_until = 0, 0.0
    if agent.state is AgentState.WRAP_UP and status is not Status.BREAK and agent.wrap_mode is not WrapUpMode.FORCED:
        end_wrap_up(room, agent)
    room.refresh(agent, idle_from_now=status is Status.AVAILABLE and was is not Status.AVAILABLE)
    if status is not Status.AVAILABLE:
        let_go(room, agent)


def phone_seen(room: Room, event: PhoneSeen) -> None:
    agent = room.agents.get(event.agent)
    if agent is None or agent.phone is event.reachable:
        return
    room.touch(agent)
    agent.phone = event.reachable
    if event.reachable:
        agent.rest_until = 0.0
    room.refresh(agent)


# Conversation and wrap-up


def hang_up(room: Room, agent: Agent, ended_at: float | None = None) -> None:
    """The agent's leg is over: wrap-up as the queue of the conversation has it, then the status that waited."""
    wrap_up = _wrap_up_rules(room, agent)
    extra, agent.wrap_extra = agent.wrap_extra, 0.0
    start = room.now if ended_at is None else min(max(ended_at, agent.since), room.now)
    agent.wrap_mode, agent.wrap_started = wrap_up.mode, start
    if wrap_up.mode is WrapUpMode.UNTIL_DONE:
        agent.wrap_until = None
    else:
        given = wrap_up.seconds if wrap_up.mode in (WrapUpMode.TIMED, WrapUpMode.FORCED) else 0.0
        agent.wrap_until = start + min(given + extra, max(wrap_up.longest, given))
    agent.call, agent.held = 0, False
    room.move(agent, Signal.HUNG_UP)
    if agent.wrap_until is not None and agent.wrap_until <= room.now:
        end_wrap_up(room, agent)
    if agent.pending:
        take_status(room, agent, *agent.pending)
    forget_if_removed(room, agent)


def stand_down(room: Room, agent: Agent, *, left: bool = False) -> None:
    """The customer whom the agent waited for was not reached: free at once, and nothing was handled.

    One who `left` by hanging up rests as after declining, so that the same phone does not ring again at once.
    """
    room.touch(agent)
    if left:
        agent.rest_until = max(agent.rest_until, room.now + room.policy.rest_after.declined)
    if agent.recent and agent.recent[-1] == agent.talk_since:
        agent.recent.pop()
    agent.call, agent.held, agent.talk_since, agent.wrap_extra = 0, False, 0.0, 0.0
    agent.move(Signal.NOT_REACHED, room.now)
    room.refresh(agent, idle_from_now=room.policy.outbound_resets_idle)
    if agent.pending:
        take_status(room, agent, *agent.pending)
    forget_if_removed(room, agent)


def end_leg(room: Room, agent: Agent, talk: Talk | None, ended_at: float | None = None, *, left: bool = False) -> None:
    """The agent's leg is over; one without anybody at the other end never was a conversation. `left`: they hung up."""
    if talk is not None and talk.asked.promised:
        stand_down(room, agent, left=left)
    else:
        hang_up(room, agent, ended_at)


def _wrap_up_rules(room: Room, agent: Agent) -> WrapUp:
    """Those of the queue of the latest conversation."""
    line = room.lines.get(agent.talk_queue)
    return line.queue.wrap_up if line is not None else WrapUp()


def end_wrap_up(room: Room, agent: Agent) -> None:
    """Ready again, if the status says so."""
    agent.idle_since = room.now
    agent.wrap_started, agent.wrap_until = 0.0, None
    if agent.talk_since:
        if agent.talk_queue in room.estimates:
            room.estimates[agent.talk_queue].handled(room.now - agent.talk_since)
        agent.talk_since = 0.0
    room.move(agent, Signal.WRAP_UP_OVER)


def wrap_up_ended(room: Room, event: WrapUpEnded) -> None:
    agent = room.agents.get(event.agent)
    if agent is None or agent.state is not AgentState.WRAP_UP:
        return
    if agent.wrap_mode is WrapUpMode.FORCED:
        left = (agent.wrap_until or room.now) - room.now
        room.out.append(Tell(agent.id, "wrap_up_is_forced", f"{left:.0f} s are left"))
        return
    end_wrap_up(room, agent)


def wrap_up_extended(room: Room, event: WrapUpExtended) -> None:
    """In wrap-up: longer. On a call: that much more afterwards. Idle: a wrap-up begins."""
    agent = room.agents.get(event.agent)
    if agent is None or not event.seconds > 0:
        return
    room.touch(agent)
    longest = _wrap_up_rules(room, agent).longest
    if agent.state is AgentState.ON_CALL:
        agent.wrap_extra = min(agent.wrap_extra + event.seconds, longest)
    elif agent.state is AgentState.WRAP_UP and agent.wrap_until is not None:
        limit = max(agent.wrap_started + longest, agent.wrap_until)
        agent.wrap_until = min(agent.wrap_until + event.seconds, limit)
        room.refresh(agent)
    elif agent.state is AgentState.IDLE and agent.status is not Status.SIGNED_OUT:
        agent.wrap_mode, agent.wrap_started = WrapUpMode.OPTIONAL, room.now
        agent.wrap_until = room.now + min(event.seconds, longest)
        room.move(agent, Signal.WRAP_UP_ASKED)


def agent_due(room: Room, agent: Agent) -> None:
    """A wrap-up or a rest is over."""
    room.touch(agent)
    if agent.state is AgentState.WRAP_UP and agent.wrap_until is not None and agent.wrap_until <= room.now:
        end_wrap_up(room, agent)
    else:
        room.refresh(agent)


# Calls that were not routed


def agent_occupied(room: Room, event: AgentOccupied) -> None:
    agent = room.agents.get(event.agent)
    if agent is not None:
        occupy(room, agent, event.why)


def occupy(room: Room, agent: Agent, why: str) -> None:
    """The agent's phone is in use: an offer that stands goes to somebody else."""
    room.touch(agent)
    if agent.offer:
        withdraw(room, room.rings[agent.offer], f"agent {agent.id} is occupied: {why}")
    if agent.can(Signal.OCCUPIED):
        agent.why = why
        room.move(agent, Signal.OCCUPIED)


def agent_freed(room: Room, event: AgentFreed) -> None:
    agent = room.agents.get(event.agent)
    if agent is not None:
        free(room, agent, resets_idle=room.policy.outbound_resets_idle)


def free(room: Room, agent: Agent, *, resets_idle: bool) -> None:
    """The phone is free again; a wrap-up that was interrupted goes on."""
    if agent.state is not AgentState.OCCUPIED:
        return
    room.touch(agent)
    agent.why = ""
    agent.move(Signal.FREED, room.now)
    if resets_idle:
        agent.idle_since = room.now
    if agent.wrap_started:
        if agent.wrap_until is None or agent.wrap_until > room.now:
            agent.move(Signal.WRAP_UP_ASKED, room.now)
        else:
            agent.wrap_started, agent.wrap_until = 0.0, None
    room.refresh(agent)
    if agent.pending:
        take_status(room, agent, *agent.pending)
    forget_if_removed(room, agent)


def hold_started(room: Room, event: HoldStarted) -> None:
    _hold(room, event.agent, event.call, held=True)


def hold_ended(room: Room, event: HoldEnded) -> None:
    _hold(room, event.agent, event.call, held=False)


def _hold(room: Room, name: str, call: int, *, held: bool) -> None:
    agent = room.agents.get(name)
    if agent is not None and agent.state is AgentState.ON_CALL and agent.call == call:
        agent.held = held


def consult_started(room: Room, event: ConsultStarted) -> None:
    _hold(room, event.agent, event.call, held=True)
    asked = room.agents.get(event.to)
    if asked is not None:
        occupy(room, asked, f"{event.why} with {event.agent}")


def consult_ended(room: Room, event: ConsultEnded) -> None:
    _hold(room, event.agent, event.call, held=False)
    asked = room.agents.get(event.to)
    if asked is not None:
        free(room, asked, resets_idle=False)
