"""Who could serve what, kept at hand: so that neither a new call nor a freed agent looks at anybody in vain.

A **shape** is a requirement with a strategy; many calls share one. It knows the signed-in agents who meet it, those of
them who are ready in the strategy's order, and the calls that ask for it, a row per queue. An agent knows the shapes
they serve. A change of one agent costs the shapes that agent serves, whatever the number of agents.

A **plan** is a queue's relaxation steps applied to one requirement, shared by all calls that came with it. Each step is
looser than the one before, so a plan is hopeless exactly when nobody signed in meets its last step.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from acd.floor.agents import Agent
from acd.floor.queue_order import Row
from acd.floor.strategies import COUNTS_RECENT_CALLS, STRATEGIES
from acd.policy.definitions import Queue, Requirement, Strategy

KEEP = 512
"""Shapes kept although no call asks for them at the moment."""


class Shape:
    """One requirement under one strategy."""

    __slots__ = ("counts_recent", "manned", "plans", "ready", "requirement", "rows", "staff", "strategy")

    def __init__(self, requirement: Requirement, strategy: Strategy) -> None:
        self.requirement = requirement
        self.strategy = strategy
        self.counts_recent = strategy in COUNTS_RECENT_CALLS
        self.ready: list[tuple[object, ...]] = []
        """Sorted keys: the strategy's part, idle since, agent id."""
        self.staff: list[str] = []
        """Signed-in agents who meet it, by id."""
        self.manned = 0
        """How many of them are available, busy or not."""
        self.rows: dict[str, Row] = {}
        self.plans: list[Plan] = []

    @staticmethod
    def ready_score(key: tuple[object, ...]) -> tuple[float, ...]:
        """The strategy's part of a ready agent's key."""
        return key[:-2]  # type: ignore[return-value]


class Plan:
    """Requirement by requirement, what calls of one kind ask for as time goes by."""

    __slots__ = ("calls", "refused", "steps")

    def __init__(self, steps: tuple[tuple[float, Shape], ...], refused: tuple[str, ...]) -> None:
        self.steps = steps
        """(seconds in the queue, shape); the first is the calls' own requirement at 0."""
        self.refused = refused
        """Why steps of the queue do not apply to these calls."""
        self.calls: set[int] = set()

    @property
    def is_hopeless(self) -> bool:
        """Whether nobody signed in could serve these calls, now or after any relaxation."""
        return not self.steps[-1][1].staff


class Shapes:
    """The index. `flipped` collects the plans of shapes that gained their first or lost their last signed-in agent."""

    __slots__ = ("_by_anchor", "_by_skill", "_plans", "_shapes", "flipped", "signed_in")

    def __init__(self) -> None:
        self._shapes: dict[tuple[Requirement, Strategy], Shape] = {}
        self._plans: dict[tuple[str, Requirement], Plan] = {}
        self._by_anchor: dict[str, list[Shape]] = {}
        self._by_skill: dict[str, dict[str, Agent]] = {}
        self.signed_in: dict[str, Agent] = {}
        self.flipped: list[Plan] = []

    # Calls

    def plan(self, queue: Queue, requirement: Requirement) -> Plan:
        """The plan of calls that come to this queue with this requirement."""
        plan = self._plans.get((queue.name, requirement))
        if plan is not None:
            return plan
        self._forget_unused()
        steps = [(0.0, self._shape(requirement, queue.strategy))]
        refused = []
        for index, step in enumerate(queue.relax, start=1):
            before = steps[-1][1].requirement
            asked = Requirement(step.requirement.required, step.requirement.preferred or requirement.preferred)
            if asked == before:
                continue
            if asked.is_looser_than(before):
                steps.append((step.after, self._shape(asked, queue.strategy)))
            else:
                refused.append(f"step {index} asks for {asked}, which is not looser than {before}: left out")
        plan = Plan(tuple(steps), tuple(refused))
        for shape in {id(shape): shape for _, shape in steps}.values():
            shape.plans.append(plan)
        self._plans[queue.name, requirement] = plan
        return plan

    def forget_plans(self) -> None:
        """The queues' rules changed: plans are made anew. No call may be in a row."""
        self._plans.clear()
        for shape in self._shapes.values():
            shape.plans.clear()
            shape.rows.clear()

    def _shape(self, requirement: Requirement, strategy: Strategy) -> Shape:
        shape = self._shapes.get((requirement, strategy))
        if shape is None:
            shape = self._shapes[requirement, strategy] = Shape(requirement, strategy)
            names = [skill.name for skill in requirement.required]
            anchor = names[0] if names else ""
            self._by_anchor.setdefault(anchor, []).append(shape)
            for agent in (self._by_skill.get(anchor, {}) if anchor else self.signed_in).values():
                if requirement.met_by(agent.skills):
                    self._join(agent, shape)
                    if agent.indexed:
                        self._place(agent, shape)
        return shape

    def _forget_unused(self) -> None:
        if len(self._shapes) < KEEP:
            return
        for key in [key for key, plan in self._plans.items() if not plan.calls]:
            plan = self._plans.pop(key)
            for shape in {id(shape): shape for _, shape in plan.steps}.values():
                shape.plans.remove(plan)
        for skey in [key for key, shape in self._shapes.items() if not shape.plans]:
            shape = self._shapes.pop(skey)
            names = [skill.name for skill in shape.requirement.required]
            self._by_anchor[names[0] if names else ""].remove(shape)
            for id_ in shape.staff:
                agent = self.signed_in[id_]
                del agent.serves[shape]
                agent.placed = [entry for entry in agent.placed if entry[0] is not shape]

    # Agents

    def sign_in(self, agent: Agent) -> None:
        """From now on the agent counts as staff of every shape they meet."""
        agent.signed_in = True
        self.signed_in[agent.id] = agent
        for name in agent.skills:
            self._by_skill.setdefault(name, {})[agent.id] = agent
        for anchor in ("", *agent.skills):
            for shape in self._by_anchor.get(anchor, ()):
                if shape.requirement.met_by(agent.skills):
                    self._join(agent, shape)
                    if len(shape.staff) == 1:
                        self.flipped.extend(shape.plans)

    def sign_out(self, agent: Agent) -> None:
        """The agent counts no more. Must have been unplaced."""
        agent.signed_in = False
        del self.signed_in[agent.id]
        for name in agent.skills:
            del self._by_skill[name][agent.id]
        for shape in agent.serves:
            staff = shape.staff
            del staff[bisect_left(staff, agent.id)]
            shape.manned -= agent.manned
            if not staff:
                self.flipped.extend(shape.plans)
        agent.serves.clear()
        agent.manned = False

    def set_manned(self, agent: Agent, manned: bool) -> None:
        """Whether the agent is available, busy or not: what the estimated wait counts."""
        if agent.manned is not manned:
            agent.manned = manned
            for shape in agent.serves:
                shape.manned += 1 if manned else -1

    def _join(self, agent: Agent, shape: Shape) -> None:
        agent.serves[shape] = STRATEGIES[shape.strategy](agent, shape.requirement)
        insort(shape.staff, agent.id)
        shape.manned += agent.manned

    def place(self, agent: Agent) -> None:
        """The agent became ready."""
        agent.indexed = True
        for shape in agent.serves:
            self._place(agent, shape)

    def _place(self, agent: Agent, shape: Shape) -> None:
        static = agent.serves[shape]
        if shape.counts_recent:
            static = (*static, float(agent.recent_at_ready))
        key = (*static, agent.idle_since, agent.id)
        insort(shape.ready, key)
        agent.placed.append((shape, key))

    def unplace(self, agent: Agent) -> None:
        """The agent is ready no more."""
        agent.indexed = False
        for shape, key in agent.placed:
            ready = shape.ready
            del ready[bisect_left(ready, key)]
        agent.placed.clear()
