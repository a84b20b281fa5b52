"""What the rule thinks of callback mode, in words of both languages: a person who forces it sees what auto would do."""

from __future__ import annotations

from collections.abc import Callable

from acd.callbacks.states import Ground, Opinion
from server.web.instants import instant
from server.web.live import rows
from server.web.live.rows import Words

_WORDS: dict[Ground, Callable[[int, int, int, float], tuple[str, str]]] = {
    Ground.NOBODY_THERE: lambda waiting, staff, wait, limit: (
        f"{waiting} 人排队，没有坐席在线",
        f"{waiting} waiting, and no agent is there",
    ),
    Ground.LONG_WAIT: lambda waiting, staff, wait, limit: (
        f"新来电预计等待 {wait} 秒，超过 {limit:g} 秒",
        f"a new caller would wait {wait} s, more than {limit:g} s",
    ),
    Ground.MANY_WAIT: lambda waiting, staff, wait, limit: (
        f"{waiting} 人排队、{staff} 名坐席，每名坐席超过 {limit:g} 人",
        f"{waiting} waiting for {staff} agents is more than {limit:g} each",
    ),
    Ground.NOBODY_WAITS: lambda waiting, staff, wait, limit: ("无人排队", "nobody waits"),
    Ground.SHORT_WAIT: lambda waiting, staff, wait, limit: (
        f"新来电预计等待 {wait} 秒，低于 {limit:g} 秒",
        f"a new caller would wait {wait} s, less than {limit:g} s",
    ),
    Ground.BETWEEN: lambda waiting, staff, wait, limit: (
        f"{waiting} 人排队，未超过开启条件，也未低于关闭条件：保持现状",
        f"{waiting} waiting: neither enough to turn on nor little enough to turn off",
    ),
}


def opinion_of(opinion: Opinion) -> rows.Opinion:
    """The opinion as a row has it."""
    pressure = opinion.pressure
    wait = None if pressure.wait is None else round(pressure.wait)
    zh, en = _WORDS[opinion.ground](pressure.waiting, pressure.staff, wait or 0, opinion.limit)
    return rows.Opinion(
        active=opinion.active,
        why=Words(zh=zh, en=en),
        since=instant(opinion.since) if opinion.since is not None else None,
        turns_at=instant(opinion.turns_at) if opinion.turns_at is not None else None,
        waiting=pressure.waiting,
        staff=pressure.staff,
        wait=wait,
    )
