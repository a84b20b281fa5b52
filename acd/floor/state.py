"""Everything the floor knows at one instant, and the few moves that keep its indexes true.

The laws (`desk`, `hall`, `offers`, `patience`, `matching`) change agents and calls only through these moves.
"""

from __future__ import annotations

from acd.commands import AgentChanged, Command
from acd.decisions import Decision
from acd.events import CallQueued, Status
from acd.floor.agents import Agent, Signal
from acd.floor.calls import Call, Place, Ring, Talk
from acd.floor.eligibility import Shape, Shapes
from acd.floor.queue_order import Line, Row
from acd.floor.wait_estimate import Estimate
from acd.policy.definitions import Policy, Queue, Requirement
from acd.timers import AGENT, CALL, Timers

Axes = tuple[str, str, str, int | None, str]


class Room:
    """Agents, calls, offers, conversations and the indexes over them. `out` collects the commands of one event."""

    def __init__(self) -> None:
        self.now = 0.0
        self.policy = Policy()
        self.lines: dict[str, Line] = {}
        self.estimates: dict[str, Estimate] = {}
        self.agents: dict[str, Agent] = {}
        self.calls: dict[int, Call] = {}
        self.rings: dict[int, Ring] = {}
        self.talks: dict[int, Talk] = {}
        self.own_rows: dict[str, dict[str, Row]] = {}
        """Calls kept for one agent, a row per queue."""
        self.ended: dict[int, float] = {}
        """Calls that ended lately, so that late facts about them do no harm."""
        self.next_offer = 1
        self.shapes = Shapes()
        self.timers = Timers()
        # Of the event at hand:
        self.out: list[Command] = []
        self.dirty_agents: dict[str, None] = {}
        self.dirty_calls: dict[int, None] = {}
        self.to_review: dict[int, None] = {}
        self.touched: dict[str, Axes] = {}

    # Queues

    def line(self, name: str) -> Line:
        """The line of a queue. A queue that no definition names gets the default rules: no caller is lost for it."""
        line = self.lines.get(name)
        if line is None:
            queue = Queue(name, skill=name if name in self.policy.skills else "")
            line = self.lines[name] = Line(queue, self.policy.ageing_limit)
            self.estimates[name] = Estimate(queue.handling)
        return line

    def set_estimates(self) -> None:
        """What was learned stays with the queue's name."""
        old = self.estimates
        self.estimates = {name: old.get(name) or Estimate(line.queue.handling) for name, line in self.lines.items()}

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
            self.shapes.unplace(agent)
        if signed_in is not agent.signed_in:
            (self.shapes.sign_in if signed_in else self.shapes.sign_out)(agent)
        if signed_in:
            self.shapes.set_manned(agent, agent.status is Status.AVAILABLE)
        if idle_from_now:
            agent.idle_since = self.now
        if ready and not agent.indexed:
            agent.recent_at_ready = agent.recent_calls(self.now)
            self.shapes.place(agent)
            self.dirty_agents[agent.id] = None
        self.timers.arm(AGENT, agent.id, agent, agent.next_due(self.now))

    # Calls

    def enter(self, call: Call) -> None:
        """Put a call in its queue's line and find its plan."""
        line = self.line(call.queue)
        queue = line.queue
        head_start = queue.vip_head_start if call.asked.vip else 0.0
        call.arrival = min(call.asked.queued_at, call.entered) - head_start
        call.virtual = line.virtual_arrival(call.arrival, queue.priority + call.priority)
        call.ripe = call.virtual + line.limit / queue.ageing <= self.now
        line.row.add(call)
        call.plan = self.shapes.plan(queue, call.asked.requirement)
        call.plan.calls.add(call.id)
        self.estimates[call.queue].arrived(self.now)

    def leave(self, call: Call) -> None:
        """Take a call out of its line; it is put in another or forgotten."""
        self.unrow(call)
        line = self.lines[call.queue]
        line.row.remove(call)
        call.plan.calls.discard(call.id)
        self.timers.arm(CALL, call.id, call, None)
        self.estimates[call.queue].departed(self.now, self.shape(call).manned, len(line.row))

    def reorder(self, call: Call) -> None:
        """Priority changed: find the new place in the same line."""
        row = call.row
        self.unrow(call)
        line = self.lines[call.queue]
        line.row.remove(call)
        call.virtual = line.virtual_arrival(call.arrival, line.queue.priority + call.priority)
        call.ripe = call.virtual + line.limit / line.queue.ageing <= self.now
        line.row.add(call)
        if row is not None:
            self.rerow(call)

    def forget(self, call: Call) -> None:
        """The call waits no more."""
        self.leave(call)
        del self.calls[call.id]
        self.dirty_calls.pop(call.id, None)
        self.to_review.pop(call.id, None)

    def ripen(self) -> None:
        """Let calls that have all their points by now go by arrival."""
        for line in self.lines.values():
            while id_ := line.next_ripe(self.now):
                call = self.calls[id_]
                rows = (line.row,) if call.row is None else (line.row, call.row)
                for row in rows:
                    row.remove(call)
                call.ripe = True
                for row in rows:
                    row.add(call)

    def shape(self, call: Call) -> Shape:
        """The requirement in force."""
        return call.plan.steps[call.step][1]

    def requirement(self, call: Call) -> Requirement:
        return self.shape(call).requirement

    def can_be_taken(self, call: Call) -> bool:
        return call.place is Place.WAITING and call.attached

    def rerow(self, call: Call) -> None:
        """Put the call where the agents who may take it find it, or nowhere. Must follow whatever changes that."""
        self.unrow(call)
        if not self.can_be_taken(call):
            return
        rows = self.own_rows.setdefault(call.hold_for, {}) if call.hold_for else self.shape(call).rows
        row = rows.get(call.queue)
        if row is None:
            row = rows[call.queue] = self.lines[call.queue].new_row()
        row.add(call)
        call.row = row
        self.dirty_calls[call.id] = None

    def unrow(self, call: Call) -> None:
        if call.row is not None:
            call.row.remove(call)
            call.row = None

    def talk(self, asked: CallQueued) -> Talk:
        """The conversation of a call that waited as this."""
        talk = self.talks.setdefault(asked.call, Talk(asked))
        talk.asked = asked
        return talk

    # Saying

    def decision(self, call: Call, kind: str, rule: str, agent: str = "") -> Decision:
        """A decision record of the call as it stands."""
        line = self.lines[call.queue]
        return Decision(
            call=call.id,
            kind=kind,
            rule=rule,
            at=self.now,
            queue=call.queue,
            agent=agent,
            step=call.step,
            position=line.row.index(call) + 1,
            waited=self.now - call.asked.queued_at,
            score=line.points(call, self.now),
        )
