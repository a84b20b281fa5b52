"""From a TOML file to a `Scenario`: what makes no sense is refused with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from acd.callbacks.events import Mode
from acd.callbacks.reading import read_callback_policy
from acd.policy.definitions import Policy, Queue, Requirement, Skill
from acd.policy.reading import read_policy
from server.hotline.definitions import DEFAULTS
from simulation.distributions import NEVER, Distribution, constant, read_distribution
from simulation.scenario import REDIAL_AFTER, Callback, CallStream, Customers, Group, Phones, Scenario, ServiceLevel
from tables.errors import Key, TableError
from tables.toml import located, read
from tables.values import Table, is_number, known

CALLBACK = ("mode", "forced", "accepts", "customers")
RULES = ("skills", "routing", "queues")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")


def load_scenario(file: Path) -> Scenario:
    """The scenario of a file. Raises DefinitionFault with file, line and key."""
    data, text = read(file)
    with located(file, text):
        return read_scenario(data, file)


def load_rules(file: Path) -> Policy:
    """The routing rules of a hotline file. Raises DefinitionFault."""
    data, text = read(file)
    with located(file, text):
        return _own_rules(data)


def read_scenario(data: Mapping[str, Any], file: Path) -> Scenario:
    """The scenario of these tables; `rules` is looked for beside `file`. Raises TableError, DefinitionFault."""
    top = Table(data)
    policy = _policy(top, file.parent)
    start, end = _clock(data.get("start", "00:00"), ("start",)), _clock(data.get("end", "24:00"), ("end",))
    if end <= start:
        raise TableError(("end",), "the day ends before it starts")
    minutes = top.number("interval", 30.0, least=1, most=1440)
    scenario = Scenario(
        name=str(data.get("name", file.stem)),
        policy=policy,
        start=start,
        end=end,
        calls=tuple(_calls(name, table, policy) for name, table in _named(top, "calls")),
        groups=tuple(_group(name, table, policy, (start, end)) for name, table in _named(top, "agents")),
        interval=60.0 * minutes,
        warm_up=60.0 * top.number("warm_up", 0.0),
        service_level=_service_level(top.table("service_level")),
        phones=_phones(top.table("phones")),
        callback=_callback(top.table("callback"), policy) if top.has("callback") else None,
    )
    for key in ("name", "start", "end"):
        top.has(key)
    top.done()
    if start + scenario.warm_up >= end:
        raise TableError(("warm_up",), "nothing would be counted: the warm-up lasts until the end of the day")
    for calls in scenario.calls:
        if len(calls.per_hour) > scenario.intervals:
            sentence = f"has {len(calls.per_hour)} rates, the day has {scenario.intervals} intervals of {minutes:g} min"
            raise TableError(("calls", calls.name, "per_hour"), sentence)
    return scenario


def _policy(top: Table, folder: Path) -> Policy:
    own = [key for key in RULES if top.has(key)]
    if not top.has("rules"):
        return _own_rules(top.data) if "queues" in own else load_rules(DEFAULTS)
    if own:
        raise TableError((own[0],), "stands here and in the file that `rules` names: leave one of them out")
    return load_rules(folder / str(top.data["rules"]))


def _own_rules(data: Mapping[str, Any]) -> Policy:
    return read_policy({key: data[key] for key in RULES if key in data})


def _calls(name: str, table: Table, policy: Policy) -> CallStream:
    queues = {queue.name: queue for queue in policy.queues}
    queue = queues[known(table.text("queue", name), queues, table.at("queue"), "queue")]
    rates = table.data["per_hour"] if table.has("per_hour") else None
    rates = rates if isinstance(rates, list) else [rates]
    if not rates or not all(is_number(rate) and 0 <= rate < 1e6 for rate in rates):
        sentence = "is needed: calls an hour, one number or one for each interval of the day"
        raise TableError(table.at("per_hour"), sentence)
    if not table.has("talk"):
        sentence = "calls need `talk`: how long a conversation lasts, such as { mean = 240, cv = 0.8 }"
        raise TableError(table.key, sentence)
    calls = CallStream(
        name=name,
        queue=queue.name,
        per_hour=tuple(map(float, rates)),
        requirement=_requirement(queue, table.table("required"), policy),
        talk=read_distribution(table.data["talk"], table.at("talk")),
        wrap_up=_duration(table, "wrap_up", constant(queue.wrap_up.seconds)),
        patience=_duration(table, "patience", NEVER),
        categories=_shares(table.table("categories")),
        vip=table.number("vip", 0.0, most=1),
        takes_callback=table.number("takes_callback", 0.0, most=1),
        unfit=table.number("unfit", 1.0, least=1, most=10),
        redials=table.number("redials", 0.0, most=1),
        redial_after=_duration(table, "redial_after", REDIAL_AFTER),
    )
    table.done()
    return calls


def _requirement(queue: Queue, table: Table, policy: Policy) -> Requirement:
    levels = {skill.name: skill.level for skill in queue.own_requirement().required}
    for skill in _skills(table, policy):
        levels[skill.name] = max(skill.level, levels.get(skill.name, 0))
    return Requirement(tuple(Skill(name, level) for name, level in levels.items()))


def _group(name: str, table: Table, policy: Policy, day: tuple[float, float]) -> Group:
    count = table.integer("count", most=100_000)
    skills = _skills(table.table("skills"), policy)
    if not skills:
        sentence = "agents without a skill can take no call: give { complaint = 3 } or the like"
        raise TableError(table.at("skills"), sentence)
    group = Group(name, count, skills, _shifts(table, "shifts") or (day,))
    table.done()
    return group


def _skills(table: Table, policy: Policy) -> tuple[Skill, ...]:
    for name in table.data:
        known(name, policy.skills, table.at(name), "skill")
    return tuple(Skill(name, table.integer(name, least=1, most=10)) for name in table.data)


def _shifts(table: Table, key: str) -> tuple[tuple[float, float], ...]:
    """Spans of the day in order; none may begin before the one before it has ended."""
    shifts = sorted(table.items(key, _shift))
    for (_, last), (first, _) in pairwise(shifts):
        if first < last:
            raise TableError(table.at(key), "two of them overlap")
    return tuple(shifts)


def _shift(text: object, at: Key) -> tuple[float, float]:
    first, dash, last = str(text).partition("-")
    if not dash:
        raise TableError(at, f"{text!r} is no shift: write it as 08:00-12:00")
    since, until = _clock(first.strip(), at), _clock(last.strip(), at)
    if until <= since:
        raise TableError(at, f"{text} ends before it begins")
    return since, until


def _shares(table: Table) -> tuple[tuple[str, float], ...]:
    shares = tuple((name, table.number(name, most=1)) for name in table.data)
    if (total := sum(share for _, share in shares)) > 1 + 1e-9:
        raise TableError(table.key, f"the shares add up to {total:g}, more than 1")
    return shares


def _service_level(table: Table) -> ServiceLevel:
    level = ServiceLevel(table.number("share", 0.8, most=1), table.number("within", 20.0), table.number("short", 5.0))
    table.done()
    return level


def _phones(table: Table) -> Phones:
    phones = Phones(_duration(table, "answered_after", constant(3.0)), table.number("unanswered", 0.0, most=1))
    table.done()
    return phones


def _callback(table: Table, policy: Policy) -> Callback:
    """The rules as the hotline's file has them, and how callers and customers behave."""
    rules = read_callback_policy(table.data, tuple(queue.name for queue in policy.queues), CALLBACK)
    usual, accepts = Callback(), table.table("accepts")
    callback = Callback(
        policy=rules,
        mode=Mode(table.choice("mode", tuple(Mode), usual.mode)),
        most=accepts.number("most", usual.most, most=1),
        even=accepts.number("even", usual.even, least=0.01, most=100),
        insists=accepts.number("insists", usual.insists, most=1),
        forced=_shifts(table, "forced"),
        customers=_customers(table.table("customers")),
    )
    accepts.done()
    return callback


def _customers(table: Table) -> Customers:
    usual = Customers()
    customers = Customers(
        answered_after=_duration(table, "answered_after", usual.answered_after),
        busy=table.number("busy", usual.busy, most=1),
        unanswered=table.number("unanswered", usual.unanswered, most=1),
    )
    table.done()
    if customers.busy + customers.unanswered > 1:
        raise TableError(table.key, "busy and unanswered are shares and add up to more than 1")
    return customers


def _duration(table: Table, key: str, default: Distribution) -> Distribution:
    return table.get(key, default, read_distribution)


def _named(top: Table, key: str) -> list[tuple[str, Table]]:
    tables = top.table(key)
    if not tables.data:
        raise TableError((key,), f"a scenario needs at least one table [{key}.NAME]")
    return [(name, tables.table(name)) for name in tables.data]


def _clock(value: Any, at: Key) -> float:
    match = _CLOCK.fullmatch(str(value))
    if match is None or (seconds := 3600.0 * int(match[1]) + 60.0 * int(match[2])) > 86400:
        raise TableError(at, f"{value!r} is no time of day: write it as 08:30")
    return seconds
