"""From `[callback]` to a `CallbackPolicy`: rules that would flutter, or promise what cannot be kept, are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from acd.callbacks.policy import CallbackPolicy, CallbackRules, Delays, Dialling
from acd.policy.definitions import DefinitionError
from acd.policy.fields import Key, choice, known, number, table_of

RULE_KEYS = tuple(each.name for each in fields(CallbackRules))
DELAY_KEYS = tuple(each.name for each in fields(Delays))
LIMIT_KEYS = ("per_number_per_day", "per_day")
CALLBACK_KEYS = (*RULE_KEYS, *LIMIT_KEYS, "queues")
"""What this module reads of the table."""
DAY = 86_400.0
AT: Key = ("callback",)


def read_callback_policy(data: Mapping[str, Any], queues: Sequence[str], also: Sequence[str] = ()) -> CallbackPolicy:
    """Read the table `[callback]`: the rules of the house, and `[callback.queues.NAME]` where a queue differs.

    `queues` are the names of the queues, `also` further keys of the table that somebody else reads. Raises
    DefinitionError at the first thing that cannot stand.
    """
    table = table_of(data, AT, (*CALLBACK_KEYS, *also))
    usual = CallbackPolicy()
    rules = _rules(table, AT, usual.rules)
    of_queues = table_of(table.get("queues", {}), (*AT, "queues"))
    read = []
    for name, differing in of_queues.items():
        at = (*AT, "queues", name)
        known(name, queues, at, "queue")
        read.append((name, _rules(table_of(differing, at, RULE_KEYS), at, rules)))
    return CallbackPolicy(
        rules=rules,
        queues=tuple(read),
        per_number_per_day=int(
            number(table, "per_number_per_day", AT, usual.per_number_per_day, most=1000, whole=True)
        ),
        per_day=int(number(table, "per_day", AT, usual.per_day, most=1_000_000, whole=True)),
    )


def _rules(table: Mapping[str, Any], at: Key, usual: CallbackRules) -> CallbackRules:
    rules = CallbackRules(
        on_above=number(table, "on_above", at, usual.on_above, above=0.0, most=DAY),
        on_ratio=number(table, "on_ratio", at, usual.on_ratio, above=0.0, most=1000.0),
        hold=number(table, "hold", at, usual.hold, most=DAY),
        off_below=number(table, "off_below", at, usual.off_below, most=DAY),
        dwell=number(table, "dwell", at, usual.dwell, most=DAY),
        full_hours=number(table, "full_hours", at, usual.full_hours, above=0.0, most=1000.0),
        attempts=int(number(table, "attempts", at, usual.attempts, least=1, most=20, whole=True)),
        delays=_delays(table.get("delays", {}), (*at, "delays"), usual.delays),
        expires=number(table, "expires", at, usual.expires, least=60.0, most=30 * DAY),
        ring_for=number(table, "ring_for", at, usual.ring_for, least=5.0, most=120.0),
        dialling=Dialling(choice(table, "dialling", at, usual.dialling, tuple(Dialling))),
        confirm_for=number(table, "confirm_for", at, usual.confirm_for, least=10.0, most=180.0),
        abandoned_after=number(table, "abandoned_after", at, usual.abandoned_after, most=DAY),
    )
    if rules.off_below >= rules.on_above:
        key = "off_below" if "off_below" in table or "on_above" not in table else "on_above"
        raise DefinitionError(
            (*at, key),
            f"callback mode would flutter: off_below ({rules.off_below:g} s) must be less than on_above"
            f" ({rules.on_above:g} s)",
        )
    return rules


def _delays(data: object, at: Key, usual: Delays) -> Delays:
    table = table_of(data, at, DELAY_KEYS)
    return Delays(**{name: number(table, name, at, getattr(usual, name), most=7 * DAY) for name in DELAY_KEYS})
