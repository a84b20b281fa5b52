"""Logs of days that never were, for benches and tests: every outcome, in the order and shape in which a leader writes.

The same seed gives the same log. Calls are made one after another and memory does not grow with their number.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import acd.callbacks.events as callback
import acd.events as acd
import ivr.events as ivr
import recordings.events as rec
import tickets.events as tickets
from acd.callbacks.states import PromiseState, PromiseView
from acd.decisions import Candidate, Decision
from acd.policy.definitions import Requirement, Skill
from server.eventlog.derived_events import AgentNoted, Decided, PromiseNoted
from server.eventlog.log import Entry

BEGAN = 1_800_000_000.0 - 1_800_000_000.0 % 86_400 - 8 * 3600 + 86_400
"""A midnight in Shanghai."""
MATTERS = (
    ("complaint", "attitude", 8), ("complaint", "process", 10), ("complaint", "system", 6), ("orders", "orders", 4),
    ("inquiry", "inquiry", 5), ("complaint", "competence", 3),
)  # fmt: skip
_FLOW = '{"at": 4, "heard": ["welcome", "menu", "category"], "fields": {"business": "complaint"}, "tries": 1}' * 2


@dataclass(frozen=True, slots=True)
class Made:
    """How the days are. `per_day` calls come between 8 and 22 o'clock, `agents` take them."""

    calls: int = 400
    per_day: int = 400
    agents: int = 40
    seed: int = 1
    numbers: float = 0.8
    """How many numbers there are for each call: the fewer, the more repeat calls."""


@dataclass
class _Days:
    made: Made
    chance: random.Random
    ahead: list[tuple[float, int, object]] = field(default_factory=list)
    order: int = 0
    offers: int = 0
    tickets: int = 0
    promises: int = 0
    free_at: dict[str, float] = field(default_factory=dict)

    def at(self, when: float, *events: object) -> None:
        for event in events:
            self.order += 1
            heapq.heappush(self.ahead, (when, self.order, event))

    def note(self, when: float, agent: str, state: str, call: int | None = None, status: str = "available") -> None:
        self.at(when, AgentNoted(agent, status, state, "", call))


def entries(made: Made) -> Iterator[Entry]:
    """The log, oldest entry first."""
    days = _Days(made, random.Random(made.seed))
    names = [f"{1001 + each}" for each in range(made.agents)]
    for place, name in enumerate(names):
        days.at(BEGAN, acd.AgentDefined(name, f"agent {name}", (Skill("complaint", 5),), (f"team {place % 4}",)))
    number = 0
    for call in range(1, made.calls + 1):
        day, place = divmod(call - 1, made.per_day)
        midnight = BEGAN + 86_400 * day
        if place == 0:
            _shift(days, names, midnight)
        when = midnight + 8 * 3600 + 14 * 3600 * (place + days.chance.random()) / made.per_day
        while days.ahead and days.ahead[0][0] <= when:
            at, _, event = heapq.heappop(days.ahead)
            number += 1
            yield Entry(f"{int(at * 1000)}-{number}", at, event)
        _call(days, call, when, names)
    while days.ahead:
        at, _, event = heapq.heappop(days.ahead)
        number += 1
        yield Entry(f"{int(at * 1000)}-{number}", at, event)


def _shift(days: _Days, names: list[str], midnight: float) -> None:
    for name in names:
        begin = midnight + 7.75 * 3600 + days.chance.uniform(0, 900)
        days.free_at[name] = begin
        days.note(begin, name, "idle")
        days.note(midnight + 23.9 * 3600, name, "idle", status="signed_out")


def _call(days: _Days, call: int, when: float, names: list[str]) -> None:
    chance = days.chance
    withheld = chance.random() < 0.03
    caller = "" if withheld else f"138{chance.randrange(int(days.made.calls * days.made.numbers) + 1):08d}"
    business, category, _ = chance.choices(MATTERS, [weight for *_, weight in MATTERS])[0]
    days.at(when + 0.2, acd.CallArrived(call, caller, "4008001234", f"PJSIP/trunk-{call:08x}", f"{when}.{call}", when))
    days.at(when + 3, ivr.FlowMoved(call, "main", "menu", _FLOW), ivr.FieldSet(call, "language", "zh"))
    days.at(when + 9, ivr.FieldSet(call, "business", business), ivr.FlowMoved(call, "main", "category", _FLOW))
    end = chance.random()
    if end < 0.05:
        days.at(when + 12, acd.CallEnded(call, "caller_hung_up"))
        return
    days.at(when + 14, ivr.FieldSet(call, "category", category), ivr.FlowMoved(call, "main", "queue", _FLOW))
    queued = when + 15
    wanted = Requirement((Skill("complaint"),), (Skill(category),))
    days.at(queued, acd.CallQueued(call, business, wanted, queued, caller=caller, category=category))
    ticket = _ticket(days, call, caller, business, category, queued)
    if end < 0.08:
        days.at(queued + chance.uniform(0.1, 4.9), acd.CallEnded(call, "caller_hung_up"))
    elif end < 0.16:
        days.at(queued + chance.uniform(5, 300), acd.CallEnded(call, "caller_hung_up"))
    elif end < 0.19:
        left = queued + chance.uniform(20, 90)
        days.promises += 1
        number, state = caller or "13900000000", PromiseState.PENDING
        made = PromiseView(
            days.promises, number, business, category, "zh", state, 0, left, queued, left + 3600, left + 86_400,
            0, None, call, "asked for in the queue", "queue",
        )  # fmt: skip
        days.at(left, callback.PromiseAsked(made.number, business, category, "queue", call), PromiseNoted(made))
        days.at(left + 0.1, acd.CallLeftQueue(call, "callback"), acd.CallEnded(call, "caller_hung_up"))
        states = (PromiseState.KEPT, PromiseState.KEPT, PromiseState.BROKEN, PromiseState.CANCELLED)
        days.at(left + 3700, PromiseNoted(replace(made, state=chance.choice(states))))
    elif end < 0.2:
        left = queued + chance.uniform(20, 90)
        days.at(left, acd.CallLeftQueue(call, "message"), ivr.MessageLeft(call, f"message-{call}.wav", 12.0))
        days.at(left + 15, acd.CallEnded(call, "caller_hung_up"))
    elif end < 0.21:
        days.at(queued + 60, acd.CallLeftQueue(call, "overflow"), acd.CallEnded(call, "hotline_hung_up"))
    elif end < 0.215:
        days.at(queued + 30, acd.CallEnded(call, "lost"))
    else:
        _served(days, call, business, queued, ticket, names)


def _ticket(days: _Days, call: int, caller: str, business: str, category: str, when: float) -> int:
    if business != "complaint":
        return 0
    if days.tickets and days.chance.random() < 0.15:
        days.at(when, tickets.ContactAdded(days.chance.randint(max(1, days.tickets - 50), days.tickets), call))
        return 0
    days.tickets += 1
    number, limit = days.tickets, when + 86_400
    days.at(when, tickets.TicketOpened(number, call, caller, business, category, "general", when + 3600, limit))
    return number


def _served(days: _Days, call: int, queue: str, queued: float, ticket: int, names: list[str]) -> None:
    chance = days.chance
    join = queued + chance.expovariate(1 / 25)
    free = [name for name in names if days.free_at[name] <= join - 8]
    if len(free) < 2:
        days.at(join + 60, acd.CallEnded(call, "caller_hung_up"))
        return
    agent, other = chance.sample(free, 2)
    if chance.random() < 0.1:  # the first agent does not answer
        offer = _offer(days, call, queue, other, join - 7, names)
        days.at(join - 5.5, acd.OfferFailed(offer, acd.Outcome.NO_ANSWER, "NOANSWER"))
        days.note(join - 5.4, other, "idle")
        days.free_at[other] = join
    offer = _offer(days, call, queue, agent, join - 4, names)
    days.at(join - 2, acd.OfferAnswered(offer))
    days.note(join - 2, agent, "on_call", call)
    days.at(join, acd.Joined(call, agent), rec.RecordingStarted(call, call, agent, f"{call}-c.wav", f"{call}-a.wav"))
    talk, held = round(chance.lognormvariate(4.8, 0.6), 3), round(chance.choice((0, 0, 0, 20.5)), 3)
    over = join + talk + held
    wrap = chance.uniform(5, 60)
    days.at(over, acd.ConversationEnded(call, agent, "caller", talk, held))
    days.note(over, agent, "wrap_up")
    days.note(over + wrap, agent, "idle")
    days.free_at[agent] = over + wrap
    if chance.random() < 0.4:
        days.at(over + 6, ivr.SatisfactionGiven(call, chance.choice((1, 3, 4, 5, 5, 5))))
    days.at(over + 8, acd.CallEnded(call, "caller_hung_up"))
    if chance.random() < 0.002:
        days.at(over + 9, rec.RecordingMissing(call, "no file"))
    else:
        path = f"2027/01/15/{call}.wav"
        days.at(over + 9, rec.RecordingClosed(call, path, talk + held, 2, f"{call:064x}", -20.0, -23.0))
    if chance.random() < 0.003:
        days.at(join + 5, acd.SoundStopped(call, agent, "caller", 4.0))
    if ticket:
        _work(days, ticket, agent, over)


def _offer(days: _Days, call: int, queue: str, agent: str, when: float, names: list[str]) -> int:
    days.offers += 1
    others = days.chance.sample(names, min(5, len(names)))
    seen = tuple(Candidate(each, "on a call" if place % 2 else "", (3.0, 1.5)) for place, each in enumerate(others))
    decision = Decision(call, "offer", "longest idle", when, queue, agent, days.offers, candidates=seen)
    days.at(when, Decided(decision))
    days.note(when, agent, "reserved", call)
    days.at(when + 0.4, acd.OfferRinging(days.offers))
    days.note(when + 0.4, agent, "ringing", call)
    return days.offers


def _work(days: _Days, ticket: int, agent: str, over: float) -> None:
    way = days.chance.random()
    if way < 0.5:
        done = over + 30
        days.at(done, tickets.StateChanged(ticket, "resolved", agent))
    elif way < 0.9:
        days.at(over + 40, tickets.StateChanged(ticket, "dispatched", agent, "", "logistics"))
        done = over + days.chance.uniform(3600, 120_000)
        if days.chance.random() < 0.2:
            days.at(over + 400, tickets.Redispatched(ticket, "network", "Wang", "not a parcel"))
        days.at(done - 1800, tickets.StateChanged(ticket, "acknowledged", "department"))
        days.at(done, tickets.StateChanged(ticket, "resolved", "department"))
    else:
        return
    days.at(done + 7200, tickets.StateChanged(ticket, "followed_up", agent))
    if days.chance.random() < 0.15:
        again = done + 7250
        days.at(again, tickets.RoundStarted(ticket, 2, "serious", agent, "", again + 3600, again + 50_000))
        done = again + days.chance.uniform(3600, 90_000)
        days.at(done - 900, tickets.StateChanged(ticket, "dispatched", "Wang", "", "network"))
        days.at(done - 600, tickets.StateChanged(ticket, "acknowledged", "department"))
        days.at(done, tickets.StateChanged(ticket, "resolved", "department"))
        days.at(done + 7200, tickets.StateChanged(ticket, "followed_up", agent))
    days.at(done + 7300, tickets.StateChanged(ticket, "closed", agent))
