"""Why a call went where it went: the agents as they were considered at that instant, in order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent as the decision saw it. `excluded` is empty for an eligible agent, else the one reason why not.

    `score` is the strategy's key (least first) with the seconds of idleness at the end.
    """

    agent: str
    excluded: str = ""
    score: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind` is offer, relax, skip_relaxation, overflow, no_agent, ...; `rule` is the sentence that decided.

    `at` is UTC epoch seconds, `waited` seconds since the queue time, `score` the call's points in the queue order.
    """

    call: int
    kind: str
    rule: str
    at: float
    queue: str = ""
    agent: str = ""
    offer: int = 0
    step: int = 0
    """Which relaxation step was in force; 0 is the call's own requirement."""
    position: int = 0
    waited: float = 0.0
    score: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    candidates_left_out: int = 0
    """How many more candidates there were than listed."""
