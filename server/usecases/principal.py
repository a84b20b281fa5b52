"""Who asks: a person with a role, a service with a token, an agent's phone, or the owner of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a principal is. `permissions` says what each role may do."""

    AGENT = "agent"
    LEADER = "leader"
    SUPERVISOR = "supervisor"
    QA = "qa"
    DEPARTMENT = "department"
    ADMINISTRATOR = "administrator"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """One who asks. `name` is what the log and the records keep; it never comes from the text of a request.

    `origin` says from where: an address, a phone, the command line. `agent` is the work number of a person who has one,
    `scopes` are the acts that a service may do.
    """

    name: str
    role: Role
    origin: str
    agent: str = ""
    scopes: frozenset[str] = frozenset()


def phone_of(agent: str) -> Principal:
    """An agent who dials a code or presses a key."""
    return Principal(f"agent {agent} by phone", Role.AGENT, f"phone of {agent}", agent)
