"""Who sees which rows: by the permissions table, so that no stream tells what a route would refuse.

An agent's stream has what is the agent's own; one that reaches the floor has all rows, with the numbers of callers as
far as `numbers.read` reaches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.usecases.errors import Forbidden
from server.usecases.permissions import Act, Permissions, Reach, reach_of
from server.usecases.principal import Principal, Role
from server.web.live.board import Kept
from server.web.live.events import KINDS
from server.web.live.ticket_rows import of_department

_OWN = frozenset({"me", "calls", "queues", "callbacks", "tickets", "bulletins"})
"""What an agent's stream has …"""
OF_ONE = frozenset({"calls", "callbacks"})
"""… and of which of these only the own rows, by the board's snapshot."""
_FLOOR = frozenset({"agents", "calls", "queues", "modes", "figures", "alarms"})
_PERSONAL = frozenset({"me", "bulletins"})
"""Kinds whose rows are one person's."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Streams that are told the same. `kinds` are those that everybody in it shares.

    `numbers` are the agents whose callers' numbers are shown, None for all; `own` is set where rows are an agent's own.
    `holders` are the agents, or the department, whose tickets are told, None for all.
    """

    kinds: frozenset[str]
    numbers: frozenset[str] | None
    own: str = ""
    holders: frozenset[str] | None = frozenset()

    def sees(self, kind: str, viewers: frozenset[str]) -> bool:
        """Whether rows of this kind, which are these agents' own, are for this audience."""
        if kind == "tickets":
            return kind in self.kinds and (self.holders is None or bool(viewers & self.holders))
        return kind in self.kinds and (not self.own or kind not in OF_ONE or self.own in viewers)

    def of(self, kept: Kept) -> bytes:
        """The row as this audience sees it."""
        if self.own:
            return kept.own
        if self.numbers is None or (kept.viewers and kept.viewers & self.numbers):
            return kept.whole
        return kept.masked


@dataclass(frozen=True, slots=True)
class Listener:
    """One stream's principal: the audience that it belongs to, the agent whose own rows it gets, and those kinds."""

    audience: Audience
    person: str
    personal: frozenset[str]


def listener(who: Principal, permissions: Permissions, only: Iterable[str] = ()) -> Listener:
    """What this principal is told, of these kinds alone if any are given. Raises Forbidden when that is nothing."""
    wanted = frozenset(only) or frozenset(KINDS)
    if who.role is Role.AGENT:
        kinds = _allowed(who, _OWN)
        mine = frozenset({who.agent})
        shared = Audience((kinds & wanted) - _PERSONAL, mine, own=who.agent, holders=mine)
    else:
        kinds = _allowed(who, frozenset(KINDS))
        if not who.agent and who.role is Role.SERVICE:
            kinds -= {"me"}
        kinds_of_all = (kinds & wanted) - (_PERSONAL if who.agent else {"me"})
        whose = _holders(who, permissions) if "tickets" in kinds_of_all else frozenset()
        shared = Audience(kinds_of_all, _numbers(who, permissions), holders=whose)
    personal = kinds & wanted & (_PERSONAL if who.agent else frozenset({"me"}))
    if not shared.kinds and not personal:
        raise Forbidden(f"a {who.role} is told nothing of {', '.join(sorted(wanted))}: floor.read has the floor")
    return Listener(shared, who.agent, personal)


def _allowed(who: Principal, kinds: frozenset[str]) -> frozenset[str]:
    """The kinds that the permissions table lets this principal read."""
    may = {kind for kind in kinds if reach_of(who, _ACTS[kind]) is not Reach.NONE}
    if reach_of(who, Act.READ_FLOOR) is Reach.NONE and reach_of(who, Act.READ_WALLBOARD) is not Reach.NONE:
        may |= kinds & {"queues", "figures", "modes"}
    return frozenset(may)


_ACTS = dict.fromkeys(KINDS, Act.READ_FLOOR) | {
    "callbacks": Act.READ_CALLBACKS,
    "tickets": Act.READ_TICKETS,
    "bulletins": Act.READ_BULLETINS,
}
"""The act that a kind's rows need."""


def _numbers(who: Principal, permissions: Permissions) -> frozenset[str] | None:
    if reach_of(who, Act.READ_NUMBERS) is Reach.NONE:
        return frozenset()
    return permissions.agents(who, Act.READ_NUMBERS)


def _holders(who: Principal, permissions: Permissions) -> frozenset[str] | None:
    if who.role is Role.DEPARTMENT:
        return frozenset({of_department(who.department)} if who.department else ())
    return permissions.agents(who, Act.READ_TICKETS)
