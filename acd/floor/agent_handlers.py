"""Events about agents: the agent chooses the status, a wrap-up runs its time, and a busy phone is not rung."""

from __future__ import annotations

from acd.commands import Tell
from acd.events import (
    AgentDefined,
    AgentFreed,
    AgentOccupied,
    AgentRemoved,
    ConsultEnded,
    ConsultStarted,
    HoldEnded,
    HoldStarted,
    InternalCallEnded,
    InternalCallStarted,
    Outcome,
    PhoneSeen,
    Status,
    StatusSet,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.floor import misses
from acd.floor.agents import STATUS_TAKES_EFFECT, Agent, AgentState, Effect, Signal
from acd.floor.calls import CallState, Conversation
from acd.floor.escalation import let_go
from acd.floor.offers import withdraw
from acd.floor.state import FloorState
from acd.policy.definitions import WrapUp, WrapUpMode

# Definitions


def agent_defined(floor: FloorState, event: AgentDefined) -> None:
    """An agent was added or changed. Calls that were reserved for the agent may go to others now."""
    agent = floor.agents.get(event.agent)
    if agent is None:
        agent = floor.add_agent(event.agent)
    agent.name, agent.teams, agent.contact, agent.removed = event.name, event.teams, event.contact, False
    able = _meets_offered(floor, agent)
    floor.set_skills(agent, event.skills)
    if able and not _meets_offered(floor, agent):
        withdraw(floor, floor.offers[agent.offer], f"agent {agent.id} lacks the skill from now on")
    let_go(floor, agent)


def _meets_offered(floor: FloorState, agent: Agent) -> bool:
    """Whether a call is offered to the agent, and the agent has the skills for it."""
    offer = floor.offers.get(agent.offer)
    return offer is not None and floor.requirement(floor.calls[offer.call]).met_by(agent.skills)


def agent_removed(floor: FloorState, event: AgentRemoved) -> None:
    """The agent is signed out, and forgotten when no call is left."""
    agent = floor.agents.get(event.agent)
    if agent is None:
        return
    agent.removed = True
    choose_status(floor, agent, Status.SIGNED_OUT, "removed")
    forget_if_removed(floor, agent)


def forget_if_removed(floor: FloorState, agent: Agent) -> None:
    """Forget a removed agent who is signed out and on no call."""
    if agent.removed and agent.state in (AgentState.IDLE, AgentState.WRAP_UP) and agent.status is Status.SIGNED_OUT:
        floor.remove_agent(agent)


# Status


def status_set(floor: FloorState, event: StatusSet) -> None:
    """The agent, or a supervisor, chose a status."""
    agent = floor.agents.get(event.agent)
    if agent is not None and not agent.removed:
        choose_status(floor, agent, event.status, event.reason)


def choose_status(floor: FloorState, agent: Agent, status: Status, reason: str) -> None:
    """Set the status now, or when the call is over, as `STATUS_TAKES_EFFECT` says."""
    floor.touch(agent)
    effect = STATUS_TAKES_EFFECT[agent.state]
    if effect is Effect.AFTERWARDS:
        agent.pending = None if (status, reason) == (agent.status, agent.reason) else (status, reason)
        if agent.pending:
            floor.out.append(Tell(agent.id, "status_waits", f"{status.value} when the call is over"))
        return
    if effect is Effect.WITHDRAW and status is not Status.AVAILABLE:
        done = "was removed" if agent.removed else f"chose {status.value}"
        withdraw(floor, floor.offers[agent.offer], f"agent {agent.id} {done}")
    take_status(floor, agent, status, reason)


def take_status(floor: FloorState, agent: Agent, status: Status, reason: str) -> None:
    """The status is this from now on."""
    agent.pending = None
    was = agent.status
    if (status, reason) != (was, agent.reason):
        agent.status_since = floor.now
    agent.status, agent.reason = status, reason
    if status is not was:
        misses.forgive(agent)
    if status is Status.AVAILABLE:
        agent.rest_until = 0.0
    if agent.state is AgentState.WRAP_UP and status is not Status.BREAK and agent.wrap_mode is not WrapUpMode.FORCED:
        end_wrap_up(floor, agent)
    floor.refresh(agent, idle_from_now=status is Status.AVAILABLE and was is not Status.AVAILABLE)
    if status is not Status.AVAILABLE:
        let_go(floor, agent)


def phone_seen(floor: FloorState, event: PhoneSeen) -> None:
    """The phone became reachable, or unreachable. A phone that comes back ends the agent's rest."""
    agent = floor.agents.get(event.agent)
    if agent is None or agent.phone is event.reachable:
        return
    floor.touch(agent)
    agent.phone = event.reachable
    if event.reachable:
        agent.rest_until = 0.0
        _give_back(floor, agent)
    floor.refresh(agent)


def _give_back(floor: FloorState, agent: Agent) -> None:
    """The phone that was lost in a conversation is back: the caller, if still waiting, is kept for the agent."""
    number, agent.lost_call = agent.lost_call, 0
    call = floor.calls.get(number)
    if call is None or call.state is not CallState.WAITING or call.reserved_for or agent.lost_until < floor.now:
        return
    if agent.status is Status.AVAILABLE:
        call.reserved_for, call.reserved_until = agent.id, agent.lost_until
        floor.make_available(call)


# Conversation and wrap-up


def hang_up(floor: FloorState, agent: Agent, ended_at: float | None = None) -> None:
    """The agent's leg is over: the wrap-up of the conversation's queue begins, then a pending status takes effect."""
    misses.forgive(agent)
    wrap_up = _wrap_up_rules(floor, agent)
    extra, agent.wrap_extra = agent.wrap_extra, 0.0
    start = floor.now if ended_at is None else min(max(ended_at, agent.since), floor.now)
    agent.wrap_mode, agent.wrap_started = wrap_up.mode, start
    if wrap_up.mode is WrapUpMode.UNTIL_DONE:
        agent.wrap_until = None
    else:
        given = wrap_up.seconds if wrap_up.mode in (WrapUpMode.TIMED, WrapUpMode.FORCED) else 0.0
        agent.wrap_until = start + min(given + extra, max(wrap_up.longest, given))
    agent.call, agent.held = 0, False
    floor.move(agent, Signal.HUNG_UP)
    if agent.wrap_until is not None and agent.wrap_until <= floor.now:
        end_wrap_up(floor, agent)
    if agent.pending:
        take_status(floor, agent, *agent.pending)
    forget_if_removed(floor, agent)


def stand_down(floor: FloorState, agent: Agent, *, left: bool = False) -> None:
    """The customer of a callback was not reached: the agent is free at once, and no call counts as handled.

    An agent who `left` by hanging up rests as after declining: the same phone does not ring again at once.
    """
    floor.touch(agent)
    if left:
        agent.rest_until = max(agent.rest_until, floor.now + floor.policy.rest_after.declined)
        misses.count(floor, agent, Outcome.DECLINED, agent.talk_queue)
    if agent.recent and agent.recent[-1] == agent.talk_since:
        agent.recent.pop()
    agent.call, agent.held, agent.talk_since, agent.wrap_extra = 0, False, 0.0, 0.0
    agent.move(Signal.NOT_REACHED, floor.now)
    floor.refresh(agent, idle_from_now=floor.policy.outbound_resets_idle)
    _go_on_calling(floor, agent)
    if agent.pending:
        take_status(floor, agent, *agent.pending)
    elif agent.status is not Status.AVAILABLE:
        let_go(floor, agent)
    forget_if_removed(floor, agent)


def break_off(floor: FloorState, agent: Agent, outcome: Outcome) -> None:
    """The conversation was dropped or lost, and the caller waits again: no wrap-up, and no call counts as handled."""
    floor.touch(agent)
    call, queue = agent.call, agent.talk_queue
    if agent.recent and agent.recent[-1] == agent.talk_since:
        agent.recent.pop()
    agent.call, agent.held, agent.talk_since, agent.wrap_extra = 0, False, 0.0, 0.0
    agent.move(Signal.BROKE_OFF, floor.now)
    if outcome is Outcome.LOST:
        agent.lost_call, agent.lost_until = call, floor.now + floor.policy.phones.back_within
    agent.rest_until = max(agent.rest_until, floor.now + getattr(floor.policy.rest_after, outcome.value, 0.0))
    misses.count(floor, agent, outcome, queue)
    floor.refresh(agent)
    _go_on_calling(floor, agent)
    if agent.pending:
        take_status(floor, agent, *agent.pending)
    elif agent.status is not Status.AVAILABLE:
        let_go(floor, agent)
    forget_if_removed(floor, agent)


def end_leg(
    floor: FloorState,
    agent: Agent,
    conversation: Conversation | None,
    ended_at: float | None = None,
    *,
    left: bool = False,
) -> None:
    """The agent's leg is over. Without a caller on the line it was no conversation. `left`: the agent hung up."""
    if conversation is not None and conversation.asked.promised:
        stand_down(floor, agent, left=left)
    else:
        hang_up(floor, agent, ended_at)


def _wrap_up_rules(floor: FloorState, agent: Agent) -> WrapUp:
    """The wrap-up rules of the queue of the latest conversation."""
    queue = floor.queues.get(agent.talk_queue)
    return queue.rules.wrap_up if queue is not None else WrapUp()


def end_wrap_up(floor: FloorState, agent: Agent) -> None:
    """Ready again, if the status says so."""
    agent.idle_since = floor.now
    agent.wrap_started, agent.wrap_until = 0.0, None
    if agent.talk_since:
        if agent.talk_queue in floor.estimates:
            floor.estimates[agent.talk_queue].handled(floor.now - agent.talk_since)
        agent.talk_since = 0.0
    floor.move(agent, Signal.WRAP_UP_OVER)
    _go_on_calling(floor, agent)


def wrap_up_ended(floor: FloorState, event: WrapUpEnded) -> None:
    """The agent ends the wrap-up, unless it is forced."""
    agent = floor.agents.get(event.agent)
    if agent is None or agent.state is not AgentState.WRAP_UP:
        return
    if agent.wrap_mode is WrapUpMode.FORCED:
        left = (agent.wrap_until or floor.now) - floor.now
        floor.out.append(Tell(agent.id, "wrap_up_is_forced", f"{left:.0f} s are left"))
        return
    end_wrap_up(floor, agent)


def wrap_up_extended(floor: FloorState, event: WrapUpExtended) -> None:
    """In wrap-up it gets longer, on a call it will be longer, and for an idle agent a wrap-up begins."""
    agent = floor.agents.get(event.agent)
    if agent is None or not event.seconds > 0:
        return
    floor.touch(agent)
    longest = _wrap_up_rules(floor, agent).longest
    if agent.state is AgentState.ON_CALL:
        agent.wrap_extra = min(agent.wrap_extra + event.seconds, longest)
    elif agent.state is AgentState.WRAP_UP and agent.wrap_until is not None:
        limit = max(agent.wrap_started + longest, agent.wrap_until)
        agent.wrap_until = min(agent.wrap_until + event.seconds, limit)
        floor.refresh(agent)
    elif agent.state is AgentState.IDLE and agent.status is not Status.SIGNED_OUT:
        agent.wrap_mode, agent.wrap_started = WrapUpMode.OPTIONAL, floor.now
        agent.wrap_until = floor.now + min(event.seconds, longest)
        floor.move(agent, Signal.WRAP_UP_ASKED)


def agent_due(floor: FloorState, agent: Agent) -> None:
    """A wrap-up or a rest is over."""
    floor.touch(agent)
    if agent.state is AgentState.WRAP_UP and agent.wrap_until is not None and agent.wrap_until <= floor.now:
        end_wrap_up(floor, agent)
    else:
        floor.refresh(agent)


# Calls that were not routed


def agent_occupied(floor: FloorState, event: AgentOccupied) -> None:
    """The agent is on a call that was not routed."""
    agent = floor.agents.get(event.agent)
    if agent is not None:
        occupy(floor, agent, event.why)


def occupy(floor: FloorState, agent: Agent, why: str) -> None:
    """The agent's phone is in use: a standing offer goes to another agent."""
    floor.touch(agent)
    if agent.offer:
        withdraw(floor, floor.offers[agent.offer], f"agent {agent.id} is occupied: {why}")
    if agent.can(Signal.OCCUPIED):
        agent.why = why
        floor.move(agent, Signal.OCCUPIED)


def internal_call_started(floor: FloorState, event: InternalCallStarted) -> None:
    """An agent calls a colleague, or an outside number: no call is offered to either meanwhile."""
    for name, other in ((event.agent, event.to), (event.to, event.agent)):
        agent = floor.agents.get(name)
        if agent is not None:
            floor.touch(agent)
            agent.calling = other
            _go_on_calling(floor, agent)


def _go_on_calling(floor: FloorState, agent: Agent) -> None:
    """The agent's own call, if there is one, outlasts the call and the wrap-up that it began in."""
    if agent.calling:
        occupy(floor, agent, f"in a call with {agent.calling}")


def internal_call_ended(floor: FloorState, event: InternalCallEnded) -> None:
    """The phones are free again; only of the agent who called, who chose to, it may be a new idle time."""
    for name, resets_idle in ((event.agent, floor.policy.outbound_resets_idle), (event.to, False)):
        agent = floor.agents.get(name)
        if agent is not None and agent.calling:
            floor.touch(agent)
            agent.calling = ""
            free(floor, agent, resets_idle=resets_idle)
            floor.refresh(agent)


def agent_freed(floor: FloorState, event: AgentFreed) -> None:
    """The call that was not routed is over."""
    agent = floor.agents.get(event.agent)
    if agent is not None:
        free(floor, agent, resets_idle=floor.policy.outbound_resets_idle)


def free(floor: FloorState, agent: Agent, *, resets_idle: bool) -> None:
    """The phone is free again; an interrupted wrap-up goes on."""
    if agent.state is not AgentState.OCCUPIED or agent.calling:
        return
    floor.touch(agent)
    agent.why = ""
    agent.move(Signal.FREED, floor.now)
    if resets_idle:
        agent.idle_since = floor.now
    if agent.wrap_started:
        if agent.wrap_until is None or agent.wrap_until > floor.now:
            agent.move(Signal.WRAP_UP_ASKED, floor.now)
        else:
            agent.wrap_started, agent.wrap_until = 0.0, None
    floor.refresh(agent)
    if agent.pending:
        take_status(floor, agent, *agent.pending)
    forget_if_removed(floor, agent)


def hold_started(floor: FloorState, event: HoldStarted) -> None:
    """The caller is on hold."""
    _hold(floor, event.agent, event.call, held=True)


def hold_ended(floor: FloorState, event: HoldEnded) -> None:
    """The caller is off hold."""
    _hold(floor, event.agent, event.call, held=False)


def _hold(floor: FloorState, name: str, call: int, *, held: bool) -> None:
    agent = floor.agents.get(name)
    if agent is not None and agent.state is AgentState.ON_CALL and agent.call == call:
        agent.held = held


def consult_started(floor: FloorState, event: ConsultStarted) -> None:
    """The caller is on hold; a consulted agent is occupied."""
    _hold(floor, event.agent, event.call, held=True)
    asked = floor.agents.get(event.to)
    if asked is not None:
        occupy(floor, asked, f"{event.why} with {event.agent}")


def consult_ended(floor: FloorState, event: ConsultEnded) -> None:
    """The caller is off hold; the consulted agent is free."""
    _hold(floor, event.agent, event.call, held=False)
    asked = floor.agents.get(event.to)
    if asked is not None:
        free(floor, asked, resets_idle=False)
