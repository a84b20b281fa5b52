"""A projection is a table of rules: what events of each type mean for the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import acd.events as acd
import ivr.events as ivr
from server.eventlog.log import Entry
from server.storage.projections.outcome import outcome_of
from server.storage.projections.rows import Rows

_Event = TypeVar("_Event")
Rule = Callable[[_Event, Entry, Rows], None]


class Rules:
    """One projection's table, with at most one rule for each type of event."""

    def __init__(self) -> None:
        self._rules: dict[type, Rule[Any]] = {}

    def on(self, kind: type[_Event]) -> Callable[[Rule[_Event]], Rule[_Event]]:
        """The decorated function says what events of this type mean. Raises ValueError when there is a rule already."""

        def add(rule: Rule[_Event]) -> Rule[_Event]:
            if kind in self._rules:
                raise ValueError(f"there is a rule for {kind.__name__} already")
            self._rules[kind] = rule
            return rule

        return add

    def of(self, kind: type) -> Rule[Any] | None:
        """The rule for events of this type, if there is one."""
        return self._rules.get(kind)


def project(entry: Entry, rows: Rows, rules: Sequence[Rule[Any]], short: float) -> None:
    """Change the rows as these rules, one after the other, have it of this entry.

    `short` is the limit of a short abandon in seconds.
    """
    for rule in rules:
        rule(entry.event, entry, rows)
    number = getattr(entry.event, "call", None)
    if rules and number and isinstance(entry.event, (acd.Event, ivr.Event)):
        call = rows.calls[number]
        if call.outcome != (outcome := outcome_of(call, short)):
            call.outcome = outcome
