"""From the hotline's tables to a `Policy`: what could strand a caller is refused here, with the key that says where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from acd.policy.definitions import (
    EXITS,
    DefinitionError,
    Overflow,
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
from acd.policy.fields import Key, choice, flag, known, list_of, number, table_of

QUEUE_KEYS = tuple(f.name for f in fields(Queue) if f.name != "name")
ROUTING_KEYS = tuple(f.name for f in fields(Policy) if f.name not in ("skills", "queues"))
RELAX_KEYS = ("after", "required", "preferred")
OVERFLOW_KEYS = ("after", "above", "hopeless", "to", "required", "preferred")


def read_policy(data: Mapping[str, Any]) -> Policy:
    """Read `skills`, `[routing]` and `[queues.NAME]`. Raises DefinitionError at the first thing that cannot stand."""
    skills = _skills(data.get("skills", []))
    routing = table_of(data.get("routing", {}), ("routing",), ROUTING_KEYS)
    tables = table_of(data.get("queues", {}), ("queues",))
    rest = table_of(routing.get("rest_after", {}), ("routing", "rest_after"), tuple(f.name for f in fields(RestAfter)))
    policy = Policy(
        skills=skills,
        ageing_limit=number(routing, "ageing_limit", ("routing",), 100.0, above=0.0),
        round_pause=number(routing, "round_pause", ("routing",), 10.0),
        offer_grace=number(routing, "offer_grace", ("routing",), 5.0),
        forget_detached=number(routing, "forget_detached", ("routing",), 600.0),
        no_answer_resets_idle=flag(routing, "no_answer_resets_idle", ("routing",), default=False),
        outbound_resets_idle=flag(routing, "outbound_resets_idle", ("routing",), default=True),
        rest_after=RestAfter(
            **{f.name: number(rest, f.name, ("routing", "rest_after"), f.default) for f in fields(RestAfter)}  # type: ignore[arg-type]
        ),
        queues=tuple(_queue(name, table, skills, tuple(tables)) for name, table in tables.items()),
    )
    _refuse_loops(policy.queues)
    _refuse_unreachable_limit(policy)
    return policy


def _skills(data: object) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(name, str) and name for name in data):
        raise DefinitionError(("skills",), 'skills is a list of names, such as ["complaint", "inquiry"]')
    for index, name in enumerate(data):
        if name in data[:index]:
            raise DefinitionError(("skills", index), f"skill {name} is named twice")
    return tuple(data)


def _queue(name: str, data: object, skills: Sequence[str], queues: Sequence[str]) -> Queue:
    at: Key = ("queues", name)
    if name in EXITS:
        raise DefinitionError(at, f"{name} is a way out of a queue: choose another name for the queue")
    table = table_of(data, at, QUEUE_KEYS)
    skill = table.get("skill", "")
    if skill:
        known(skill, skills, (*at, "skill"), "skill")
    queue = Queue(
        name=name,
        skill=skill,
        priority=int(number(table, "priority", at, 0, least=-10_000, most=10_000, whole=True)),
        ageing=number(table, "ageing", at, 0.1, above=0.0, hint="; a queue that does not age could starve its callers"),
        strategy=Strategy(choice(table, "strategy", at, "best_fit", tuple(Strategy))),
        ring_for=number(table, "ring_for", at, 20.0, least=1.0, most=300.0),
        owner_first=number(table, "owner_first", at, 20.0),
        wrap_up=_wrap_up(table.get("wrap_up", {}), (*at, "wrap_up")),
        relax=tuple(_relaxation(step, skills, (*at, "relax", i)) for i, step in enumerate(list_of(table, "relax", at))),
        overflow=tuple(
            _overflow(way, name, skills, queues, (*at, "overflow", i))
            for i, way in enumerate(list_of(table, "overflow", at))
        ),
        max_wait=number(table, "max_wait", at, 1800.0, above=0.0),
        last_resort=choice(table, "last_resort", at, "message", ("message", "goodbye")),
        hopeless_grace=number(table, "hopeless_grace", at, 30.0),
        announce_first=number(table, "announce_first", at, 0.0),
        announce_every=number(table, "announce_every", at, 45.0),
        vip_head_start=number(table, "vip_head_start", at, 120.0),
        max_no_answers=int(number(table, "max_no_answers", at, 2, least=1, whole=True)),
        handling=number(table, "handling", at, 180.0, above=0.0),
    )
    _refuse_tightening(queue, at)
    return queue


def _wrap_up(data: object, at: Key) -> WrapUp:
    table = table_of(data, at, ("mode", "seconds", "longest"))
    mode = WrapUpMode(choice(table, "mode", at, "timed", tuple(WrapUpMode)))
    seconds = number(table, "seconds", at, 30.0)
    return WrapUp(mode, seconds, number(table, "longest", at, max(600.0, seconds), least=seconds))


def _relaxation(data: object, skills: Sequence[str], at: Key) -> Relaxation:
    table = table_of(data, at, RELAX_KEYS)
    for key in ("after", "required"):
        if key not in table:
            raise DefinitionError(
                at, f"a relaxation step needs {key}, such as {{after = 30, required = {{complaint = 1}}}}"
            )
    return Relaxation(number(table, "after", at, 0.0), _requirement(table, skills, at))


def _overflow(data: object, queue: str, skills: Sequence[str], queues: Sequence[str], at: Key) -> Overflow:
    table = table_of(data, at, OVERFLOW_KEYS)
    conditions = [key for key in ("after", "above", "hopeless") if key in table]
    if len(conditions) != 1:
        raise DefinitionError(at, "an overflow has exactly one of after (seconds), above (calls), hopeless (seconds)")
    to = table.get("to")
    if not isinstance(to, str):
        raise DefinitionError(at, f"an overflow says where to: {', '.join(EXITS)} or the name of a queue")
    if to not in EXITS:
        known(to, (*queues, *EXITS), (*at, "to"), "queue or way out")
        if to == queue:
            raise DefinitionError((*at, "to"), f"queue {queue} overflows into itself: name another queue or a way out")
    hopeless = table.get("hopeless")
    asked = "required" in table or "preferred" in table
    return Overflow(
        to=to,
        after=number(table, "after", at, 0.0) if "after" in table else None,
        above=int(number(table, "above", at, 0, least=0, whole=True)) if "above" in table else None,
        hopeless=None if hopeless is None else 0.0 if hopeless is True else number(table, "hopeless", at, 0.0),
        requirement=_requirement(table, skills, at) if asked else None,
    )


def _requirement(table: Mapping[str, Any], skills: Sequence[str], at: Key) -> Requirement:
    parts: list[tuple[Skill, ...]] = []
    for side in ("required", "preferred"):
        levels = table_of(table.get(side, {}), (*at, side))
        for name in levels:
            known(name, skills, (*at, side, name), "skill")
            number(levels, name, (*at, side), 1, least=1, most=10, whole=True)
        parts.append(tuple(Skill(name, level) for name, level in sorted(levels.items())))
    return Requirement(parts[0], parts[1])


def _refuse_tightening(queue: Queue, at: Key) -> None:
    before, since = queue.own_requirement() if queue.skill else None, -1.0
    for index, step in enumerate(queue.relax):
        if step.after <= since:
            raise DefinitionError(
                (*at, "relax", index, "after"), f"steps come one after another: more than {since:g} s"
            )
        if before is not None and index > 0 and not step.requirement.is_looser_than(before):
            raise DefinitionError(
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
                    raise DefinitionError(
                        ("queues", start, "overflow"), f"callers would go round: {' → '.join([*trail, start])}"
                    )
                if to not in seen:
                    seen.add(to)
                    path.append((to, [*trail, to]))


def _refuse_unreachable_limit(policy: Policy) -> None:
    for queue in policy.queues:
        if queue.priority > policy.ageing_limit:
            raise DefinitionError(
                ("queues", queue.name, "priority"),
                f"priority {queue.priority} is above routing.ageing_limit ({policy.ageing_limit:g}), which is as far as"
                " waiting can lift any call: those of other queues could starve",
            )
