"""A plan says beforehand which calls a sample stands for, and which of them are risky; the drawing adds no judgement.

Everything here is known before anybody listens: so no stratum depends on a score.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from quality.errors import QualityError
from quality.periods import Period, PeriodKind
from tables.errors import TableError
from tables.values import Table, integer


class Risk(StrEnum):
    """Why a call is in the risk stratum."""

    LOW_SATISFACTION = "low_satisfaction"
    ESCALATED = "escalated"
    REPEAT = "repeat"
    LONG_HOLD = "long_hold"
    TRANSFERRED = "transferred"
    TALK_OVER = "talk_over"
    KEYWORD = "keyword"


class Key(StrEnum):
    """What the calls of one agent and risk are told apart by, if the quota is large enough."""

    CATEGORY = "category"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class RiskRules:
    """When a call is risky. A limit of 0 and a flag that is false look for nothing."""

    satisfaction: int = 2
    """The caller pressed this or less."""
    hold: float = 120.0
    """Seconds on hold in all."""
    talk_over: float = 15.0
    """Seconds in which caller and agent spoke at once."""
    escalated: bool = True
    repeat: bool = True
    transferred: bool = True
    keywords: tuple[str, ...] = ()
    """Words in the write-up, in any case."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A sampling plan 抽样计划. The seed and the call's number alone decide the order in which calls are drawn."""

    name: str
    seed: str
    per_agent: int = 10
    """Calls drawn of each agent in each period."""
    period: PeriodKind = PeriodKind.WEEK
    businesses: tuple[str, ...] = ()
    """Business types in the frame; empty: all."""
    shortest: float = 0.0
    """Seconds of conversation; shorter calls are not in the frame. 0: every call in which an agent spoke is."""
    keys: tuple[Key, ...] = (Key.CATEGORY, Key.LENGTH)
    lengths: tuple[float, ...] = (180.0, 480.0)
    """Where one band of length ends and the next begins, whole seconds, rising."""
    risk_least: int = 3
    """At least so many of an agent's calls are risky ones, if there are so many."""
    risk: RiskRules = field(default_factory=RiskRules)
    reviewers: tuple[str, ...] = ()
    """The people for whom it draws; empty: every reviewer."""

    def band(self, seconds: float) -> str:
        """The band of length, such as `0-180`, `180-480`, `480+`; a call of just 180 s is in `180-480`."""
        edges = (0.0, *self.lengths)
        place = sum(seconds >= edge for edge in self.lengths)
        return f"{edges[place]:g}-{edges[place + 1]:g}" if place + 1 < len(edges) else f"{edges[place]:g}+"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call before anybody listens. `agent` is the one who is judged by it: the last who spoke.

    `day` is the hotline's day on which the call came in; `seconds`, `held` and `talk_over` are seconds of conversation.
    """

    call: int
    agent: str
    day: date
    business: str
    category: str
    seconds: float
    satisfaction: int | None = None
    escalated: bool = False
    repeat: bool = False
    held: float = 0.0
    transferred: bool = False
    talk_over: float = 0.0
    words: str = ""
    """The write-up, in which keywords are looked for."""


def risks(facts: CallFacts, rules: RiskRules) -> tuple[Risk, ...]:
    """Why this call is risky, in the order of `Risk`; empty: it is not."""
    said = facts.words.casefold()
    found = {
        Risk.LOW_SATISFACTION: facts.satisfaction is not None and facts.satisfaction <= rules.satisfaction,
        Risk.ESCALATED: rules.escalated and facts.escalated,
        Risk.REPEAT: rules.repeat and facts.repeat,
        Risk.LONG_HOLD: 0 < rules.hold <= facts.held,
        Risk.TRANSFERRED: rules.transferred and facts.transferred,
        Risk.TALK_OVER: 0 < rules.talk_over <= facts.talk_over,
        Risk.KEYWORD: any(word.casefold() in said for word in rules.keywords),
    }
    return tuple(each for each in Risk if found[each])


@dataclass(frozen=True, slots=True)
class FrameCall:
    """One call of a frame, as far as drawing must know it. `length` is its band, `risks` why it is risky."""

    call: int
    agent: str
    category: str
    length: str
    risks: tuple[Risk, ...] = ()


class Frame:
    """The calls that a sample can be drawn of and stands for, by number, each once. Raises QualityError otherwise.

    `digest` is SHA-256 in hex over `lines`: the same calls with the same facts, and nothing else, have the same one.
    """

    def __init__(self, calls: Iterable[FrameCall]) -> None:
        self.calls = tuple(sorted(calls, key=lambda each: each.call))
        for before, after in zip(self.calls, self.calls[1:], strict=False):
            if before.call == after.call:
                raise QualityError(f"call {after.call} stands twice in the frame: a call is one agent's")
        self.digest = hashlib.sha256(self.lines().encode()).hexdigest()

    def lines(self) -> str:
        """One JSON list a call, by number: what is stored beside a job, so that anybody can redraw it."""
        rows = ([each.call, each.agent, each.category, each.length, list(each.risks)] for each in self.calls)
        return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)

    @classmethod
    def parse(cls, lines: str) -> Frame:
        """The frame that `lines` gave. Raises QualityError when a line is none of a frame."""
        calls = []
        for place, line in enumerate(lines.split("\n")[:-1], 1):
            try:
                call, agent, category, length, why = json.loads(line)
                if type(call) is not int or not all(isinstance(each, str) for each in (agent, category, length)):
                    raise TypeError
                calls.append(FrameCall(call, agent, category, length, tuple(Risk(each) for each in why)))
            except (ValueError, TypeError):
                raise QualityError(f"line {place} of the stored frame is not a call") from None
        return cls(calls)

    def without(self, calls: Collection[int]) -> Frame:
        """The frame that is left when these calls were drawn by an earlier job."""
        return Frame(each for each in self.calls if each.call not in calls)

    def __len__(self) -> int:
        return len(self.calls)


def frame(plan: Plan, period: Period, calls: Iterable[CallFacts]) -> Frame:
    """The plan's frame in this period. Raises QualityError for a period of another kind, and for a call given twice."""
    if period.kind is not plan.period:
        raise QualityError(f"plan {plan.name} is drawn by the {plan.period}, and {period.name} is a {period.kind}")
    return Frame(
        FrameCall(each.call, each.agent, each.category, plan.band(each.seconds), risks(each, plan.risk))
        for each in calls
        if each.agent
        and each.day in period
        and each.seconds >= plan.shortest
        and (not plan.businesses or each.business in plan.businesses)
    )


def read_plan(name: str, table: Table) -> Plan:
    """A plan of a TOML table. Raises TableError with the key and what would be right."""
    usual = Plan(name, "")
    rules = table.table("risk")
    plan = Plan(
        name=name,
        seed=table.text("seed"),
        per_agent=table.integer("per_agent", usual.per_agent, least=1, most=1000),
        period=PeriodKind(table.choice("period", tuple(PeriodKind), usual.period)),
        businesses=table.texts("businesses", usual.businesses),
        shortest=table.number("shortest", usual.shortest, most=3600.0),
        keys=_keys(table, usual.keys),
        lengths=_lengths(table, usual.lengths),
        risk_least=table.integer("risk_least", usual.risk_least, most=1000),
        risk=_risk(rules),
        reviewers=table.texts("reviewers", usual.reviewers),
    )
    if not plan.seed:
        raise TableError(table.at("seed"), "a seed is at least one character")
    table.done()
    return plan


def _risk(table: Table) -> RiskRules:
    usual = RiskRules()
    rules = RiskRules(
        satisfaction=table.integer("satisfaction", usual.satisfaction, most=5),
        hold=table.number("hold", usual.hold, most=36000.0),
        talk_over=table.number("talk_over", usual.talk_over, most=36000.0),
        escalated=table.flag("escalated", usual.escalated),
        repeat=table.flag("repeat", usual.repeat),
        transferred=table.flag("transferred", usual.transferred),
        keywords=table.texts("keywords", usual.keywords),
    )
    for index, word in enumerate(rules.keywords):
        if not word.strip():
            raise TableError((*table.at("keywords"), index), "an empty keyword is in every write-up")
    table.done()
    return rules


def _keys(table: Table, usual: tuple[Key, ...]) -> tuple[Key, ...]:
    keys = table.texts("keys", tuple(usual))
    for index, name in enumerate(keys):
        if name not in tuple(Key) or name in keys[:index]:
            raise TableError((*table.at("keys"), index), f"{name!r}: keys are category and length, each once")
    return tuple(Key(name) for name in keys)


def _lengths(table: Table, usual: tuple[float, ...]) -> tuple[float, ...]:
    if not table.has("lengths"):
        return usual
    edges = table.items("lengths", _seconds)
    if list(edges) != sorted(set(edges)):
        raise TableError(table.at("lengths"), "the seconds between bands rise, such as [180, 480]")
    return edges


def _seconds(value: object, key: tuple[str | int, ...]) -> float:
    return float(integer(value, key, 1, 36_000))
