"""What the server adds to the log for its readers. A note follows from an earlier entry and changes no state."""

from __future__ import annotations

from dataclasses import dataclass

from acd.callbacks.states import ModeView, PromiseView
from acd.decisions import Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """The floor decided this on the entry that the note follows."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class AgentNoted:
    """The agent's two axes after the entry that the note follows, where it changed them."""

    agent: str
    status: str
    state: str
    reason: str = ""
    call: int | None = None


@dataclass(frozen=True, slots=True)
class PromiseNoted:
    """The promise as it is after the entry that the note follows."""

    promise: PromiseView


@dataclass(frozen=True, slots=True)
class ModeNoted:
    """Callback mode of a queue, or of all, as it is after the entry that the note follows."""

    mode: ModeView


@dataclass(frozen=True, slots=True)
class ServerStarted:
    """A server took the lead. `token` is the number of its lease; it grows with every change of leader, unless a
    Redis that failed over forgot the last one."""

    node: str
    token: int
