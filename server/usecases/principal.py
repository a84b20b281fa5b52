"""Principals ask for acts: a person with a role, a service with a token, an agent's phone, or the machine's owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles of principals. `permissions` says what each may do."""

    AGENT = "agent"
    LEADER = "leader"
    SUPERVISOR = "supervisor"
    QA = "qa"
    DEPARTMENT = "department"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """The principal of an act. The log and the records keep `name`; it never comes from the text of a request.

    `origin` is where the principal asks from: an address, a phone, the command line. `agent` is the work number of a
    person who has one, `scopes` are the acts that a service may do. Of a user who has signed in, `teams` are led
    besides those of the definitions, `unit` is the department, and `sign_in` is the number of the session.
    """

    name: str
    role: Role
    origin: str
    agent: str = ""
    scopes: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    unit: str = ""
    sign_in: str = ""

    @property
    def department(self) -> str:
        """The department of a principal of that role: the user's, or the token's name up to a slash (`logistics`,
        `logistics/wang`)."""
        return (self.unit or self.name.partition("/")[0].strip()) if self.role is Role.DEPARTMENT else ""


def phone_of(agent: str) -> Principal:
    """An agent who dials a code or presses a key."""
    return Principal(f"agent {agent} by phone", Role.AGENT, f"phone of {agent}", agent)
