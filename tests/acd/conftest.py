"""A floor to play with: `hotline` is a Floor with a clock, short words for events, and the commands it answered.

`office` is the same for callback mode.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from acd import events as ev
from acd.callbacks import events as cb
from acd.callbacks.engine import Callbacks
from acd.callbacks.policy import CallbackPolicy, CallbackRules
from acd.callbacks.states import Pressure, PromiseView
from acd.commands import Command, Offer
from acd.floor.engine import Floor
from acd.policy.definitions import Requirement, Skill
from acd.policy.reading import read_policy

START = 1_760_000_000.0


def need(*required: str, prefer: tuple[str, ...] = ()) -> Requirement:
    """need("complaint:3", prefer=("attitude",))"""
    return Requirement(tuple(map(skill, required)), tuple(map(skill, prefer)))


def skill(text: str) -> Skill:
    name, _, level = text.partition(":")
    return Skill(name, int(level or 1))


class Hotline:
    """Drives one floor. Every method plays one event and returns the commands."""

    def __init__(self, **policy: Any) -> None:
        self.floor = Floor()
        self.now = START
        self.log: list[tuple[object, float]] = []
        self.answers: list[list[Command]] = []
        self.calls = 0
        self.rules(**policy)

    def play(self, event: object) -> list[Command]:
        self.log.append((event, self.now))
        commands = self.floor.receive(event, self.now)
        self.answers.append(commands)
        return commands

    def wait(self, seconds: float) -> list[Command]:
        """Let time pass, ticking whenever the floor asked for it; all commands of that time."""
        end, out = self.now + seconds, []
        while (due := self.floor.next_timer()) is not None and due <= end:
            assert due > self.now or due >= self.now, "a timer lies in the past"
            self.now = max(self.now, due)
            out += self.play(ev.Tick())
        self.now = end
        return out

    def rules(self, **policy: Any) -> list[Command]:
        queues = policy.pop("queues", None)
        skills = policy.pop("skills", ["complaint", "inquiry", "orders", "attitude", "system"])
        if queues is None:
            queues = {"complaint": {"skill": "complaint"}, "inquiry": {"skill": "inquiry"}}
        data = {"skills": skills, "routing": policy, "queues": queues}
        return self.play(ev.PolicySet(read_policy(data)))

    def agent(self, id_: str, *skills: str, status: ev.Status | None = ev.Status.AVAILABLE) -> list[Command]:
        out = self.play(ev.AgentDefined(id_, f"Agent {id_}", tuple(map(skill, skills or ("complaint:5",)))))
        return out + (self.status(id_, status) if status else [])

    def status(self, id_: str, status: str, reason: str = "") -> list[Command]:
        return self.play(ev.StatusSet(id_, ev.Status(status), reason))

    def call(self, queue: str = "complaint", requirement: Requirement | None = None, **more: Any) -> list[Command]:
        """A new call; its number is `hotline.calls` afterwards."""
        self.calls += 1
        more.setdefault("queued_at", self.now)
        return self.play(ev.CallQueued(self.calls, queue, requirement or need(queue), **more))

    def answered(self, offer: Offer) -> list[Command]:
        return self.play(ev.OfferRinging(offer.offer)) + self.play(ev.OfferAnswered(offer.offer))

    def failed(self, offer: Offer, outcome: str = "no_answer") -> list[Command]:
        return self.play(ev.OfferRinging(offer.offer)) + self.play(ev.OfferFailed(offer.offer, ev.Outcome(outcome)))

    def hangs_up(self, agent: str, by: str = "agent") -> list[Command]:
        call = self.floor.state.agents[agent].call
        return self.play(ev.ConversationEnded(call, agent, by))

    def ends(self, call: int, cause: str = "caller_hung_up") -> list[Command]:
        return self.play(ev.CallEnded(call, cause))

    def state(self, agent: str) -> str:
        return self.floor.state.agents[agent].state.value

    def status_of(self, agent: str) -> str:
        return self.floor.state.agents[agent].status.value


@pytest.fixture
def hotline() -> Hotline:
    return Hotline()


@pytest.fixture
def make_hotline() -> Callable[..., Hotline]:
    return Hotline


@pytest.fixture
def offers() -> Callable[[list[Command]], list[tuple[int, str]]]:
    """(call, agent) of every offer among commands."""
    return lambda commands: [(each.call, each.agent) for each in commands if isinstance(each, Offer)]


@pytest.fixture
def the_offer() -> Callable[[list[Command]], Offer]:
    """The one offer among commands."""

    def find(commands: list[Command]) -> Offer:
        found = [each for each in commands if isinstance(each, Offer)]
        assert len(found) == 1, commands
        return found[0]

    return find


@pytest.fixture
def the() -> Callable[..., Any]:
    """The one command of this kind among commands."""

    def find(kind: type, commands: list[Command]) -> Any:
        found = [each for each in commands if isinstance(each, kind)]
        assert len(found) == 1, commands
        return found[0]

    return find


@pytest.fixture(name="need")
def need_fixture() -> Callable[..., Requirement]:
    return need


class Office:
    """Drives one `Callbacks` with a clock. Every method plays one event and returns the commands.

    With each event a copy restored from a snapshot answers the same: `office` checks that all the time.
    """

    def __init__(self, policy: CallbackPolicy | None = None) -> None:
        self.callbacks = Callbacks()
        self.now = START
        self.calls = 100
        self.pressures: list[Pressure] = []
        self.play(cb.CallbackPolicySet(policy or CallbackPolicy()))

    def play(self, event: object) -> list[Command]:
        saved = json.loads(json.dumps(self.callbacks.snapshot()))
        twin = Callbacks.restore(saved)
        assert json.loads(json.dumps(twin.snapshot())) == saved
        commands = self.callbacks.receive(event, self.now) + self.callbacks.observe(self.pressures, self.now)
        assert twin.receive(event, self.now) + twin.observe(self.pressures, self.now) == commands
        assert twin.next_timer() == self.callbacks.next_timer()
        assert self.callbacks.next_timer() is None or self.callbacks.next_timer() > self.now, "a timer lies in the past"
        return commands

    def wait(self, seconds: float) -> list[Command]:
        """Let time pass, ticking whenever it was asked for; all commands of that time."""
        end, out = self.now + seconds, []
        while (due := self.callbacks.next_timer()) is not None and due <= end:
            self.now = due
            out += self.play(ev.Tick())
        self.now = end
        return out

    def busy(
        self, waiting: int = 0, staff: int = 4, wait: float | None = 0.0, handling: float = 180.0
    ) -> list[Command]:
        """The queue "complaint" is as busy as this from now on; "inquiry" is idle."""
        self.pressures = [Pressure("complaint", waiting, staff, handling, wait), Pressure("inquiry", 0, 2, 180.0, 0.0)]
        return self.play(ev.Tick())

    def asked(self, number: str = "13800138000", queue: str = "complaint", **more: Any) -> list[Command]:
        return self.play(cb.PromiseAsked(number, queue, **more))

    def placed(self, promise: int) -> int:
        """A call stands in line for the promise; its number."""
        self.calls += 1
        self.play(cb.CallPlaced(self.calls, promise, self.view(promise).number))
        return self.calls

    def dialled(self, promise: int, wait_for: float = 40.0) -> int:
        """The customer of this promise is dialled; the call's number."""
        view = self.view(promise)
        standing = [each for each in self.callbacks.due() if each.id == promise]
        call = self.placed(promise) if standing or view.call is None else view.call
        self.play(cb.AttemptStarted(call, promise, view.attempts + 1, call, "1001", wait_for))
        return call

    def ended(self, promise: int, outcome: str, cause: str = "unreached") -> list[Command]:
        """The attempt under way came to this, and so did its call."""
        view = self.view(promise)
        out = self.play(cb.AttemptEnded(view.call or 0, promise, view.attempts, cb.AttemptOutcome(outcome)))
        return out + self.play(ev.CallEnded(view.call or 0, cause))

    def spoken(self, promise: int) -> list[Command]:
        """The customer of the attempt under way speaks with agent 1001, and that is that."""
        view = self.view(promise)
        call = view.call or 0
        out = self.play(cb.AttemptAnswered(call, promise, view.attempts, "c", "u"))
        out += self.play(ev.Joined(call, "1001"))
        out += self.play(ev.ConversationEnded(call, "1001", "caller", 60.0))
        return out + self.play(ev.CallEnded(call, "caller_hung_up"))

    def view(self, promise: int) -> PromiseView:
        found = self.callbacks.promise(promise)
        assert found is not None
        return found

    def state(self, promise: int) -> str:
        return self.view(promise).state.value


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def make_office() -> Callable[..., Office]:
    """An office with these rules for every queue; the limits are `per_number_per_day` and `per_day`."""

    def make(per_number_per_day: int = 0, per_day: int = 0, **rules: Any) -> Office:
        return Office(CallbackPolicy(CallbackRules(**rules), (), per_number_per_day, per_day))

    return make
