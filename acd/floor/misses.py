"""What counts against an agent: calls that were missed, and calls that the phone refused, in a row.

A **miss** is an offer that rang and was not picked up, one that the phone sent elsewhere, and one that was picked up
and dropped before a conversation could begin. After a queue's `max_no_answers` misses in a row the agent goes on a
break. Declined, busy and unregistered are no misses: each is counted apart, with a limit of its own (`break_after`). A
conversation ends every count, and so does a new status.
"""

from __future__ import annotations

from acd.commands import Tell
from acd.events import Outcome, Status
from acd.floor.agents import Agent
from acd.floor.state import FloorState

MISSES = frozenset({Outcome.NO_ANSWER, Outcome.REDIRECTED, Outcome.DROPPED})
REFUSALS = frozenset({Outcome.DECLINED, Outcome.BUSY, Outcome.UNREGISTERED})


def count(floor: FloorState, agent: Agent, outcome: Outcome, queue: str) -> None:
    """An offer of a call of this queue ended so: send the agent on a break if that was once too often.

    The caller of this function refreshes the agent, and lets go of calls that are reserved for the agent.
    """
    if outcome in MISSES:
        agent.misses += 1
        if agent.misses >= floor.queue(queue).rules.max_no_answers:
            _send(floor, agent, Outcome.NO_ANSWER, f"{agent.misses} calls in a row were not answered")
    elif outcome in REFUSALS:
        times = agent.refusals[outcome.value] = agent.refusals.get(outcome.value, 0) + 1
        if 0 < getattr(floor.policy.break_after, outcome.value) <= times:
            _send(floor, agent, outcome, f"{times} calls in a row were refused by the phone: {outcome.value}")


def forgive(agent: Agent) -> None:
    """Counting begins anew."""
    agent.misses = 0
    agent.refusals = {}


def _send(floor: FloorState, agent: Agent, reason: Outcome, why: str) -> None:
    agent.status, agent.reason = Status.BREAK, reason.value
    floor.out.append(Tell(agent.id, "break", why))
    forgive(agent)
