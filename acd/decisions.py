"""Why a call went where it went: what was looked at, at that instant, in the order in which it was looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent as the decision saw them. `excluded` is empty when eligible, else the one reason why not."""

    agent: str
    excluded: str = ""
    score: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind` is offer, relax, skip_relaxation, overflow, no_agent, ...; `rule` is the sentence that decided."""

    call: int
    kind: str
    rule: str
    at: float
    queue: str = ""
    agent: str = ""
    offer: int = 0
    step: int = 0
    """Which relaxation step stood in force; 0 is the call's own requirement."""
    position: int = 0
    waited: float = 0.0
    score: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    candidates_left_out: int = 0
    """How many more candidates there were than are listed."""
