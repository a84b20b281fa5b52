"""A floor to play with: `house` is a Floor with a clock, short words for events, and the commands it answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from acd import events as ev
from acd.commands import Command, Offer
from acd.definitions import Policy, Requirement, Skill
from acd.floor import Floor

START = 1_760_000_000.0


def need(*required: str, prefer: tuple[str, ...] = ()) -> Requirement:
    """need("complaint:3", prefer=("attitude",))"""
    return Requirement(tuple(map(skill, required)), tuple(map(skill, prefer)))


def skill(text: str) -> Skill:
    name, _, level = text.partition(":")
    return Skill(name, int(level or 1))


class House:
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
        return self.play(ev.PolicySet(Policy.from_dict(data)))

    def agent(self, id_: str, *skills: str, status: ev.Status | None = ev.Status.AVAILABLE) -> list[Command]:
        out = self.play(ev.AgentDefined(id_, f"Agent {id_}", tuple(map(skill, skills or ("complaint:5",)))))
        return out + (self.status(id_, status) if status else [])

    def status(self, id_: str, status: str, reason: str = "") -> list[Command]:
        return self.play(ev.StatusSet(id_, ev.Status(status), reason))

    def call(self, queue: str = "complaint", requirement: Requirement | None = None, **more: Any) -> list[Command]:
        """A new call; its number is `house.calls` afterwards."""
        self.calls += 1
        more.setdefault("queued_at", self.now)
        return self.play(ev.CallQueued(self.calls, queue, requirement or need(queue), **more))

    def answered(self, offer: Offer) -> list[Command]:
        return self.play(ev.OfferRinging(offer.offer)) + self.play(ev.OfferAnswered(offer.offer))

    def failed(self, offer: Offer, outcome: str = "no_answer") -> list[Command]:
        return self.play(ev.OfferRinging(offer.offer)) + self.play(ev.OfferFailed(offer.offer, ev.Outcome(outcome)))

    def hangs_up(self, agent: str, by: str = "agent") -> list[Command]:
        call = self.floor.room.agents[agent].call
        return self.play(ev.ConversationEnded(call, agent, by))

    def ends(self, call: int, cause: str = "caller_hung_up") -> list[Command]:
        return self.play(ev.CallEnded(call, cause))

    def state(self, agent: str) -> str:
        return self.floor.room.agents[agent].state.value

    def status_of(self, agent: str) -> str:
        return self.floor.room.agents[agent].status.value


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def make_house() -> Callable[..., House]:
    return House


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
