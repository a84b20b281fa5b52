"""Everything the floor knows at one instant, and the few moves that keep its indexes true.

The handlers (`call_handlers`, `agent_handlers`, `attempt_handlers`, `offers`), `escalation` and `routing` change the
indexes of agents, calls, offers and conversations only through these moves. Indexes are the collections here, the skill
profiles, the queues' orders and the timers.
"""

from __future__ import annotations

from acd.commands import AgentChanged, Command
from acd.decisions import Decision
from acd.events import CallQueued, Status
from acd.floor.agents import Agent, AgentState, Signal
from acd.floor.calls import Call, CallState, Conversation, StandingOffer
from acd.floor.eligibility import SkillProfiles
from acd.floor.profiles import SkillProfile
from acd.floor.queue_order import OrderedCalls, WaitingQueue
from acd.floor.wait_estimate import Estimate
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from acd.timers import AGENT, CALL, OFFER, Timers

Axes = tuple[str, str, str, int | None, str]
REMEMBER_ENDED = 300.0
"""Seconds for which a call that ended is known as such."""


class FloorState:
    """Agents, calls, offers, conversations and the indexes over them. `out` collects the commands of one event."""

    def __init__(self) -> None:
        self.now = 0.0
        self.policy = Policy()
        self.queues: dict[str, WaitingQueue] = {}
        self.estimates: dict[str, Estimate] = {}
        self.agents: dict[str, Agent] = {}
        self.calls: dict[int, Call] = {}
        self.offers: dict[int, StandingOffer] = {}
        self.conversations: dict[int, Conversation] = {}
        self.reserved: dict[str, dict[str, OrderedCalls]] = {}
        """Available calls that are reserved for one agent: agent → queue → calls."""
        self.ended: dict[int, float] = {}
        """Calls that ended lately, and when: late events about them change nothing."""
        self.next_offer = 1
        self.profiles = SkillProfiles()
        self.timers = Timers()
        # Of the event at hand:
        self.out: list[Command] = []
        self.dirty_agents: dict[str, None] = {}
        self.dirty_calls: dict[int, None] = {}
        self.to_review: dict[int, None] = {}
        self.touched: dict[str, Axes] = {}

    # Queues

    def queue(self, name: str) -> WaitingQueue:
        """The queue of this name. One that no definition names gets the default rules: no caller is lost for it."""
        queue = self.queues.get(name)
        if queue is None:
            queue = self.add_queue(Queue(name, skill=name if name in self.policy.skills else ""))
            self.estimates[name] = Estimate(queue.rules.handling)
        return queue

    def add_queue(self, rules: Queue) -> WaitingQueue:
        """A queue with these rules, empty."""
        queue = self.queues[rules.name] = WaitingQueue(rules, self.policy.ageing_limit)
        return queue

    def set_policy(self, policy: Policy) -> None:
        """New rules. Every waiting call keeps its queue time; a queue that is no longer defined keeps its rules while
        calls wait in it."""
        waiting = [self.calls[id_] for id_ in sorted(self.calls)]
        for call in waiting:
            self.withhold(call)
        self.reserved.clear()
        self.profiles.forget_plans()
        self.policy, before, self.queues = policy, self.queues, {}
        for rules in policy.queues:
            self.add_queue(rules)
        for name in sorted(name for name, queue in before.items() if name not in self.queues and len(queue.calls)):
            self.add_queue(before[name].rules)
        self.set_estimates()
        for call in waiting:
            self.enter(call)
            call.step = min(call.step, len(call.plan.steps) - 1)
            call.fired = [index for index in call.fired if index < len(self.queues[call.queue].recipes)]

    def set_estimates(self) -> None:
        """An estimate for every queue. What was learned stays with the queue's name."""
        old = self.estimates
        self.estimates = {name: old.get(name) or Estimate(queue.rules.handling) for name, queue in self.queues.items()}

    # Agents

    def touch(self, agent: Agent) -> None:
        """Remember how the agent was before this event."""
        if agent.id not in self.touched:
            self.touched[agent.id] = self.axes(agent)

    @staticmethod
    def axes(agent: Agent) -> Axes:
        """What `AgentChanged` tells of the agent: status, state, reason, call, pending status."""
        pending = agent.pending[0].value if agent.pending else ""
        return (agent.status.value, agent.state.value, agent.reason or agent.why, agent.call or None, pending)

    def report_changes(self) -> None:
        """Say of every touched agent what changed."""
        for id_, before in self.touched.items():
            agent = self.agents.get(id_)
            if agent is not None and (axes := self.axes(agent)) != before:
                self.out.append(AgentChanged(id_, *axes))
        self.touched.clear()

    def move(self, agent: Agent, signal: Signal) -> None:
        """Follow the state table, and keep index and timer true."""
        self.touch(agent)
        agent.move(signal, self.now)
        self.refresh(agent)

    def refresh(self, agent: Agent, *, idle_from_now: bool = False) -> None:
        """Bring index and timer in line with the agent. Must follow every change of status, state, phone or rest."""
        agent.unready = None
        signed_in = agent.status is not Status.SIGNED_OUT
        ready = signed_in and agent.is_ready(self.now)
        if agent.indexed and not ready:
            self.profiles.remove_ready(agent)
        if signed_in is not agent.signed_in:
            (self.profiles.sign_in if signed_in else self.profiles.sign_out)(agent)
        if signed_in:
            self.profiles.set_manned(agent, agent.status is Status.AVAILABLE)
        if idle_from_now:
            agent.idle_since = self.now
        if ready and not agent.indexed:
            agent.recent_at_ready = agent.recent_calls(self.now)
            self.profiles.add_ready(agent)
            self.dirty_agents[agent.id] = None
        self.timers.arm(AGENT, agent.id, agent, agent.next_due(self.now))

    def add_agent(self, id: str) -> Agent:
        """An agent who was not known: signed out, without skills."""
        agent = self.agents[id] = Agent(id, self.now)
        return agent

    def set_skills(self, agent: Agent, skills: tuple[Skill, ...]) -> None:
        """Replace the agent's skills."""
        if agent.indexed:
            self.profiles.remove_ready(agent)
        if agent.signed_in:
            self.profiles.sign_out(agent)
        agent.learn(skills)
        self.refresh(agent)

    def remove_agent(self, agent: Agent) -> None:
        """The agent, who must be signed out, is no longer known."""
        self.timers.arm(AGENT, agent.id, agent, None)
        self.touched.pop(agent.id, None)
        self.out.append(AgentChanged(agent.id, agent.status.value, AgentState.IDLE.value, agent.reason))
        del self.agents[agent.id]

    # Calls

    def enter(self, call: Call) -> None:
        """Put a call in its queue and find its plan."""
        self.calls[call.id] = call
        queue = self.queue(call.queue)
        head_start = queue.rules.vip_head_start if call.asked.vip else 0.0
        call.arrival = 0.0 if call.asked.first else min(call.asked.queued_at, call.entered) - head_start
        self._rank(call, queue)
        call.plan = self.profiles.plan(queue.rules, call.asked.requirement)
        call.plan.calls.add(call.id)
        self.estimates[call.queue].arrived(self.now)

    def leave(self, call: Call) -> None:
        """Take a call out of its queue. It must enter another, or be forgotten."""
        self.withhold(call)
        queue = self.queues[call.queue]
        queue.calls.remove(call)
        call.plan.calls.discard(call.id)
        self.timers.arm(CALL, call.id, call, None)
        self.estimates[call.queue].departed(self.now, self.profile(call).manned, len(queue.calls))

    def reorder(self, call: Call) -> None:
        """The priority changed: find the new position in the same queue."""
        available = call.available_in is not None
        self.withhold(call)
        queue = self.queues[call.queue]
        queue.calls.remove(call)
        self._rank(call, queue)
        if available:
            self.make_available(call)

    def _rank(self, call: Call, queue: WaitingQueue) -> None:
        call.virtual = queue.virtual_arrival(call.arrival, queue.rules.priority + call.priority)
        call.ripe = call.virtual + queue.limit / queue.rules.ageing <= self.now
        queue.calls.add(call)

    def forget(self, call: Call) -> None:
        """The call waits no more."""
        self.leave(call)
        del self.calls[call.id]
        self.dirty_calls.pop(call.id, None)
        self.to_review.pop(call.id, None)

    def end(self, call: int) -> None:
        """Remember for a while that the call ended."""
        ended = self.ended
        ended[call] = self.now
        while (first := next(iter(ended))) != call and ended[first] < self.now - REMEMBER_ENDED:
            del ended[first]

    def ripen(self) -> None:
        """Let calls that have all their points by now go by arrival."""
        for queue in self.queues.values():
            while id_ := queue.next_ripe(self.now):
                call = self.calls[id_]
                orders = (queue.calls,) if call.available_in is None else (queue.calls, call.available_in)
                for calls in orders:
                    calls.remove(call)
                call.ripe = True
                for calls in orders:
                    calls.add(call)

    def profile(self, call: Call) -> SkillProfile:
        """The skill profile in force."""
        return call.plan.steps[call.step][1]

    def requirement(self, call: Call) -> Requirement:
        """The requirement in force."""
        return self.profile(call).requirement

    def can_be_taken(self, call: Call) -> bool:
        """Whether the call may be offered now: no offer stands, and a server holds the caller."""
        return call.state is CallState.WAITING and call.attached

    def make_available(self, call: Call) -> None:
        """Put the call where the agents who may take it find it, or nowhere. Must follow every change of that."""
        self.withhold(call)
        if not self.can_be_taken(call):
            return
        agent = call.reserved_for
        by_queue = self.reserved.setdefault(agent, {}) if agent else self.profile(call).waiting
        calls = by_queue.get(call.queue)
        if calls is None:
            calls = by_queue[call.queue] = self.queues[call.queue].new_order()
        calls.add(call)
        call.available_in = calls
        self.dirty_calls[call.id] = None

    def withhold(self, call: Call) -> None:
        """Agents do not find the call from now on."""
        if call.available_in is not None:
            call.available_in.remove(call)
            call.available_in = None

    def review(self, call: Call) -> None:
        """Within this event, look once more at a call that can be taken: for an agent, then for overflow."""
        if call.left_out:
            self.dirty_calls[call.id] = None
        self.to_review[call.id] = None

    def calls_reserved_for(self, agent: Agent) -> list[Call]:
        """The available calls that are reserved for this agent, by number."""
        orders = self.reserved.get(agent.id, {}).values()
        return [self.calls[id_] for id_ in sorted(id_ for calls in orders for id_ in calls.ids())]

    def tidy_reserved(self, agent: Agent) -> None:
        """Forget the agent's orders if no call is reserved for the agent any more."""
        if not any(len(calls) for calls in self.reserved.get(agent.id, {}).values()):
            self.reserved.pop(agent.id, None)

    def wake_at(self, call: Call, due: float | None) -> None:
        """Set the instant at which the call is looked at next; None: not before an event changes it."""
        self.timers.arm(CALL, call.id, call, due)

    # Offers and conversations

    def take_offer_number(self) -> int:
        """A number for an offer, or for a leg that begins without one."""
        number = self.next_offer
        self.next_offer += 1
        return number

    def open_offer(self, offer: StandingOffer) -> None:
        """Reserve its agent and its call for each other until its deadline."""
        call, agent = self.calls[offer.call], self.agents[offer.agent]
        self.offers[offer.id] = offer
        self.timers.arm(OFFER, offer.id, offer, offer.deadline)
        call.state, call.offer = CallState.OFFERED, offer.id
        call.offers += 1
        self.withhold(call)
        agent.offer, agent.call = offer.id, call.id
        self.move(agent, Signal.OFFERED)

    def extend_offer(self, offer: StandingOffer, deadline: float) -> None:
        """Let the offer stand until `deadline` at least."""
        if offer.deadline < deadline:
            offer.deadline = deadline
            self.timers.arm(OFFER, offer.id, offer, deadline)

    def close_offer(self, offer: StandingOffer) -> None:
        """The offer stands no more. The agent's state and the call are the caller's business."""
        del self.offers[offer.id]
        self.timers.arm(OFFER, offer.id, offer, None)
        self.agents[offer.agent].offer = 0

    def conversation(self, asked: CallQueued) -> Conversation:
        """The conversation of a call that waited as this."""
        conversation = self.conversations.setdefault(asked.call, Conversation(asked))
        conversation.asked = asked
        return conversation

    def end_conversation(self, call: int) -> Conversation | None:
        """The call is in no conversation any more; the conversation that it was in."""
        return self.conversations.pop(call, None)

    # Decisions

    def decision(self, call: Call, kind: str, rule: str, agent: str = "") -> Decision:
        """A decision record of the call as it stands."""
        queue = self.queues[call.queue]
        return Decision(
            call=call.id,
            kind=kind,
            rule=rule,
            at=self.now,
            queue=call.queue,
            agent=agent,
            step=call.step,
            position=queue.calls.index(call) + 1,
            waited=self.now - call.asked.queued_at,
            score=queue.points(call, self.now),
        )
