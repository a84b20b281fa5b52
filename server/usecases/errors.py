"""What people may ask of a call that goes on, whoever carries it out: the pages and the command line know only this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from acd.events import Monitor


class CannotDo(Exception):
    """What was asked cannot be done now; the text says why, and what can. Nothing has changed."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call is to go, or who is to be asked."""

    kind: Literal["agent", "queue", "outside"]
    to: str


class ConversationActs(Protocol):
    """Of an agent, about the conversation. Every act raises CannotDo, or NotLeading when another server leads."""

    async def hold(self, call: int) -> None: ...
    async def resume(self, call: int) -> None: ...
    async def consult(self, call: int, target: Target) -> None: ...
    async def help(self, call: int) -> str: ...
    async def transfer(self, call: int, target: Target) -> None: ...
    async def complete(self, call: int) -> None: ...
    def target(self, digits: str) -> Target: ...


class SupervisorActs(Protocol):
    """Of a supervisor. Every act raises CannotDo, or NotLeading."""

    async def move(self, call: int, queue: str, *, by: str, reason: str) -> None: ...
    async def pull(self, call: int, agent: str, *, by: str, reason: str) -> None: ...
    async def prioritise(self, call: int, priority: int, *, by: str, reason: str) -> None: ...
    async def monitor(self, call: int, mode: Monitor, *, by: str, reason: str) -> None: ...
