"""From a TOML file to a `Scenario`: what makes no sense is refused with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from acd.callbacks.events import Mode
from acd.callbacks.reading import read_callback_policy
from acd.policy.definitions import DefinitionError, Policy, Queue, Requirement, Skill
from acd.policy.fields import choice
from acd.policy.reading import read_policy
from server.hotline.definitions import DEFAULTS
from simulation.distributions import NEVER, Distribution, constant, read_distribution
from simulation.scenario import REDIAL_AFTER, Callback, Calls, Customers, Group, Phones, Scenario, ServiceLevel
from tables.toml import DefinitionFault, Key, line_of, read

TOP = (
    "name", "rules", "start", "end", "interval", "warm_up", "service_level", "phones", "calls", "agents", "skills",
    "routing", "queues", "callback",
)  # fmt: skip
CALLS = (
    "queue", "per_hour", "categories", "required", "talk", "wrap_up", "patience", "vip", "takes_callback", "unfit",
    "redials", "redial_after",
)  # fmt: skip
CALLBACK = ("mode", "forced", "accepts", "customers")
AGENTS = ("count", "skills", "shifts")
RULES = ("skills", "routing", "queues")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")


def load_scenario(file: Path) -> Scenario:
    """The scenario of a file. Raises DefinitionFault with file, line and key."""
    data, text = read(file)
    try:
        return read_scenario(data, file)
    except DefinitionError as error:
        raise DefinitionFault(file, line_of(text, error.key), error.key, error.sentence) from None


def load_rules(file: Path) -> Policy:
    """The routing rules of a hotline file. Raises DefinitionFault."""
    data, text = read(file)
    try:
        return read_policy({key: data[key] for key in RULES if key in data})
    except DefinitionError as error:
        raise DefinitionFault(file, line_of(text, error.key), error.key, error.sentence) from None


def read_scenario(data: Mapping[str, Any], file: Path) -> Scenario:
    """The scenario of these tables; `rules` is looked for beside `file`. Raises DefinitionError, DefinitionFault."""
    _known(data, TOP, ())
    if "rules" in data:
        for key in RULES:
            if key in data:
                raise _fault((key,), "stands here and in the file that `rules` names: leave one of them out")
        policy = load_rules(file.parent / str(data["rules"]))
    elif "queues" in data:
        policy = read_policy({key: data[key] for key in RULES if key in data})
    else:
        policy = load_rules(DEFAULTS)
    start, end = _clock(data.get("start", "00:00"), ("start",)), _clock(data.get("end", "24:00"), ("end",))
    if end <= start:
        raise _fault(("end",), "the day ends before it starts")
    minutes = _number(data, "interval", (), 30, least=1, most=1440)
    scenario = Scenario(
        name=str(data.get("name", file.stem)),
        policy=policy,
        start=start,
        end=end,
        calls=tuple(_calls(name, table, policy) for name, table in _tables(data, "calls")),
        groups=tuple(_group(name, table, policy, (start, end)) for name, table in _tables(data, "agents")),
        interval=60.0 * minutes,
        warm_up=60.0 * _number(data, "warm_up", (), 0),
        service_level=_service_level(data.get("service_level", {})),
        phones=_phones(data.get("phones", {})),
        callback=_callback(data["callback"], policy) if "callback" in data else None,
    )
    if start + scenario.warm_up >= end:
        raise _fault(("warm_up",), "nothing would be counted: the warm-up lasts until the end of the day")
    for index, calls in enumerate(scenario.calls):
        if len(calls.per_hour) > scenario.intervals:
            name = scenario.calls[index].name
            sentence = f"has {len(calls.per_hour)} rates, the day has {scenario.intervals} intervals of {minutes:g} min"
            raise _fault(("calls", name, "per_hour"), sentence)
    return scenario


def _calls(name: str, table: Mapping[str, Any], policy: Policy) -> Calls:
    at: Key = ("calls", name)
    _known(table, CALLS, at)
    queues = {queue.name: queue for queue in policy.queues}
    queue = queues.get(str(table.get("queue", name)))
    if queue is None:
        raise _fault((*at, "queue"), f"there is no queue {table.get('queue', name)}: there is {', '.join(queues)}")
    rates = table.get("per_hour")
    rates = rates if isinstance(rates, list) else [rates]
    if not rates or not all(_is_number(rate) and 0 <= rate < 1e6 for rate in rates):
        raise _fault((*at, "per_hour"), "is needed: calls an hour, one number or one for each interval of the day")
    if "talk" not in table:
        raise _fault(at, "calls need `talk`: how long a conversation lasts, such as { mean = 240, cv = 0.8 }")
    return Calls(
        name=name,
        queue=queue.name,
        per_hour=tuple(map(float, rates)),
        requirement=_requirement(queue, table.get("required", {}), policy, (*at, "required")),
        talk=read_distribution(table["talk"], (*at, "talk")),
        wrap_up=_duration(table, "wrap_up", at, constant(queue.wrap_up.seconds)),
        patience=_duration(table, "patience", at, NEVER),
        categories=_shares(table.get("categories", {}), (*at, "categories")),
        vip=_number(table, "vip", at, 0, most=1),
        takes_callback=_number(table, "takes_callback", at, 0, most=1),
        unfit=_number(table, "unfit", at, 1, least=1, most=10),
        redials=_number(table, "redials", at, 0, most=1),
        redial_after=_duration(table, "redial_after", at, REDIAL_AFTER),
    )


def _requirement(queue: Queue, table: Any, policy: Policy, at: Key) -> Requirement:
    levels = {skill.name: skill.level for skill in queue.own_requirement().required}
    for skill in _skills(table, policy, at):
        levels[skill.name] = max(skill.level, levels.get(skill.name, 0))
    return Requirement(tuple(Skill(name, level) for name, level in levels.items()))


def _group(name: str, table: Mapping[str, Any], policy: Policy, day: tuple[float, float]) -> Group:
    at: Key = ("agents", name)
    _known(table, AGENTS, at)
    count = table.get("count")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 100_000:
        raise _fault((*at, "count"), "is needed: how many agents of this kind there are, a whole number")
    skills = _skills(table.get("skills", {}), policy, (*at, "skills"))
    if not skills:
        raise _fault((*at, "skills"), "agents without a skill can take no call: give { complaint = 3 } or the like")
    return Group(name, count, skills, _shifts(table.get("shifts", []), (*at, "shifts")) or (day,))


def _skills(table: Any, policy: Policy, at: Key) -> tuple[Skill, ...]:
    if not isinstance(table, Mapping):
        raise _fault(at, "is a table of skills and levels, such as { complaint = 3 }")
    for name, level in table.items():
        if name not in policy.skills:
            raise _fault((*at, name), f"there is no skill {name}: there is {', '.join(policy.skills)}")
        if isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= 10:
            raise _fault((*at, name), f"{level!r} is no level: a level is 1 to 10")
    return tuple(Skill(name, level) for name, level in table.items())


def _shifts(texts: Any, at: Key) -> tuple[tuple[float, float], ...]:
    """Spans of the day in order; none may begin before the one before it has ended."""
    if not isinstance(texts, list):
        raise _fault(at, 'is a list such as ["08:00-12:00", "13:00-17:00"]')
    shifts = sorted(_shift(text, (*at, index)) for index, text in enumerate(texts))
    for (_, last), (first, _) in pairwise(shifts):
        if first < last:
            raise _fault(at, "two of them overlap")
    return tuple(shifts)


def _shift(text: Any, at: Key) -> tuple[float, float]:
    first, dash, last = str(text).partition("-")
    if not dash:
        raise _fault(at, f"{text!r} is no shift: write it as 08:00-12:00")
    since, until = _clock(first.strip(), at), _clock(last.strip(), at)
    if until <= since:
        raise _fault(at, f"{text} ends before it begins")
    return since, until


def _shares(table: Any, at: Key) -> tuple[tuple[str, float], ...]:
    if not isinstance(table, Mapping):
        raise _fault(at, "is a table of shares, such as { process = 0.3, attitude = 0.1 }")
    shares = tuple((name, _number(table, name, at, 0, most=1)) for name in table)
    if sum(share for _, share in shares) > 1 + 1e-9:
        raise _fault(at, f"the shares add up to {sum(share for _, share in shares):g}, more than 1")
    return shares


def _service_level(table: Any) -> ServiceLevel:
    at: Key = ("service_level",)
    _known(table, ("share", "within", "short"), at)
    share = _number(table, "share", at, 0.8, most=1)
    return ServiceLevel(share, _number(table, "within", at, 20), _number(table, "short", at, 5))


def _phones(table: Any) -> Phones:
    at: Key = ("phones",)
    _known(table, ("answered_after", "unanswered"), at)
    unanswered = _number(table, "unanswered", at, 0, most=1)
    return Phones(_duration(table, "answered_after", at, constant(3.0)), unanswered)


def _callback(table: Any, policy: Policy) -> Callback:
    """The rules as the hotline's file has them, and how callers take to it."""
    at: Key = ("callback",)
    rules = read_callback_policy(table, tuple(queue.name for queue in policy.queues), CALLBACK)
    accepts, customers = table.get("accepts", {}), table.get("customers", {})
    _known(accepts, ("most", "even", "insists"), (*at, "accepts"))
    _known(customers, ("answered_after", "busy", "unanswered"), (*at, "customers"))
    usual, them = Callback(), Customers()
    at_phone = (*at, "customers")
    read_customers = Customers(
        answered_after=_duration(customers, "answered_after", at_phone, them.answered_after),
        busy=_number(customers, "busy", at_phone, them.busy, most=1),
        unanswered=_number(customers, "unanswered", at_phone, them.unanswered, most=1),
    )
    if read_customers.busy + read_customers.unanswered > 1:
        raise _fault(at_phone, "busy and unanswered are shares and add up to more than 1")
    return Callback(
        policy=rules,
        mode=Mode(choice(table, "mode", tuple(at), usual.mode, tuple(Mode))),
        most=_number(accepts, "most", (*at, "accepts"), usual.most, most=1),
        even=_number(accepts, "even", (*at, "accepts"), usual.even, least=0.01, most=100),
        insists=_number(accepts, "insists", (*at, "accepts"), usual.insists, most=1),
        forced=_shifts(table.get("forced", []), (*at, "forced")),
        customers=read_customers,
    )


def _duration(table: Mapping[str, Any], key: str, at: Key, default: Distribution) -> Distribution:
    return read_distribution(table[key], (*at, key)) if key in table else default


def _tables(data: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    tables = data.get(key)
    if not isinstance(tables, Mapping) or not tables:
        raise _fault((key,), f"a scenario needs at least one table [{key}.NAME]")
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise _fault((key, name), f"is a table: write it as [{key}.{name}]")
    return list(tables.items())


def _clock(value: Any, at: Key) -> float:
    match = _CLOCK.fullmatch(str(value))
    if match is None or (seconds := 3600.0 * int(match[1]) + 60.0 * int(match[2])) > 86400:
        raise _fault(at, f"{value!r} is no time of day: write it as 08:30")
    return seconds


def _number(
    table: Mapping[str, Any], key: str, at: Key, default: float, *, least: float = 0, most: float = 1e9
) -> float:
    value = table.get(key, default)
    if not _is_number(value) or not least <= value <= most:
        upper = f" to {most:g}" if most < 1e9 else " or more"
        raise _fault((*at, key), f"{value!r} is out of range: a number from {least:g}{upper}")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def _known(table: Any, keys: tuple[str, ...], at: Key) -> None:
    if not isinstance(table, Mapping):
        raise _fault(at, "is a table")
    for key in table:
        if key not in keys:
            raise _fault((*at, key), f"is not known here: there is {', '.join(keys)}")


def _fault(at: Key, sentence: str) -> DefinitionError:
    return DefinitionError(tuple(at), sentence)
