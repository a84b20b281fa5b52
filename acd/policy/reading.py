"""From the hotline's tables to a `Policy`: what could strand a caller is refused here, with the key that says where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from acd.policy.definitions import (
    EXITS,
    BreakAfter,
    Overflow,
    PhoneRules,
    Policy,
    Queue,
    Relaxation,
    Requirement,
    RestAfter,
    Skill,
    Strategy,
    WrapUp,
    WrapUpMode,
)
from tables.errors import Key, TableError
from tables.values import Table, known


def read_policy(data: Mapping[str, Any]) -> Policy:
    """Read `skills`, `[routing]`, `[phones]` and `[queues.NAME]`; other tables are left alone.

    Raises TableError at the first value that cannot be used.
    """
    top = Table(data)
    skills = _skills(data.get("skills", []))
    routing, queues = top.table("routing"), top.table("queues")
    usual = Policy()
    policy = Policy(
        skills=skills,
        ageing_limit=routing.number("ageing_limit", usual.ageing_limit, above=0.0),
        round_pause=routing.number("round_pause", usual.round_pause),
        offer_grace=routing.number("offer_grace", usual.offer_grace),
        forget_detached=routing.number("forget_detached", usual.forget_detached),
        no_answer_resets_idle=routing.flag("no_answer_resets_idle", usual.no_answer_resets_idle),
        outbound_resets_idle=routing.flag("outbound_resets_idle", usual.outbound_resets_idle),
        rest_after=_rest_after(routing.table("rest_after"), usual.rest_after),
        break_after=_break_after(routing.table("break_after"), usual.break_after),
        phones=_phones(top.table("phones"), usual.phones),
        queues=tuple(_queue(name, queues.table(name), skills, tuple(queues.data)) for name in queues.data),
    )
    routing.done()
    _refuse_loops(policy.queues)
    _refuse_unreachable_limit(policy)
    return policy


def _skills(data: object) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(name, str) and name for name in data):
        raise TableError(("skills",), 'skills is a list of names, such as ["complaint", "inquiry"]')
    for index, name in enumerate(data):
        if name in data[:index]:
            raise TableError(("skills", index), f"skill {name} is named twice")
    return tuple(data)


def _rest_after(table: Table, usual: RestAfter) -> RestAfter:
    rest = RestAfter(**{each.name: table.number(each.name, getattr(usual, each.name)) for each in fields(RestAfter)})
    table.done()
    return rest


def _break_after(table: Table, usual: BreakAfter) -> BreakAfter:
    most = 1_000_000_000
    names = (each.name for each in fields(BreakAfter))
    limits = BreakAfter(**{name: table.integer(name, getattr(usual, name), most=most) for name in names})
    table.done()
    return limits


def _phones(table: Table, usual: PhoneRules) -> PhoneRules:
    rules = PhoneRules(
        misses_within=table.number("misses_within", usual.misses_within, most=30.0),
        rings_within=table.number("rings_within", usual.rings_within, most=60.0),
        lost_after=table.number("lost_after", usual.lost_after, least=1.0, most=600.0),
        back_within=table.number("back_within", usual.back_within, most=600.0),
        page_back_within=table.number("page_back_within", usual.page_back_within, least=1.0, most=600.0),
        caller_lost_after=table.number("caller_lost_after", usual.caller_lost_after, least=1.0, most=600.0),
        redial=table.number("redial", usual.redial, most=86400.0),
        auto_answer=table.texts("auto_answer", usual.auto_answer),
    )
    table.done()
    return rules


def _queue(name: str, table: Table, skills: Sequence[str], queues: Sequence[str]) -> Queue:
    if name in EXITS:
        raise TableError(table.key, f"{name} is a way out of a queue: choose another name for the queue")
    usual = Queue(name)
    skill = table.text("skill", "")
    queue = Queue(
        name=name,
        skill=known(skill, skills, table.at("skill"), "skill") if skill else "",
        priority=table.integer("priority", usual.priority, least=-10_000, most=10_000),
        ageing=table.number(
            "ageing", usual.ageing, above=0.0, hint="; without ageing a queue could starve its callers"
        ),
        strategy=Strategy(table.choice("strategy", tuple(Strategy), usual.strategy)),
        ring_for=table.number("ring_for", usual.ring_for, least=1.0, most=300.0),
        owner_first=table.number("owner_first", usual.owner_first),
        wrap_up=_wrap_up(table.table("wrap_up"), usual.wrap_up),
        relax=tuple(_relaxation(step, skills) for step in table.tables("relax")),
        overflow=tuple(_overflow(way, name, skills, queues) for way in table.tables("overflow")),
        max_wait=table.number("max_wait", usual.max_wait, above=0.0),
        last_resort=table.choice("last_resort", ("message", "goodbye"), usual.last_resort),
        hopeless_grace=table.number("hopeless_grace", usual.hopeless_grace),
        announce_first=table.number("announce_first", usual.announce_first),
        announce_every=table.number("announce_every", usual.announce_every),
        vip_head_start=table.number("vip_head_start", usual.vip_head_start),
        max_no_answers=table.integer("max_no_answers", usual.max_no_answers, least=1, most=1_000_000_000),
        auto_answer=table.flag("auto_answer", usual.auto_answer),
        handling=table.number("handling", usual.handling, above=0.0),
    )
    table.done()
    _refuse_tightening(queue, table.key)
    return queue


def _wrap_up(table: Table, usual: WrapUp) -> WrapUp:
    mode = WrapUpMode(table.choice("mode", tuple(WrapUpMode), usual.mode))
    seconds = table.number("seconds", usual.seconds)
    longest = table.number("longest", max(usual.longest, seconds), least=seconds)
    table.done()
    return WrapUp(mode, seconds, longest)


def _relaxation(table: Table, skills: Sequence[str]) -> Relaxation:
    for key in ("after", "required"):
        if key not in table.data:
            raise TableError(
                table.key, f"a relaxation step needs {key}, such as {{after = 30, required = {{complaint = 1}}}}"
            )
    step = Relaxation(table.number("after"), _requirement(table, skills))
    table.done()
    return step


def _overflow(table: Table, queue: str, skills: Sequence[str], queues: Sequence[str]) -> Overflow:
    if sum(table.has(key) for key in ("after", "above", "hopeless")) != 1:
        raise TableError(table.key, "an overflow has exactly one of after (seconds), above (calls), hopeless (seconds)")
    to = table.data.get("to")
    if not table.has("to") or not isinstance(to, str):
        raise TableError(table.key, f"an overflow says where to: {', '.join(EXITS)} or the name of a queue")
    if known(to, (*queues, *EXITS), table.at("to"), "queue or way out") == queue:
        raise TableError(table.at("to"), f"queue {queue} overflows into itself: name another queue or a way out")
    asked = table.has("required") or table.has("preferred")
    at_once = table.data.get("hopeless") is True
    overflow = Overflow(
        to=to,
        after=table.number("after") if table.has("after") else None,
        above=table.integer("above", most=1_000_000_000) if table.has("above") else None,
        hopeless=0.0 if at_once else table.number("hopeless") if table.has("hopeless") else None,
        requirement=_requirement(table, skills) if asked else None,
    )
    table.done()
    return overflow


def _requirement(table: Table, skills: Sequence[str]) -> Requirement:
    parts: list[tuple[Skill, ...]] = []
    for side in ("required", "preferred"):
        levels = table.table(side)
        for name in levels.data:
            known(name, skills, levels.at(name), "skill")
        parts.append(tuple(Skill(name, levels.integer(name, least=1, most=10)) for name in sorted(levels.data)))
    return Requirement(parts[0], parts[1])


def _refuse_tightening(queue: Queue, at: Key) -> None:
    before, since = queue.own_requirement() if queue.skill else None, -1.0
    for index, step in enumerate(queue.relax):
        if step.after <= since:
            raise TableError((*at, "relax", index, "after"), f"steps come one after another: more than {since:g} s")
        if before is not None and index > 0 and not step.requirement.is_looser_than(before):
            raise TableError(
                (*at, "relax", index, "required"),
                f"this step asks for {step.requirement}, more than the step before ({before}): a relaxation only"
                " loosens; another kind of agent is an overflow",
            )
        before, since = step.requirement, step.after


def _refuse_loops(queues: Sequence[Queue]) -> None:
    ways = {queue.name: [way.to for way in queue.overflow if way.to not in EXITS] for queue in queues}
    for start in ways:
        path, seen = [(start, [start])], {start}
        while path:
            name, trail = path.pop()
            for to in ways[name]:
                if to == start:
                    raise TableError(
                        ("queues", start, "overflow"), f"callers would go round: {' → '.join([*trail, start])}"
                    )
                if to not in seen:
                    seen.add(to)
                    path.append((to, [*trail, to]))


def _refuse_unreachable_limit(policy: Policy) -> None:
    for queue in policy.queues:
        if queue.priority > policy.ageing_limit:
            raise TableError(
                ("queues", queue.name, "priority"),
                f"priority {queue.priority} is above routing.ageing_limit ({policy.ageing_limit:g}), which is as far as"
                " waiting can lift any call: those of other queues could starve",
            )
