"""Days before today, on the floor itself: made-up callers and agents, and what the floor decides about them.

What happens (a call, an answer, a hang-up) is made up by a seed; offers, notes and tickets are those of `HotlineState`,
as a leading server writes them. So a server that starts on this log has reports, tickets and decisions that agree.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path

from redis import Redis

import acd.events as acd
import ivr.events as ivr
import tickets.events as tickets
from acd.callbacks.events import CallbackPolicySet
from acd.commands import Divert, Offer, Withdraw
from acd.policy.definitions import Skill
from server.eventlog.log import Entry, encode
from server.hotline import definitions
from server.hotline.state import HotlineState
from tests.redis_server import RedisServer

Row = tuple[str, str, bytes, float, str]
"""(id, kind, JSON, instant, cause) of an entry."""
DAYS = 7
OPENS, CLOSES = 8, 22
HOURS = (3, 6, 9, 10, 7, 5, 7, 9, 10, 8, 6, 5, 4, 2)
"""How busy each hour is, from `OPENS` on."""
TEAMS = ("早班", "晚班")


@dataclass(frozen=True, slots=True)
class Person:
    """An agent: work number, name, team (by its place), skills."""

    number: str
    name: str
    team: int
    skills: dict[str, int]


AGENTS = (
    Person("1001", "李明", 0, {"complaint": 8, "attitude": 7, "process": 5}),
    Person("1002", "王芳", 0, {"complaint": 7, "system": 6, "usage": 5}),
    Person("1003", "陈静", 0, {"complaint": 6, "process": 8, "inquiry": 6}),
    Person("1004", "刘洋", 0, {"inquiry": 8, "orders": 7, "complaint": 4}),
    Person("1005", "赵敏", 0, {"inquiry": 7, "orders": 8, "partnership": 6}),
    Person("1006", "孙磊", 0, {"complaint": 5, "competence": 7, "media": 8}),
    Person("1007", "周婷", 1, {"complaint": 8, "attitude": 8, "usage": 6}),
    Person("1008", "吴强", 1, {"complaint": 6, "system": 8, "inquiry": 5}),
    Person("1009", "郑爽", 1, {"inquiry": 8, "orders": 6, "complaint": 5}),
    Person("1010", "冯雪", 1, {"orders": 8, "partnership": 7, "inquiry": 6}),
    Person("1011", "蒋涛", 1, {"complaint": 7, "process": 6, "competence": 6}),
    Person("1012", "沈悦", 1, {"complaint": 5, "media": 7, "inquiry": 7}),
)
MATTERS = (
    ("complaint", "process", 9), ("complaint", "system", 6), ("complaint", "competence", 3),
    ("complaint", "attitude", 5), ("complaint", "usage", 4), ("inquiry", "", 12), ("orders", "", 8),
    ("partnership", "", 2), ("media", "", 1),
)  # fmt: skip


@dataclass
class Past:
    """The log of the days before `now`, as it is made."""

    rules: definitions.Definitions
    now: float
    calls_per_day: int
    chance: random.Random
    state: HotlineState = field(default_factory=HotlineState)
    rows: list[Row] = field(default_factory=list)
    _ahead: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _order: int = 0
    _ms: int = 0
    calls: int = 0
    _offers: dict[int, Offer] = field(default_factory=dict)
    _waiting: dict[int, str] = field(default_factory=dict)
    """Call in a queue → its number."""

    def play(self) -> None:
        """Every day, and the end of the last one: nobody is signed in, and no call is open."""
        zone = self.rules.calendar.zone
        today = datetime.fromtimestamp(self.now, zone).date()
        midnights = [datetime.combine(today - timedelta(days=back), time(), zone).timestamp() for back in range(DAYS)]
        self._record(
            min(midnights),
            acd.PolicySet(self.rules.policy, self.rules.source),
            CallbackPolicySet(self.rules.callback.policy, self.rules.source),
            self.rules.ticket_rules(min(midnights)),
            *(
                acd.AgentDefined(
                    each.number, each.name, tuple(Skill(*skill) for skill in each.skills.items()), (TEAMS[each.team],)
                )
                for each in AGENTS
            ),
        )
        for midnight in sorted(midnights):
            self._day(midnight)
        while self._ahead or self._tick() is not None:
            due, tick = self._ahead[0][0] if self._ahead else float("inf"), self._tick()
            if tick is not None and tick <= due:
                if tick > self.now:
                    break
                self._record(tick, acd.Tick())
            elif due > self.now:
                break
            else:
                at, _, act = heapq.heappop(self._ahead)
                act(at)
        live = [*self.state.calls]
        for each in live:
            self._record(self.now, acd.CallEnded(each.id, "caller_hung_up"))
        for person in AGENTS:
            self._record(self.now, acd.StatusSet(person.number, acd.Status.SIGNED_OUT))

    def _tick(self) -> float | None:
        return self.state.next_timer()

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        self._order += 1
        heapq.heappush(self._ahead, (when, self._order, act))

    def _record(self, at: float, *events: object) -> None:
        for event in events:
            commands = self.state.play(self._entry(event, at, ""))
            for each in list(self.state.unwritten):
                self.state.play(self._entry(each.note, each.at, each.after))
            for command in commands:
                self._answer(command, at)

    def _entry(self, event: object, at: float, after: str) -> Entry:
        self._ms = max(self._ms, int(at * 1000))
        place = f"{self._ms}-{len(self.rows) + 1}"
        kind, data = encode(event)
        self.rows.append((place, kind, data, at, after))
        return Entry(place, at, event, after)

    # What people do

    def _day(self, midnight: float) -> None:
        for person in AGENTS:
            begins = midnight + (7.9 if person.team == 0 else 14) * 3600 + self.chance.uniform(-300, 300)
            ends = midnight + (16 if person.team == 0 else 22.05) * 3600 + self.chance.uniform(-60, 300)
            self._status(begins, person.number, acd.Status.AVAILABLE)
            for part in (0.35, 0.7):
                away = begins + (ends - begins) * part + self.chance.uniform(-1800, 1800)
                self._status(away, person.number, acd.Status.BREAK, self.chance.choice(("meal", "rest", "training")))
                self._status(away + self.chance.uniform(300, 1500), person.number, acd.Status.AVAILABLE)
            self._status(ends, person.number, acd.Status.SIGNED_OUT)
        weekend = datetime.fromtimestamp(midnight, self.rules.calendar.zone).weekday() >= 5
        for _ in range(round(self.calls_per_day * (0.7 if weekend else self.chance.uniform(0.92, 1.08)))):
            hour = self.chance.choices(range(OPENS, CLOSES), HOURS)[0]
            self._at(midnight + (hour + self.chance.random()) * 3600, self._arrive)

    def _status(self, when: float, agent: str, status: acd.Status, reason: str = "") -> None:
        self._at(when, lambda at: self._record(at, acd.StatusSet(agent, status, reason)))

    def _arrive(self, at: float) -> None:
        self.calls += 1
        call, chance = self.calls, self.chance
        number = "" if chance.random() < 0.03 else f"13{chance.choice('5689')}{chance.randrange(4_000) * 19_937:08d}"
        queue, category, _ = chance.choices(MATTERS, [weight for *_, weight in MATTERS])[0]
        self._record(at, acd.CallArrived(call, number, "4008001234", f"PJSIP/trunk-{call:08x}", f"{call}.0", at))
        self._at(at + 4, lambda at: self._record(at, ivr.FieldSet(call, "language", "zh")))
        if chance.random() < 0.06:
            self._at(at + chance.uniform(6, 20), lambda at: self._hang_up(at, call))
            return
        self._at(at + chance.uniform(9, 18), lambda at: self._queue(at, call, number, queue, category))

    def _queue(self, at: float, call: int, number: str, queue: str, category: str) -> None:
        self._record(at, ivr.FieldSet(call, "business", queue))
        if category:
            self._record(at, ivr.FieldSet(call, "category", category))
        self._waiting[call] = number
        wanted = self.rules.requirement(queue, category, {})
        self._record(at, acd.CallQueued(call, queue, wanted, at, caller=number, category=category))
        patience = 4 + self.chance.expovariate(1 / 170)
        self._at(at + patience, lambda at: self._give_up(at, call))

    def _give_up(self, at: float, call: int) -> None:
        if self._waiting.pop(call, None) is not None:
            self._hang_up(at, call)

    def _hang_up(self, at: float, call: int) -> None:
        self._record(at, acd.CallEnded(call, "caller_hung_up"))

    def _answer(self, command: object, at: float) -> None:
        if isinstance(command, Offer):
            self._offers[command.offer] = command
            self._at(at + 0.4, lambda at: self._stands(command) and self._record(at, acd.OfferRinging(command.offer)))
            if self.chance.random() < 0.05:
                self._at(at + command.ring_for, lambda at: self._missed(at, command))
            else:
                self._at(at + self.chance.uniform(2, 9), lambda at: self._answered(at, command))
        elif isinstance(command, Withdraw):
            self._offers.pop(command.offer, None)
        elif isinstance(command, Divert) and command.call in self._waiting and self.chance.random() < 0.5:
            self._at(at + 8, lambda at: self._message(at, command.call))

    def _stands(self, offer: Offer) -> bool:
        return offer.offer in self._offers

    def _missed(self, at: float, offer: Offer) -> None:
        if self._offers.pop(offer.offer, None):
            self._record(at, acd.OfferFailed(offer.offer, acd.Outcome.NO_ANSWER, "NOANSWER"))
            self._status(at + 240, offer.agent, acd.Status.AVAILABLE)

    def _message(self, at: float, call: int) -> None:
        if self._waiting.pop(call, None) is not None:
            self._record(at, acd.CallLeftQueue(call, "message"), ivr.MessageLeft(call, f"message-{call}.wav", 14.0))
            self._at(at + 15, lambda at: self._hang_up(at, call))

    def _answered(self, at: float, offer: Offer) -> None:
        if self._offers.pop(offer.offer, None) is None:
            return
        call, agent, chance = offer.call, offer.agent, self.chance
        if self._waiting.pop(call, None) is None:
            return
        self._record(at, acd.OfferAnswered(offer.offer))
        talk, held = round(chance.lognormvariate(5.0, 0.5), 1), chance.choice((0.0, 0.0, 0.0, 0.0, 25.0))

        def over(at: float) -> None:
            self._record(at, acd.ConversationEnded(call, agent, "caller", talk, held))
            if chance.random() < 0.45:
                score = chance.choices((1, 2, 3, 4, 5), (1, 1, 2, 6, 12))[0]
                self._at(at + 5, lambda at: self._record(at, ivr.SatisfactionGiven(call, score)))
            self._at(at + 8, lambda at: self._hang_up(at, call))
            self._at(at + chance.uniform(8, 28), lambda at: self._record(at, acd.WrapUpEnded(agent)))
            self._work(at, call, agent)

        self._at(at + 2, lambda at: self._record(at, acd.Joined(call, agent)))
        self._at(at + 2 + talk + held, over)

    def _work(self, at: float, call: int, agent: str) -> None:
        """What becomes of the call's ticket: settled at the desk, sent to a department, or left."""
        number = self.state.tickets.ticket_of(call)
        if number is None:
            return
        way, chance = self.chance.random(), self.chance
        if way < 0.45:
            self._steps(
                number, agent, (at + 40, "resolved", ""), (at + 7200, "followed_up", ""), (at + 7300, "closed", "")
            )
        elif way < 0.8:
            department = chance.choice(("物流部", "网络部", "产品部", "财务部"))
            signed, done = at + chance.uniform(900, 3000), at + chance.uniform(3600, 80_000)
            self._steps(number, agent, (at + 60, "dispatched", department), (signed, "acknowledged", ""))
            self._steps(
                number, agent, (done, "in_progress", ""), (done, "resolved", ""), (done + 7200, "followed_up", "")
            )

    def _steps(self, number: int, agent: str, *steps: tuple[float, str, str]) -> None:
        for when, state, department in steps:
            event = tickets.StateChanged(number, state, agent, "", department)
            self._at(when, lambda at, event=event: self._record(at, event))


def lay_down(home: Path, now: float, calls_per_day: int = 180, seed: int = 3) -> int:
    """Write the log of the days before `now` into the Redis of a home that no server has used; how many calls."""
    past = Past(definitions.load(home), now, calls_per_day, random.Random(seed))
    past.play()
    folder = home / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = RedisServer(folder)
    server.start()
    try:
        client = Redis.from_url(server.url)
        for part in _parts(past.rows, 500):
            pipe = client.pipeline(transaction=False)
            for place, kind, data, at, after in part:
                fields: dict[bytes | str, bytes | str] = {"t": kind, "e": data, "at": repr(at)}
                pipe.xadd("sansheng:log", fields | ({"f": after} if after else {}), id=place)  # type: ignore[arg-type]
            pipe.execute()
        client.close()
    finally:
        assert server.process is not None
        server.process.terminate()
        server.process.wait(20)
    return past.calls


def _parts(
    rows: Sequence[tuple[str, str, bytes, float, str]], size: int
) -> Sequence[Sequence[tuple[str, str, bytes, float, str]]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]
