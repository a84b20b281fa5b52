"""A strategy chooses among the ready agents: a function from agent and requirement to a key, least first.

Equal keys are ordered by longest idle, then by agent id, so that a replay is exact. A key may depend on the agent's
skills and on the calls taken before the agent became ready, never on the clock: the order of ready agents does not
change between events.
"""

from __future__ import annotations

from collections.abc import Callable

from acd.floor.agents import Agent
from acd.policy.definitions import Requirement, Strategy

Key = tuple[float, ...]


def _required_levels(agent: Agent, requirement: Requirement) -> int:
    return sum(agent.skills[skill.name] for skill in requirement.required)


def _preferred_levels(agent: Agent, requirement: Requirement) -> list[int]:
    held = ((agent.skills.get(skill.name, 0), skill.level) for skill in requirement.preferred)
    return [level for level, least in held if level >= least]


def best_fit(agent: Agent, requirement: Requirement) -> Key:
    """The highest sum of levels in the required and the fulfilled preferred skills."""
    return (-float(_required_levels(agent, requirement) + sum(_preferred_levels(agent, requirement))),)


def least_skilled(agent: Agent, requirement: Requirement) -> Key:
    """Most preferred skills, then least level in the skills asked for, then in the others: specialists stay free."""
    required = _required_levels(agent, requirement)
    preferred = _preferred_levels(agent, requirement)
    asked = required + sum(preferred)
    return (-float(len(preferred)), float(asked), float(agent.level_sum - asked))


def longest_idle(agent: Agent, requirement: Requirement) -> Key:
    """Most preferred skills; other skills do not count."""
    return (-float(len(_preferred_levels(agent, requirement))),) if requirement.preferred else ()


STRATEGIES: dict[Strategy, Callable[[Agent, Requirement], Key]] = {
    Strategy.BEST_FIT: best_fit,
    Strategy.LEAST_SKILLED: least_skilled,
    Strategy.LONGEST_IDLE: longest_idle,
    Strategy.FEWEST_CALLS: longest_idle,
}

COUNTS_RECENT_CALLS = frozenset({Strategy.FEWEST_CALLS})
"""Strategies whose key continues with the calls of the last hour, counted when the agent becomes ready."""

WORDS: dict[Strategy, str] = {
    Strategy.BEST_FIT: "best fit",
    Strategy.LEAST_SKILLED: "least skilled who suffices",
    Strategy.LONGEST_IDLE: "longest idle",
    Strategy.FEWEST_CALLS: "fewest recent calls",
}
