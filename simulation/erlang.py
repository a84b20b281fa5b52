"""Erlang's formulas: what a queue of one skill does exactly, when calls come and end by pure chance.

`load` is in erlangs (calls a second × seconds a call), `agents` is their number. Without abandonment a queue with
`load >= agents` has no steady state: every caller waits, for ever.
"""

from __future__ import annotations

from math import exp, inf


def erlang_b(load: float, agents: int) -> float:
    """The share of calls that find all agents busy when nobody waits."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(load: float, agents: int) -> float:
    """The share of calls that must wait (M/M/c)."""
    if load >= agents:
        return 1.0
    blocked = erlang_b(load, agents)
    return blocked / (1.0 - load / agents * (1.0 - blocked))


def mean_wait(load: float, agents: int, handling: float) -> float:
    """Mean seconds until an agent is found, over all calls (M/M/c). `handling`: seconds of one call."""
    return inf if load >= agents else erlang_c(load, agents) * handling / (agents - load)


def within(load: float, agents: int, handling: float, seconds: float) -> float:
    """The share of calls answered within so many seconds (M/M/c)."""
    if load >= agents:
        return 0.0
    return 1.0 - erlang_c(load, agents) * exp(-(agents - load) * seconds / handling)


def fewest_agents(load: float, handling: float, share: float, seconds: float) -> int:
    """The least number that answers `share` of the calls within `seconds`, if one pool served all of them (M/M/c)."""
    agents = int(load) + 1
    while within(load, agents, handling, seconds) < share:
        agents += 1
    return agents
