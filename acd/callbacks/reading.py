"""From `[callback]` to a `CallbackPolicy`: rules that would flutter, or promise what cannot be kept, are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays, Dialling
from tables.errors import TableError
from tables.values import Table, known

RULE_KEYS = tuple(each.name for each in fields(CallbackRules))
CALLBACK_KEYS = (*RULE_KEYS, "per_number_per_day", "per_day", "queues")
"""What this module reads of the table."""
DAY = 86_400.0


def read_callback_policy(data: Mapping[str, Any], queues: Sequence[str], also: Sequence[str] = ()) -> CallbackPolicy:
    """Read the table `[callback]`: the rules of the hotline, and `[callback.queues.NAME]` where a queue differs.

    `queues` are the names of the queues, `also` further keys of the table that are read elsewhere. Raises TableError at
    the first value that cannot be used.
    """
    table = Table(data, ("callback",))
    usual = CallbackPolicy()
    rules = _rules(table, usual.rules)
    of_queues = table.table("queues")
    differing = []
    for name in of_queues.data:
        known(name, queues, of_queues.at(name), "queue")
        of_queue = of_queues.table(name)
        differing.append((name, _rules(of_queue, rules)))
        of_queue.done()
    policy = CallbackPolicy(
        rules=rules,
        queues=tuple(differing),
        per_number_per_day=table.integer("per_number_per_day", usual.per_number_per_day, most=1000),
        per_day=table.integer("per_day", usual.per_day),
    )
    for key in also:
        table.has(key)
    table.done()
    return policy


def _rules(table: Table, usual: CallbackRules) -> CallbackRules:
    rules = CallbackRules(
        on_above=table.number("on_above", usual.on_above, above=0.0, most=DAY),
        on_ratio=table.number("on_ratio", usual.on_ratio, above=0.0, most=1000.0),
        hold=table.number("hold", usual.hold, most=DAY),
        off_below=table.number("off_below", usual.off_below, most=DAY),
        dwell=table.number("dwell", usual.dwell, most=DAY),
        full_hours=table.number("full_hours", usual.full_hours, above=0.0, most=1000.0),
        attempts=table.integer("attempts", usual.attempts, least=1, most=20),
        delays=_delays(table.table("delays"), usual.delays),
        expires=table.number("expires", usual.expires, least=60.0, most=30 * DAY),
        ring_for=table.number("ring_for", usual.ring_for, least=5.0, most=120.0),
        dialling=Dialling(table.choice("dialling", tuple(Dialling), usual.dialling)),
        confirm_for=table.number("confirm_for", usual.confirm_for, least=10.0, most=180.0),
        kept_after=table.number("kept_after", usual.kept_after, most=3600.0),
        amd=table.flag("amd", usual.amd),
        abandoned_after=table.number("abandoned_after", usual.abandoned_after, most=DAY),
    )
    if rules.off_below >= rules.on_above:
        key = "off_below" if "off_below" in table.data or "on_above" not in table.data else "on_above"
        raise TableError(
            table.at(key),
            f"callback mode would flutter: off_below ({rules.off_below:g} s) must be less than on_above"
            f" ({rules.on_above:g} s)",
        )
    return rules


def _delays(table: Table, usual: Delays) -> Delays:
    delays = Delays(
        **{each.name: table.number(each.name, getattr(usual, each.name), most=7 * DAY) for each in fields(Delays)}
    )
    table.done()
    return delays
