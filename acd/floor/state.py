"""Everything the floor knows at one instant, and the few moves that keep its indexes true.

The laws (`desk`, `hall`, `offers`, `patience`, `matching`) change agents and calls only through these moves.
"""

from __future__ import annotations

from acd.commands import AgentChanged, Command
from acd.decisions import Decision
from acd.events import CallQueued, Status
from acd.floor.agents import Agent, Signal
from acd.floor.calls import Call, CallState, Conversation, StandingOffer
from acd.floor.eligibility import SkillProfile, SkillProfiles
from acd.floor.queue_order import OrderedCalls, WaitingQueue
from acd.floor.wait_estimate import Estimate
from acd.policy.definitions import Policy, Queue, Requirement
from acd.timers import AGENT, CALL, Timers

Axes = tuple[str, str, str, int | None, str]


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
        """Calls kept for one agent, a row per queue."""
        self.ended: dict[int, float] = {}
        """Calls that ended lately, so that late facts about them do no harm."""
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
            rules = Queue(name, skill=name if name in self.policy.skills else "")
            queue = self.queues[name] = WaitingQueue(rules, self.policy.ageing_limit)
            self.estimates[name] = Estimate(rules.handling)
        return queue

    def set_estimates(self) -> None:
        """What was learned stays with the queue's name."""
        old = self.estimates
        self.estimates = {name: old.get(name) or Estimate(queue.rules.handling) for name, queue in self.queues.items()}

    # Agents

    def touch(self, agent: Agent) -> None:
        """Remember how the agent was before this event."""
        if agent.id not in self.touched:
            self.touched[agent.id] = self.axes(agent)

    @staticmethod
    def axes(agent: Agent) -> Axes:
        pending = agent.pending[0].value if agent.pending else ""
        return (agent.status.value, agent.state.value, agent.reason or agent.why, agent.call or None, pending)

    def report_changes(self) -> None:
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

    # Calls

    def enter(self, call: Call) -> None:
        """Put a call in its queue's line and find its plan."""
        queue = self.queue(call.queue)
        head_start = queue.rules.vip_head_start if call.asked.vip else 0.0
        call.arrival = min(call.asked.queued_at, call.entered) - head_start
        self._rank(call, queue)
        call.plan = self.profiles.plan(queue.rules, call.asked.requirement)
        call.plan.calls.add(call.id)
        self.estimates[call.queue].arrived(self.now)

    def leave(self, call: Call) -> None:
        """Take a call out of its line; it is put in another or forgotten."""
        self.withhold(call)
        queue = self.queues[call.queue]
        queue.calls.remove(call)
        call.plan.calls.discard(call.id)
        self.timers.arm(CALL, call.id, call, None)
        self.estimates[call.queue].departed(self.now, self.profile(call).manned, len(queue.calls))

    def reorder(self, call: Call) -> None:
        """Priority changed: find the new place in the same queue."""
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
        """The requirement in force."""
        return call.plan.steps[call.step][1]

    def requirement(self, call: Call) -> Requirement:
        return self.profile(call).requirement

    def can_be_taken(self, call: Call) -> bool:
        return call.state is CallState.WAITING and call.attached

    def make_available(self, call: Call) -> None:
        """Put the call where the agents who may take it find it, or nowhere. Must follow whatever changes that."""
        self.withhold(call)
        if not self.can_be_taken(call):
            return
        by_queue = self.reserved.setdefault(call.hold_for, {}) if call.hold_for else self.profile(call).waiting
        calls = by_queue.get(call.queue)
        if calls is None:
            calls = by_queue[call.queue] = self.queues[call.queue].new_order()
        calls.add(call)
        call.available_in = calls
        self.dirty_calls[call.id] = None

    def withhold(self, call: Call) -> None:
        if call.available_in is not None:
            call.available_in.remove(call)
            call.available_in = None

    def conversation(self, asked: CallQueued) -> Conversation:
        """The conversation of a call that waited as this."""
        conversation = self.conversations.setdefault(asked.call, Conversation(asked))
        conversation.asked = asked
        return conversation

    # Saying

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
