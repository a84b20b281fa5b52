"""An index of which agents could serve which calls: a new call or a freed agent looks only at those that match.

It keeps the skill profiles and the relaxation plans (`profiles`) true. An agent holds the profiles that it serves. A
change of one agent costs the profiles that it serves, whatever the number of agents.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from acd.floor.agents import Agent
from acd.floor.profiles import RelaxationPlan, SkillProfile
from acd.floor.strategies import COUNTS_RECENT_CALLS, STRATEGIES
from acd.policy.definitions import Queue, Requirement, Strategy

KEEP = 512
"""Skill profiles that stay although no call asks for them at the moment."""


class SkillProfiles:
    """The index. `flipped` collects the plans whose profiles gained their first or lost their last signed-in agent."""

    __slots__ = ("_by_anchor", "_by_skill", "_plans", "_profiles", "flipped", "signed_in")

    def __init__(self) -> None:
        self._profiles: dict[tuple[Requirement, Strategy], SkillProfile] = {}
        self._plans: dict[tuple[str, Requirement], RelaxationPlan] = {}
        self._by_anchor: dict[str, list[SkillProfile]] = {}
        self._by_skill: dict[str, dict[str, Agent]] = {}
        self.signed_in: dict[str, Agent] = {}
        self.flipped: list[RelaxationPlan] = []

    # Calls

    def plan(self, queue: Queue, requirement: Requirement) -> RelaxationPlan:
        """The plan of calls that come to this queue with this requirement."""
        plan = self._plans.get((queue.name, requirement))
        if plan is not None:
            return plan
        self._forget_unused()
        steps = [(0.0, self._profile(requirement, queue.strategy))]
        refused = []
        for index, step in enumerate(queue.relax, start=1):
            before = steps[-1][1].requirement
            asked = Requirement(step.requirement.required, step.requirement.preferred or requirement.preferred)
            if asked == before:
                continue
            if asked.is_looser_than(before):
                steps.append((step.after, self._profile(asked, queue.strategy)))
            else:
                refused.append(f"step {index} asks for {asked}, which is not looser than {before}: left out")
        plan = RelaxationPlan(tuple(steps), tuple(refused))
        for profile in {id(profile): profile for _, profile in steps}.values():
            profile.plans.append(plan)
        self._plans[queue.name, requirement] = plan
        return plan

    def forget_plans(self) -> None:
        """The queues' rules changed: plans are made anew. No call may be available to agents."""
        self._plans.clear()
        for profile in self._profiles.values():
            profile.plans.clear()
            profile.waiting.clear()

    def _profile(self, requirement: Requirement, strategy: Strategy) -> SkillProfile:
        profile = self._profiles.get((requirement, strategy))
        if profile is None:
            profile = self._profiles[requirement, strategy] = SkillProfile(
                requirement, strategy, counts_recent=strategy in COUNTS_RECENT_CALLS
            )
            names = [skill.name for skill in requirement.required]
            anchor = names[0] if names else ""
            self._by_anchor.setdefault(anchor, []).append(profile)
            for agent in (self._by_skill.get(anchor, {}) if anchor else self.signed_in).values():
                if requirement.met_by(agent.skills):
                    self._join(agent, profile)
                    if agent.indexed:
                        self._add_ready(agent, profile)
        return profile

    def _forget_unused(self) -> None:
        if len(self._profiles) < KEEP:
            return
        for key in [key for key, plan in self._plans.items() if not plan.calls]:
            plan = self._plans.pop(key)
            for profile in {id(profile): profile for _, profile in plan.steps}.values():
                profile.plans.remove(plan)
        for skey in [key for key, profile in self._profiles.items() if not profile.plans]:
            profile = self._profiles.pop(skey)
            names = [skill.name for skill in profile.requirement.required]
            self._by_anchor[names[0] if names else ""].remove(profile)
            for id_ in profile.staff:
                agent = self.signed_in[id_]
                del agent.serves[profile]
                agent.ready_keys = [entry for entry in agent.ready_keys if entry[0] is not profile]

    # Agents

    def sign_in(self, agent: Agent) -> None:
        """From now on the agent counts as staff of every profile whose requirement the agent meets."""
        agent.signed_in = True
        self.signed_in[agent.id] = agent
        for name in agent.skills:
            self._by_skill.setdefault(name, {})[agent.id] = agent
        for anchor in ("", *agent.skills):
            for profile in self._by_anchor.get(anchor, ()):
                if profile.requirement.met_by(agent.skills):
                    self._join(agent, profile)
                    if len(profile.staff) == 1:
                        self.flipped.extend(profile.plans)

    def sign_out(self, agent: Agent) -> None:
        """The agent counts no more. `remove_ready` must come before."""
        agent.signed_in = False
        del self.signed_in[agent.id]
        for name in agent.skills:
            del self._by_skill[name][agent.id]
        for profile in agent.serves:
            staff = profile.staff
            del staff[bisect_left(staff, agent.id)]
            profile.manned -= agent.manned
            if not staff:
                self.flipped.extend(profile.plans)
        agent.serves.clear()
        agent.manned = False

    def set_manned(self, agent: Agent, manned: bool) -> None:
        """Whether the agent is available, busy or not: what the estimated wait counts."""
        if agent.manned is not manned:
            agent.manned = manned
            for profile in agent.serves:
                profile.manned += 1 if manned else -1

    def _join(self, agent: Agent, profile: SkillProfile) -> None:
        agent.serves[profile] = STRATEGIES[profile.strategy](agent, profile.requirement)
        insort(profile.staff, agent.id)
        profile.manned += agent.manned

    def add_ready(self, agent: Agent) -> None:
        """The agent became ready."""
        agent.indexed = True
        for profile in agent.serves:
            self._add_ready(agent, profile)

    def _add_ready(self, agent: Agent, profile: SkillProfile) -> None:
        static = agent.serves[profile]
        if profile.counts_recent:
            static = (*static, float(agent.recent_at_ready))
        key = (*static, agent.idle_since, agent.id)
        insort(profile.ready, key)
        agent.ready_keys.append((profile, key))

    def remove_ready(self, agent: Agent) -> None:
        """The agent is ready no more."""
        agent.indexed = False
        for profile, key in agent.ready_keys:
            ready = profile.ready
            del ready[bisect_left(ready, key)]
        agent.ready_keys.clear()
