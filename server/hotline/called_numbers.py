"""One hotline serves several numbers: the number that a caller dialled decides how the call begins and is called back.

A called number is compared in its canonical form (see `parties`). A number that the operator did not name gets the
hotline's own flow, and a warning in the server's log, once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from ivr.saying import LANGUAGES
from server.hotline.dialling_policy import outgoing_number
from server.hotline.parties import canonical
from tables.errors import TableError
from tables.values import Table

MOST_PRIORITY = 1000
REMEMBERED = 1000
"""Unknown numbers of which the warning was given; a stranger who dials many cannot fill memory or log."""

_log = structlog.get_logger("called_numbers")


@dataclass(frozen=True, slots=True)
class CalledNumber:
    """One number of the hotline; what is empty is as for every call."""

    flow: str = ""
    language: str = ""
    name: str = ""
    priority: int = 0
    """Points that are added to those of the call."""
    outgoing: str = ""
    """The number that callbacks of its calls show."""


USUAL = CalledNumber()


@dataclass(frozen=True)
class CalledNumbers:
    """The hotline's numbers, by their canonical form in this region."""

    region: str = "CN"
    numbers: Mapping[str, CalledNumber] = field(default_factory=dict)

    def of(self, called: str) -> CalledNumber:
        """What the operator said of this number, however it is written; `USUAL` when nothing."""
        return self.numbers.get(canonical(called, self.region), USUAL) if self.numbers else USUAL

    def is_known(self, called: str) -> bool:
        """Whether the number is one of the hotline's; where none is named, every number is."""
        return not self.numbers or canonical(called, self.region) in self.numbers

    def named(self, call: dict[str, Any]) -> dict[str, Any]:
        """A call of the records with `called_name`: the name of the number that was called, None where it has none."""
        return call | {"called_name": self.of(call["called"]).name or None}

    def own(self) -> frozenset[str]:
        """The canonical forms of the hotline's own numbers, which are never called back."""
        outgoing = {canonical(each.outgoing, self.region) for each in self.numbers.values() if each.outgoing}
        return frozenset(self.numbers) | outgoing

    def flows(self) -> tuple[str, ...]:
        """The flows that calls to these numbers begin with."""
        return tuple(dict.fromkeys(each.flow for each in self.numbers.values() if each.flow))


class UnknownNumbers:
    """Warns of each number that callers dial and the operator did not name, once."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def dialled(self, numbers: CalledNumbers, called: str) -> None:
        """A caller dialled this number."""
        number = canonical(called, numbers.region)
        if numbers.is_known(called) or number in self._told or len(self._told) >= REMEMBERED:
            return
        self._told[number] = None
        _log.warning("a call came by a number that [numbers] does not name: the usual flow serves it", called=called)


def read_numbers(table: Table, flows: Collection[str] | None, region: str) -> CalledNumbers:
    """Read `[numbers]`. Raises TableError; `flows` is None when they could not be read: then none is looked for."""
    found: dict[str, CalledNumber] = {}
    for written in table.data:
        number = canonical(str(written), region)
        if not any(character.isdecimal() for character in str(written)):
            raise TableError(table.at(written), f'"{written}" is no telephone number')
        if number in found:
            raise TableError(table.at(written), f'"{written}" is a number that is named already, written otherwise')
        found[number] = _number(table.table(written), flows, region)
    return CalledNumbers(region, found)


def _number(table: Table, flows: Collection[str] | None, region: str) -> CalledNumber:
    flow = table.text("flow", "")
    if flow and flows is not None and flow not in flows:
        raise TableError(table.at("flow"), f'there is no flow "{flow}": there are {", ".join(sorted(flows))}')
    number = CalledNumber(
        flow=flow,
        language=table.choice("language", LANGUAGES, "") if table.has("language") else "",
        name=table.text("name", ""),
        priority=table.integer("priority", 0, least=-MOST_PRIORITY, most=MOST_PRIORITY),
        outgoing=outgoing_number(table, region),
    )
    table.done()
    return number
