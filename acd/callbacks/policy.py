"""The rules of callback mode: when it begins and ends, what is promised, how a promise is kept. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Dialling(StrEnum):
    """Whose phone rings first."""

    AGENT_FIRST = "agent_first"
    CUSTOMER_FIRST = "customer_first"


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds until the next attempt, by how the last one ended."""

    busy: float = 60.0
    no_answer: float = 600.0
    rejected: float = 600.0
    machine: float = 3600.0
    failed: float = 60.0
    agent_gone: float = 0.0
    hung_up: float = 60.0
    short: float = 600.0
    stopped: float = 0.0
    lost: float = 60.0


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """One queue's rules. Times are seconds."""

    on_above: float = 120.0
    """Auto turns on when the p50 wait of a new caller is above this (T_on) …"""
    on_ratio: float = 2.0
    """… or when more calls wait for each agent than this (R) …"""
    hold: float = 30.0
    """… for so long (D)."""
    off_below: float = 60.0
    """Auto turns off when the p50 wait was below this (T_off) …"""
    dwell: float = 180.0
    """… for so long without a break."""
    full_hours: float = 1.0
    """Offers stop when more is promised than the staff can do in so many hours. Calling back never stops."""
    attempts: int = 3
    delays: Delays = Delays()
    expires: float = 86_400.0
    ring_for: float = 30.0
    """How long the customer's phone rings."""
    dialling: Dialling = Dialling.AGENT_FIRST
    confirm_for: float = 45.0
    """Customer first: time from the answer to the key, the announcement included; an agent stays reserved so long."""
    kept_after: float = 10.0
    """Seconds of conversation that keep a promise; 0: any conversation does."""
    amd: bool = False
    """Agent first: Asterisk listens for an answering machine before agent and customer are joined."""
    abandoned_after: float = 0.0
    """A caller who gave up after waiting so many seconds is called back unasked, once; 0: never."""


@dataclass(frozen=True, slots=True)
class OwnRules:
    """How often, how soon again and for how many seconds a promise is tried, in place of its queue's rules."""

    attempts: int
    expires: float
    delays: Delays = Delays()


@dataclass(frozen=True, slots=True)
class CallbackPolicy:
    """All rules. `queues` names those that differ from `rules`."""

    rules: CallbackRules = CallbackRules()
    queues: tuple[tuple[str, CallbackRules], ...] = ()
    per_number_per_day: int = 3
    """Promises that one number may be given in 24 hours; 0: no limit."""
    per_day: int = 2_000
    """Promises in 24 hours in all; 0: no limit. What 25 agents call back in eight hours, at ten an hour."""

    def of(self, queue: str) -> CallbackRules:
        """The rules of one queue."""
        return next((rules for name, rules in self.queues if name == queue), self.rules)


def completed(policy: dict[str, Any]) -> dict[str, Any]:
    """Rules as data, of a log or a snapshot: before `kept_after` there was, any conversation kept a promise."""
    for rules in (policy["rules"], *(of_queue for _, of_queue in policy["queues"])):
        rules.setdefault("kept_after", 0.0)
    return policy
