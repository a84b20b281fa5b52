"""Properties that hold for every course of events on the floor."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acd import events as ev
from acd.callbacks import events as cb
from acd.commands import Announce, Divert, Moved, Offer, Withdraw
from acd.events import Outcome, Status
from acd.floor.agents import AgentState
from acd.floor.calls import CallState
from acd.floor.engine import Floor
from acd.floor.strategies import STRATEGIES
from acd.policy.definitions import Policy, Requirement, Skill
from acd.policy.reading import read_policy

SKILLS = ("complaint", "inquiry", "attitude")
AGENTS = tuple(f"{1000 + n}" for n in range(6))


def policy(kind: int) -> Policy:
    """A few hotlines, different in everything that may change under load."""
    wrap = ["none", "timed", "forced", "until_done"][kind % 4]
    strategies = ["best_fit", "least_skilled", "longest_idle", "fewest_calls"]
    return read_policy(
        {
            "skills": list(SKILLS),
            "routing": {"ageing_limit": 40, "forget_detached": 90, "no_answer_resets_idle": kind % 2 == 0},
            "queues": {
                "complaint": {
                    "skill": "complaint",
                    "priority": 10,
                    "ageing": 1.0 if kind % 2 else 0.25,
                    "strategy": strategies[kind % 4],
                    "wrap_up": {"mode": wrap, "seconds": 10},
                    "relax": [{"after": 15, "required": {"complaint": 2}}, {"after": 40, "required": {"complaint": 1}}],
                    "overflow": [
                        {"hopeless": 5, "to": "callback"},
                        {"above": 4, "to": "inquiry"},
                        {"after": 60, "to": "inquiry"},
                    ],
                    "max_wait": 300,
                },
                "inquiry": {
                    "skill": "inquiry",
                    "ageing": 0.5,
                    "strategy": strategies[(kind + 1) % 4],
                    "owner_first": 10,
                    "overflow": [{"after": 100, "to": "message"}],
                },
            }
            | ({"extra": {"skill": "complaint"}} if kind % 3 else {}),
        }
    )


levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 4), max_size=3)
some_skills = levels.map(lambda found: tuple(Skill(name, level) for name, level in found.items()))
requirements = st.builds(
    Requirement,
    st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 4), max_size=2).map(
        lambda found: tuple(Skill(name, level) for name, level in sorted(found.items()))
    ),
    st.just(()) | st.just((Skill("attitude", 2),)),
)
agents = st.sampled_from(AGENTS)
picks = st.integers(0, 50)


class AnyFloor(RuleBasedStateMachine):
    """Plays random events on a floor and, from some point on, on its restored copy."""

    def __init__(self) -> None:
        super().__init__()
        self.floor = Floor()
        self.twin = Floor()
        self.now = 1_760_000_000.0
        self.log: list[tuple[object, float, list[Any]]] = []
        self.last: list[Any] = []
        self.calls = 0
        self.announced: dict[int, Announce] = {}

    @initialize(kind=st.integers(0, 11))
    def start(self, kind: int) -> None:
        self.play(ev.PolicySet(policy(kind)))
        for number, name in enumerate(AGENTS[:3]):
            self.play(ev.AgentDefined(name, name, (Skill("complaint", number + 1), Skill("inquiry", 3 - number))))
            self.play(ev.StatusSet(name, Status.AVAILABLE))

    def play(self, event: object) -> None:
        self.last = self.floor.receive(event, self.now)
        assert self.twin.receive(event, self.now) == self.last, "a restored floor answers differently"
        assert self.twin.next_timer() == self.floor.next_timer()
        self.log.append((event, self.now, self.last))
        self.check_offers()
        self.check_announcements()

    # What may happen

    @rule(kind=st.integers(0, 11))
    def rules_change(self, kind: int) -> None:
        self.play(ev.PolicySet(policy(kind)))

    @rule(agent=agents, skills=some_skills)
    def agent_defined(self, agent: str, skills: tuple[Skill, ...]) -> None:
        self.play(ev.AgentDefined(agent, agent, skills))

    @rule(agent=agents)
    def agent_removed(self, agent: str) -> None:
        self.play(ev.AgentRemoved(agent))

    @rule(agent=agents, status=st.sampled_from([*Status, Status.AVAILABLE, Status.AVAILABLE]))
    def status_set(self, agent: str, status: Status) -> None:
        self.play(ev.StatusSet(agent, status))

    @rule(agent=agents, reachable=st.booleans())
    def phone_seen(self, agent: str, reachable: bool) -> None:
        self.play(ev.PhoneSeen(agent, reachable))

    @rule(agent=agents, kind=st.sampled_from([ev.AgentOccupied, ev.AgentFreed, ev.WrapUpEnded]))
    def agent_event(self, agent: str, kind: Any) -> None:
        self.play(kind(agent))

    @rule(agent=agents, to=agents, kind=st.sampled_from([ev.InternalCallStarted, ev.InternalCallEnded]))
    def internal_call(self, agent: str, to: str, kind: Any) -> None:
        self.play(kind(agent, to, f"channel of {agent}"))

    @rule(agent=agents, seconds=st.sampled_from([-1.0, 5.0, 1000.0]))
    def wrap_up_extended(self, agent: str, seconds: float) -> None:
        self.play(ev.WrapUpExtended(agent, seconds))

    @rule(
        queue=st.sampled_from(["complaint", "inquiry", "inquiry", "unheard_of"]),
        asked=requirements,
        priority=st.sampled_from([0, 0, 5, 30, 1000, -10]),
        age=st.sampled_from([0.0, 0.0, 30.0]),
        owner=st.just("") | agents,
        vip=st.booleans(),
        promised=st.sampled_from([False, False, False, True]),
    )
    def call_queued(
        self, queue: str, asked: Requirement, priority: int, age: float, owner: str, vip: bool, promised: bool
    ) -> None:
        self.calls += 1
        more = {"priority": priority, "owner": owner, "vip": vip, "promised": promised}
        self.play(ev.CallQueued(self.calls, queue, asked, self.now - age, **more))

    @rule(pick=picks, wait_for=st.sampled_from([1.0, 60.0]))
    def attempt_started(self, pick: int, wait_for: float) -> None:
        self.play(cb.AttemptStarted(self.some_call(pick), 1, 1, 0, "", wait_for))

    @rule(pick=picks, agent=agents, talks=st.booleans())
    def attempt_answered(self, pick: int, agent: str, talks: bool) -> None:
        call = self.call_of(agent) if talks else self.some_call(pick)
        self.play(cb.AttemptAnswered(call, 1, 1, "c", "u"))

    @rule(pick=picks, agent=agents, talks=st.booleans())
    def attempt_ended(self, pick: int, agent: str, talks: bool) -> None:
        call = self.call_of(agent) if talks else self.some_call(pick)
        self.play(cb.AttemptEnded(call, 1, 1, cb.AttemptOutcome.NO_ANSWER))

    @rule(agent=agents)
    def joined(self, agent: str) -> None:
        self.play(ev.Joined(self.call_of(agent), agent))

    @rule(pick=picks, kind=st.sampled_from([ev.CallDetached, ev.CallAttached]))
    def call_event(self, pick: int, kind: Any) -> None:
        self.play(kind(self.some_call(pick)))

    @rule(pick=picks)
    def call_ended(self, pick: int) -> None:
        self.play(ev.CallEnded(self.some_call(pick), "caller_hung_up"))

    @rule(pick=picks)
    def call_left_queue(self, pick: int) -> None:
        self.play(ev.CallLeftQueue(self.some_call(pick), "callback"))

    @rule(pick=picks, priority=st.integers(-5, 60))
    def priority_set(self, pick: int, priority: int) -> None:
        self.play(ev.PrioritySet(self.some_call(pick), priority))

    @rule(pick=picks, queue=st.sampled_from(["complaint", "inquiry", "extra"]), asked=requirements)
    def call_moved(self, pick: int, queue: str, asked: Requirement) -> None:
        self.play(ev.CallMoved(self.some_call(pick), queue, asked))

    @rule(pick=picks, queue=st.sampled_from(["complaint", "inquiry"]), asked=requirements)
    def queued_again(self, pick: int, queue: str, asked: Requirement) -> None:
        self.play(ev.CallQueued(self.some_call(pick), queue, asked, self.now - 20))

    @rule(pick=picks, agent=agents)
    def call_pulled(self, pick: int, agent: str) -> None:
        self.play(ev.CallPulled(self.some_call(pick), agent, by="boss"))

    @rule(pick=picks)
    def offer_ringing(self, pick: int) -> None:
        self.play(ev.OfferRinging(self.some_offer(pick)))

    @rule(pick=picks)
    def offer_answered(self, pick: int) -> None:
        self.play(ev.OfferAnswered(self.some_offer(pick)))

    @rule(pick=picks, outcome=st.sampled_from(list(Outcome)))
    def offer_failed(self, pick: int, outcome: Outcome) -> None:
        self.play(ev.OfferFailed(self.some_offer(pick), outcome))

    @rule(agent=agents, broken=st.sampled_from([None, None, Outcome.DROPPED, Outcome.LOST]))
    def conversation_ended(self, agent: str, broken: Outcome | None) -> None:
        call = self.call_of(agent)
        asked = self.floor.asked(call)
        talks = self.floor.state.agents[agent].state is AgentState.ON_CALL if asked is not None else False
        if broken is Outcome.LOST:
            self.play(ev.PhoneSeen(agent, False))
        self.play(ev.ConversationEnded(call, agent, "agent", broken=broken))
        if broken is not None and asked is not None and talks:
            self.play(replace(asked, first=broken is Outcome.LOST, promised=False))

    @rule(
        agent=agents, to=agents, kind=st.sampled_from(["agent", "queue", "outside"]), attended=st.booleans(),
    )  # fmt: skip
    def transferred(self, agent: str, to: str, kind: str, attended: bool) -> None:
        self.play(ev.Transferred(self.call_of(agent), agent, kind, "inquiry" if kind == "queue" else to, attended))

    @rule(agent=agents, to=agents, kind=st.sampled_from([ev.ConsultStarted, ev.ConsultEnded]))
    def consult(self, agent: str, to: str, kind: Any) -> None:
        self.play(kind(self.call_of(agent), agent, to))

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 10.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        ticks = 0
        while (due := self.floor.next_timer()) is not None and due <= end:
            assert due > self.now or ticks == 0
            self.now = max(self.now, due)
            self.play(ev.Tick())
            ticks += 1
            assert ticks < 2000, "the floor keeps itself busy"
        self.now = end

    @rule(seconds=st.sampled_from([5.0, 30.0]))
    def the_tick_is_late(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def restored(self) -> None:
        saved = json.loads(json.dumps(self.floor.snapshot()))
        self.twin = Floor.restore(saved)
        assert json.loads(json.dumps(self.twin.snapshot())) == saved

    def some_call(self, pick: int) -> int:
        waiting = sorted(self.floor.state.calls)
        return waiting[pick % len(waiting)] if waiting and pick < 48 else 900 + pick

    def some_offer(self, pick: int) -> int:
        standing = sorted(self.floor.state.offers)
        return standing[pick % len(standing)] if standing and pick < 48 else 900 + pick

    def call_of(self, agent: str) -> int:
        known = self.floor.state.agents.get(agent)
        return known.call if known else 0

    # What must hold

    def check_offers(self) -> None:
        """Of the event just played: offers in order, to the best, and to those who may be offered a call."""
        floor = self.floor.state
        withdrawn = {each.offer for each in self.last if isinstance(each, Withdraw)}
        for each in self.last:
            if not isinstance(each, Offer) or each.offer in withdrawn:
                continue
            call, agent = floor.calls[each.call], floor.agents[each.agent]
            assert (agent.offer, agent.state, agent.status) == (each.offer, AgentState.RESERVED, Status.AVAILABLE)
            assert agent.phone
            assert agent.rest_until <= floor.now
            if each.decision.kind == "pulled" or call.direct:
                continue
            assert floor.requirement(call).met_by(agent.skills)
            rank = floor.queues[call.queue].rank(call, floor.now)
            for other in floor.calls.values():
                if self.could_take(other, agent):
                    assert rank < floor.queues[other.queue].rank(other, floor.now), "somebody was overtaken"
            if not call.reserved_for:
                profile = floor.profile(call)
                key = STRATEGIES[profile.strategy]
                for rival in floor.agents.values():
                    if rival.is_ready(floor.now) and profile.requirement.met_by(rival.skills):
                        if rival.id in call.left_out:
                            continue
                        better = key(rival, profile.requirement) < key(agent, profile.requirement)
                        assert not better, "a better agent was ready"

    def check_announcements(self) -> None:
        """Neither place nor wait ever goes up without a reason being said."""
        for each in self.last:
            assert not (isinstance(each, (Announce, Divert)) and self.floor.state.calls[each.call].promised)
            if isinstance(each, Moved):
                self.announced.pop(each.call, None)
            elif isinstance(each, Announce):
                before = self.announced.get(each.call)
                assert each.first is (before is None)
                if before is not None and not each.why:
                    assert each.position <= before.position
                    assert before.wait_high is None or (each.wait_high or 1e99) <= before.wait_high
                self.announced[each.call] = each
        for call in [call for call in self.announced if call not in self.floor.state.calls]:
            del self.announced[call]

    def could_take(self, call: Any, agent: Any) -> bool:
        floor = self.floor.state
        if call.state is not CallState.WAITING or not call.attached:
            return False
        if call.left_out.get(agent.id, 0.0) > floor.now:
            return False
        if call.reserved_for:
            return call.reserved_for == agent.id
        return floor.requirement(call).met_by(agent.skills)

    @invariant()
    def no_call_waits_while_somebody_who_may_take_it_is_ready(self) -> None:
        floor = self.floor.state
        ready = [agent for agent in floor.agents.values() if agent.indexed]
        for call in floor.calls.values():
            for agent in ready:
                assert not self.could_take(call, agent), (call.id, agent.id)

    @invariant()
    def one_call_for_an_agent_and_one_agent_for_a_call(self) -> None:
        floor = self.floor.state
        assert len({offer.agent for offer in floor.offers.values()}) == len(floor.offers)
        assert len({offer.call for offer in floor.offers.values()}) == len(floor.offers)
        for agent in floor.agents.values():
            offered = agent.state in (AgentState.RESERVED, AgentState.RINGING)
            assert offered is (agent.offer in floor.offers)
            assert bool(agent.call) is (offered or agent.state is AgentState.ON_CALL)
            assert not (agent.removed and agent.state is AgentState.IDLE)
            if agent.state is AgentState.ON_CALL:
                assert agent.id in floor.conversations[agent.call].agents
        for call in floor.calls.values():
            assert (call.state is CallState.OFFERED) is (call.offer in floor.offers)

    @invariant()
    def the_indexes_tell_the_truth(self) -> None:
        floor = self.floor.state
        for agent in floor.agents.values():
            assert agent.indexed is (agent.is_ready(self.floor.state.now))
            assert agent.signed_in is (agent.status is not Status.SIGNED_OUT)
        for call in floor.calls.values():
            assert (call.available_in is not None) is (call.state is CallState.WAITING and call.attached)
            profile = floor.profile(call)
            able = [agent for agent in floor.agents.values() if profile.requirement.met_by(agent.skills)]
            assert profile.staff == sorted(agent.id for agent in able if agent.signed_in)
            assert profile.manned == sum(agent.status is Status.AVAILABLE for agent in able)
            assert [key[-1] for key in profile.ready] == [
                key[-1] for key in sorted(profile.ready) if floor.agents[str(key[-1])].indexed
            ]
        assert sum(len(queue.calls) for queue in floor.queues.values()) == len(floor.calls)

    @invariant()
    def every_caller_has_a_way_out(self) -> None:
        """A waiting caller has a next instant, or a phone rings, or the server was told to divert the caller.

        A call with nobody on the line is held by no server, and its promise has the next instant.
        """
        for call in self.floor.state.calls.values():
            assert call.promised or call.state is not CallState.WAITING or call.due is not None or not call.attached
            assert call.attached or not call.promised

    def teardown(self) -> None:
        again = Floor()
        for event, now, answered in self.log:
            assert again.receive(event, now) == answered, "a replay answers differently"
        assert again.snapshot() == self.floor.snapshot()
        for _, _, answered in self.log:
            for each in answered:
                assert not (isinstance(each, (Divert, Moved)) and not each.decision.rule)


TestAnyFloor = AnyFloor.TestCase
TestAnyFloor.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
