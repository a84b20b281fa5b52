"""Properties of promises that hold for all acts of customers, agents and servers: floor and callback mode together.

`AnyPromises` plays the server's part too: it places calls, dials, hears what comes of it, crashes and starts again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.commands import CallBackAbandoned, PlaceCall, PromiseChanged, StopCalling
from acd.callbacks.engine import Callbacks
from acd.callbacks.events import AttemptOutcome, Mode
from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays
from acd.callbacks.states import LIVE, TASKS, TRANSITIONS, PromiseState
from acd.commands import Command, Moved, Offer, Withdraw
from acd.floor.agents import AgentState
from acd.floor.calls import CallState
from acd.floor.engine import Floor
from acd.policy.definitions import Requirement, Skill
from acd.policy.reading import read_policy

AGENTS = ("1001", "1002", "1003")
NUMBERS = tuple(f"1380013800{n}" for n in range(5))
CATEGORIES = ("attitude", "usage")
WAIT_FOR = 40.0
RULES = CallbackRules(
    on_above=30.0,
    hold=10.0,
    off_below=10.0,
    dwell=20.0,
    full_hours=0.2,
    attempts=2,
    delays=Delays(no_answer=30.0, rejected=30.0, machine=60.0, short=20.0),
    expires=400.0,
    abandoned_after=15.0,
    kept_after=4.0,
)
NEED = Requirement((Skill("complaint"),))
SETTLED = {*PromiseState} - LIVE
NEXT = {(before, after) for (before, _), after in TRANSITIONS.items()}
UNCOUNTED = (AttemptOutcome.FAILED, AttemptOutcome.STOPPED)


@dataclass
class Attempt:
    """A customer's phone that rings."""

    call: int
    promise: int
    number: int
    agent: str
    until: float
    agent_first: bool


picks = st.integers(0, 20)
agents = st.sampled_from(AGENTS)
unanswered = st.sampled_from([each for each in AttemptOutcome if each not in ("hung_up", "stopped", "short")])


class AnyPromises(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.floor, self.callbacks = Floor(), Callbacks()
        self.twins: tuple[Floor, Callbacks] | None = None
        self.now = 1_760_000_000.0
        self.log: list[tuple[object, float, list[Command]]] = []
        self.calls = 0
        self.live_calls: set[int] = set()
        self.of_call: dict[int, int] = {}
        """Call of the hotline → promise."""
        self.attempts: dict[int, Attempt] = {}
        self.answered: dict[int, Attempt] = {}
        self.dialled: dict[int, int] = {}
        """Attempts that count, as the customer saw them, by promise."""
        self.states: dict[int, PromiseState] = {}
        self.todo: list[Any] = []
        self.closed = False
        queue = {"skill": "complaint", "wrap_up": {"mode": "timed", "seconds": 5}, "handling": 60, "max_wait": 900}
        self.play(ev.PolicySet(read_policy({"skills": ["complaint"], "queues": {"complaint": queue}})))
        self.play(cb.CallbackPolicySet(CallbackPolicy(RULES, per_number_per_day=6)))
        for name in AGENTS:
            self.play(ev.AgentDefined(name, name, (Skill("complaint", 5),)))
        self.play(ev.StatusSet(AGENTS[0], ev.Status.AVAILABLE))

    def play(self, event: object) -> None:
        commands = self.decide(self.floor, self.callbacks, event, self.now)
        if self.twins is not None:
            assert self.decide(*self.twins, event, self.now) == commands, "a restored copy answers differently"
            assert self.twins[1].next_timer() == self.callbacks.next_timer()
        self.log.append((event, self.now, commands))
        self.check_offers(commands)
        for command in commands:
            if isinstance(command, PromiseChanged):
                self.check_change(command)
            elif isinstance(command, (PlaceCall, StopCalling, CallBackAbandoned)):
                self.todo.append(command)
            elif isinstance(command, Withdraw) and command.call in self.attempts:
                self.todo.append(self.attempts[command.call])

    @staticmethod
    def decide(floor: Floor, callbacks: Callbacks, event: object, now: float) -> list[Command]:
        commands = floor.receive(event, now)
        for each in (event, *(command for command in commands if isinstance(command, Moved))):
            commands = commands + callbacks.receive(each, now)
        return commands + callbacks.observe(floor.pressures(), now)

    # The server's part

    @precondition(lambda self: self.todo)
    @rule()
    def the_server_acts(self) -> None:
        while self.todo:
            task = self.todo.pop(0)
            if isinstance(task, PlaceCall):
                self.place(task.promise)
            elif isinstance(task, StopCalling):
                self.stop(task)
            elif isinstance(task, CallBackAbandoned):
                self.play(cb.PromiseAsked(task.number, task.queue, task.category, "abandoned", task.call))
            elif self.attempts.get(task.call) is task and not self.floor.state.calls[task.call].offer:
                self.attempt_over(task, AttemptOutcome.AGENT_GONE)

    def place(self, promise: int) -> None:
        if promise not in {each.id for each in self.callbacks.due()}:
            return
        view = self.callbacks.promise(promise)
        assert view is not None
        if self.closed:
            self.play(cb.PromisePostponed(promise, self.now + 100, "hotline", "the window is closed"))
            return
        self.calls = call = self.calls + 1
        self.of_call[call] = promise
        self.play(cb.CallPlaced(call, promise, view.number))
        place = (call, view.queue, NEED, view.queued_at, view.priority, view.number)
        self.play(ev.CallQueued(*place, owner=view.owner, promised=True))

    def stop(self, task: StopCalling) -> None:
        call, talk = task.call, self.floor.state.conversations.get(task.call)
        if call not in self.of_call or (talk is not None and talk.spoke):
            return
        under_way = self.attempts.get(call) or self.answered.get(call)
        if under_way is not None:
            outcome = AttemptOutcome.STOPPED if call in self.attempts else AttemptOutcome.HUNG_UP
            self.attempt_over(under_way, outcome, "stopped")
        else:
            self.end(call, "stopped")

    def attempt_over(self, attempt: Attempt, outcome: AttemptOutcome, cause: str = "unreached") -> None:
        self.attempts.pop(attempt.call, None)
        self.answered.pop(attempt.call, None)
        view = self.callbacks.promise(attempt.promise)
        postponed = view is not None and view.state is PromiseState.DIALLING and self.is_stopping(attempt.call)
        if outcome in UNCOUNTED or postponed:
            self.dialled[attempt.promise] -= 1
        self.play(cb.AttemptEnded(attempt.call, attempt.promise, attempt.number, outcome))
        self.end(attempt.call, cause)

    def is_stopping(self, call: int) -> bool:
        return any(each.call == call for each in self.callbacks.stopping())

    def end(self, call: int, cause: str) -> None:
        self.of_call.pop(call, None)
        self.live_calls.discard(call)
        self.answered.pop(call, None)
        self.play(ev.CallEnded(call, cause))

    def start(self, call: int, offer: int, agent: str, *, agent_first: bool) -> None:
        promise = self.of_call[call]
        number = self.dialled.get(promise, 0) + 1
        self.dialled[promise] = number
        self.attempts[call] = Attempt(call, promise, number, agent, self.now + WAIT_FOR, agent_first)
        self.play(cb.AttemptStarted(call, promise, number, offer, agent, WAIT_FOR))

    @precondition(lambda self: self.floor.state.offers)
    @rule(pick=picks, how=st.sampled_from(["agent_first", "customer_first", "no_answer", "declined"]))
    def a_phone_is_offered_a_call(self, pick: int, how: str) -> None:
        offers = self.floor.state.offers
        if not offers:
            return
        offer = offers[sorted(offers)[pick % len(offers)]]
        call = self.floor.state.calls[offer.call]
        if how == "customer_first" and call.promised:
            if call.id not in self.attempts:
                self.start(call.id, offer.id, offer.agent, agent_first=False)
        elif call.promised and call.id in self.attempts:
            return  # it rings after the customer answered
        elif how in ("no_answer", "declined"):
            self.play(ev.OfferFailed(offer.id, ev.Outcome(how)))
        else:
            self.play(ev.OfferRinging(offer.id))
            self.play(ev.OfferAnswered(offer.id))
            if call.promised:
                self.start(call.id, offer.id, offer.agent, agent_first=True)
            else:
                self.answered.pop(call.id, None)
                self.play(ev.Joined(call.id, offer.agent))

    @precondition(lambda self: self.attempts)
    @rule(pick=picks)
    def a_customer_answers(self, pick: int) -> None:
        if not self.attempts:
            return
        call = sorted(self.attempts)[pick % len(self.attempts)]
        attempt = self.attempts.pop(call)
        self.play(cb.AttemptAnswered(call, attempt.promise, attempt.number, "c", "u"))
        if attempt.agent_first:
            self.play(ev.Joined(call, attempt.agent))
        else:
            self.answered[call] = attempt

    @precondition(lambda self: self.attempts)
    @rule(pick=picks, outcome=unanswered)
    def a_customer_is_not_reached(self, pick: int, outcome: AttemptOutcome) -> None:
        if self.attempts:
            self.attempt_over(self.attempts[sorted(self.attempts)[pick % len(self.attempts)]], outcome)

    @precondition(lambda self: self.answered)
    @rule(pick=picks, told=st.booleans())
    def a_customer_who_answered_hangs_up(self, pick: int, told: bool) -> None:
        if self.answered:
            attempt = self.answered[sorted(self.answered)[pick % len(self.answered)]]
            if told:
                self.attempt_over(attempt, AttemptOutcome.HUNG_UP, "caller_hung_up")
                return
            self.dialled[attempt.promise] -= self.is_stopping(attempt.call)
            self.end(attempt.call, "caller_hung_up")

    @precondition(lambda self: self.floor.state.conversations)
    @rule(agent=agents)
    def an_agent_hangs_up(self, agent: str) -> None:
        known = self.floor.state.agents[agent]
        if known.state is not AgentState.ON_CALL:
            return
        call = known.call
        self.play(ev.ConversationEnded(call, agent, "agent"))
        if call in self.attempts:
            self.attempt_over(self.attempts[call], AttemptOutcome.AGENT_GONE)
        else:
            self.end(call, "agent_hung_up")

    @precondition(lambda self: self.floor.state.conversations)
    @rule(agent=agents)
    def an_agent_hears_a_machine(self, agent: str) -> None:
        known = self.floor.state.agents[agent]
        if known.state is not AgentState.ON_CALL or known.call not in self.of_call or known.call in self.attempts:
            return
        call = known.call
        self.play(cb.NobodyThere(call, self.of_call[call], agent, agent))
        self.end(call, "unreached")

    @rule(survives=st.booleans())
    def the_server_crashes_and_starts_again(self, survives: bool) -> None:
        """Commands are read again; phones ring on, or Asterisk died too."""
        self.todo.clear()
        floor, callbacks = json.loads(json.dumps([self.floor.snapshot(), self.callbacks.snapshot()]))
        self.twins = (self.floor, self.callbacks)
        self.floor, self.callbacks = Floor.restore(floor), Callbacks.restore(callbacks)
        assert json.loads(json.dumps(self.callbacks.snapshot())) == callbacks
        if not survives:
            for attempt in list(self.attempts.values()):
                self.attempt_over(attempt, AttemptOutcome.LOST, "lost")
        self.todo = [*self.callbacks.stopping(), *self.callbacks.given_up()]
        self.todo += [PlaceCall(view.id) for view in self.callbacks.due()]

    # What else may happen

    @rule(
        number=st.sampled_from(NUMBERS),
        category=st.sampled_from(CATEGORIES),
        source=st.sampled_from(["flow", "api", "agent", "hung_up"]),
        age=st.sampled_from([0.0, 0.0, 20.0, 100.0]),
        after=st.sampled_from([None, None, 50.0]),
        priority=st.sampled_from([0, 0, 0, 20]),
        owner=st.sampled_from(["", "", "1002"]),
    )
    def a_call_is_asked_for(
        self, number: str, category: str, source: str, age: float, after: float | None, priority: int, owner: str
    ) -> None:
        then = self.now + after if after is not None else None
        place = {"queued_at": self.now - age, "after": then, "priority": priority, "owner": owner}
        place["unconfirmed"] = "hung up" if source == "hung_up" else ""
        self.play(cb.PromiseAsked(number, "complaint", category, source, **place))

    @rule(number=st.sampled_from(NUMBERS), priority=st.sampled_from([0, 0, 20]))
    def somebody_calls(self, number: str, priority: int) -> None:
        self.calls += 1
        self.live_calls.add(self.calls)
        self.play(ev.CallQueued(self.calls, "complaint", NEED, self.now, priority, number, category="usage"))

    @precondition(lambda self: self.live_calls)
    @rule(pick=picks)
    def a_caller_gives_up(self, pick: int) -> None:
        waiting = sorted(self.live_calls & set(self.floor.state.calls))
        if waiting:
            self.end(waiting[pick % len(waiting)], "caller_hung_up")

    @rule(agent=agents, status=st.sampled_from([ev.Status.AVAILABLE, ev.Status.AVAILABLE, *ev.Status]))
    def an_agent_comes_or_goes(self, agent: str, status: ev.Status) -> None:
        self.play(ev.StatusSet(agent, status))

    @precondition(lambda self: self.callbacks.promises())
    @rule(pick=picks, what=st.sampled_from(["cancel", "postpone", "prioritise", "settle", "wait_now"]))
    def a_person_decides(self, pick: int, what: str) -> None:
        known = self.callbacks.promises()
        if not known:
            return
        view = known[pick % len(known)]
        if what == "cancel":
            self.play(cb.PromiseCancelled(view.id, "9001"))
        elif what == "postpone":
            self.play(cb.PromisePostponed(view.id, self.now + 70.0, "9001"))
        elif what == "prioritise":
            self.play(cb.PromisePrioritised(view.id, 30, "9001"))
            if view.call in self.floor.state.calls:
                self.play(ev.PrioritySet(view.call, 30, "9001"))
        elif what == "settle":
            self.play(cb.PromiseSettled(view.id, "1001"))
        elif view.state in (PromiseState.PENDING, PromiseState.DIALLING):
            self.calls += 1
            self.live_calls.add(self.calls)
            self.play(cb.PromiseCancelled(view.id, "customer", waits_in=self.calls))
            self.play(ev.CallQueued(self.calls, "complaint", NEED, view.queued_at, view.priority, view.number))

    @rule(mode=st.sampled_from(list(Mode)), scope=st.sampled_from(["", "complaint"]), timed=st.booleans())
    def a_mode_is_chosen(self, mode: Mode, scope: str, timed: bool) -> None:
        self.play(cb.ModeSet(scope, mode, "9001", until=self.now + 30 if timed else None))

    @rule(closed=st.booleans())
    def the_window_opens_or_closes(self, closed: bool) -> None:
        self.closed = closed

    @rule(seconds=st.sampled_from([0.5, 5.0, 20.0, 61.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        for _ in range(2000):
            ends = [attempt.until for attempt in self.attempts.values()]
            timers = (self.floor.next_timer(), self.callbacks.next_timer())
            due = min((each for each in (*timers, *ends) if each is not None), default=end)
            if due > end:
                break
            self.now = max(self.now, due)
            for attempt in [each for each in self.attempts.values() if each.until <= self.now]:
                self.attempt_over(attempt, AttemptOutcome.NO_ANSWER)
            if due in timers:
                self.play(ev.Tick())
                assert self.callbacks.next_timer() is None or self.callbacks.next_timer() > self.now
            elif not ends:
                break
        else:
            raise AssertionError("the hotline keeps itself busy")
        self.now = end

    # What must hold

    def check_change(self, command: PromiseChanged) -> None:
        """States only change as the table has it, and what is settled stays settled."""
        view = command.promise
        before = self.states.get(view.id)
        assert before is not None or view.state in (PromiseState.PENDING, PromiseState.UNCONFIRMED)
        steps = [before]  # several changes in one event are told once
        while steps and view.state not in steps and None not in steps:
            steps = [after for was, after in NEXT if was in steps]
        assert steps, (before, view.state)
        if before in SETTLED:
            assert view.state is before
        self.states[view.id] = view.state
        assert view.reason

    def check_offers(self, commands: list[Command]) -> None:
        """No caller is overtaken by a later arrival of the same priority."""
        floor = self.floor.state
        for each in commands:
            if not isinstance(each, Offer) or each.offer not in floor.offers:
                continue
            taken = floor.calls[each.call]
            for other in floor.calls.values():
                waits = other.state is CallState.WAITING and each.agent not in other.left_out
                if waits and other.reserved_for in ("", each.agent) and not taken.reserved_for:
                    same = (other.priority, other.queue) == (taken.priority, taken.queue)
                    assert not (same and other.arrival < taken.arrival), "somebody was overtaken"

    @invariant()
    def one_live_promise_for_a_number_and_matter(self) -> None:
        kept = (PromiseState.PENDING, PromiseState.DIALLING)
        live = [(view.number, view.category or view.queue) for view in self.callbacks.promises() if view.state in kept]
        assert len(live) == len(set(live))
        assert all(self.callbacks.live(*each) is not None for each in live)

    @invariant()
    def no_phone_rings_without_an_agent_reserved_for_it(self) -> None:
        if self.todo:
            return
        floor = self.floor.state
        reserved = set()
        for attempt in self.attempts.values():
            if attempt.agent_first:
                assert floor.agents[attempt.agent].state is AgentState.ON_CALL
                assert floor.agents[attempt.agent].call == attempt.call
                reserved.add(attempt.agent)
            else:
                reserved.add(floor.offers[floor.calls[attempt.call].offer].agent)
        assert len(reserved) == len(self.attempts), "more phones ring than agents are free for them"
        assert len({attempt.promise for attempt in self.attempts.values()}) == len(self.attempts)

    @invariant()
    def a_customers_phone_is_rung_once_at_a_time(self) -> None:
        views = [self.callbacks.promise(promise) for promise in self.of_call.values()]
        numbers = [view.number for view in views if view is not None]
        assert len(numbers) == len(set(numbers)), "a customer's phone rings for two matters at once"

    @invariant()
    def no_attempt_is_lost_or_counted_twice(self) -> None:
        for promise, dialled in self.dialled.items():
            view = self.callbacks.promise(promise)
            assert view is not None
            assert view.attempts == dialled
            assert view.attempts <= RULES.attempts

    @invariant()
    def no_promise_is_forgotten(self) -> None:
        """Whatever is live has somebody who will look at it: a timer, the server, or a call that stands for it."""
        due = {view.id for view in self.callbacks.due()}
        placing = {task.promise for task in self.todo if isinstance(task, PlaceCall)}
        standing = set(self.of_call.values())
        called = [self.callbacks.promise(promise) for promise in standing | due]
        busy = {view.number for view in called if view is not None}
        for view in self.callbacks.promises():
            if view.state is PromiseState.PENDING and view.id not in standing:
                assert view.due_at > self.floor.state.now or view.id in due & placing or view.number in busy
            elif view.live:
                assert view.id in standing
        for id_, state in self.states.items():
            assert (known := self.callbacks.promise(id_)) is not None
            assert known.state is state

    def teardown(self) -> None:
        self.closed = False
        for name in AGENTS:
            self.play(ev.StatusSet(name, ev.Status.AVAILABLE))
        for turn in range(400):
            self.the_server_acts()
            if not any(view.live for view in self.callbacks.promises()):
                break
            self.a_phone_is_offered_a_call(turn, "agent_first" if turn % 2 else "customer_first")
            if turn % 3:
                self.a_customer_answers(turn)
            else:
                self.a_customer_is_not_reached(turn, AttemptOutcome.BUSY)
            self.an_agent_hangs_up(AGENTS[turn % 3])
            self.time_passes(5.0)
        assert set(self.states.values()) <= SETTLED, "a promise was never settled"
        assert {view.state for view in self.callbacks.promises()} <= TASKS, "what is left is a task"
        floor, callbacks = Floor(), Callbacks()
        for event, now, answered in self.log:
            assert self.decide(floor, callbacks, event, now) == answered, "a replay answers differently"
        assert callbacks.snapshot() == self.callbacks.snapshot()


TestAnyPromises = AnyPromises.TestCase
TestAnyPromises.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
