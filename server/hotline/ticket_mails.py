"""`[ticket_mails]` of hotline.toml: who is told by mail when a ticket is warned of, overdue or escalated."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from tables.errors import Key, TableError
from tables.values import Table, known
from tables.values import text as read_text
from tickets.severity import Level

USUAL = ("warning", "overdue", "escalated", "promise_missed")
KINDS = (*USUAL, "authority_asked")
"""What of a ticket's history can be mailed."""
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")

Addresses = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TicketMails:
    """Addresses that are told of all tickets, and of those of a department, of an owner's team, of a level."""

    what: tuple[str, ...] = USUAL
    all: Addresses = ()
    departments: Mapping[str, Addresses] = field(default_factory=dict)
    teams: Mapping[str, Addresses] = field(default_factory=dict)
    levels: Mapping[str, Addresses] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anybody is told."""
        return bool(self.all or self.departments or self.teams or self.levels)

    def recipients(self, *, department: str, teams: Iterable[str], level: str) -> Addresses:
        """Who is told of such a ticket, each once."""
        found = [*self.all, *self.departments.get(department, ()), *self.levels.get(level, ())]
        for team in teams:
            found += self.teams.get(team, ())
        return tuple(dict.fromkeys(found))


def read_ticket_mails(table: Table, departments: Collection[str], teams: Collection[str]) -> TicketMails:
    """The table `[ticket_mails]`. `departments` is empty where each name is one. Raises TableError."""
    what = table.texts("what", USUAL)
    for index, kind in enumerate(what):
        known(kind, KINDS, (*table.at("what"), index), "kind of mail")
    mails = TicketMails(
        what,
        table.items("all", _mailbox),
        _by_name(table.table("departments"), departments, "department"),
        _by_name(table.table("teams"), teams, "team"),
        _by_name(table.table("levels"), [level.value for level in Level], "level"),
    )
    table.done()
    return mails


def _by_name(table: Table, names: Collection[str], kind: str) -> dict[str, Addresses]:
    for name in table.data:
        if names:
            known(name, names, table.at(name), kind)
    return {str(name): table.items(str(name), _mailbox) for name in table.data}


def _mailbox(value: object, key: Key) -> str:
    address = read_text(value, key)
    if not _MAILBOX.fullmatch(address):
        raise TableError(key, f'"{address}" is no mail address, such as leader@example.com')
    return address
