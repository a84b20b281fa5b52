"""What calls ask for, shared by the calls that ask for the same.

A **skill profile** is a requirement with a strategy. It holds the signed-in agents who meet it, the ready ones among
them in the strategy's order, and the calls that ask for it, in order, by queue.

A **relaxation plan** is a queue's relaxation steps applied to one requirement. Each step is looser than the one before,
so a plan is hopeless exactly when no signed-in agent meets its last step.

Only `acd.floor.eligibility` and the floor's state change them.
"""

from __future__ import annotations

from acd.floor.queue_order import OrderedCalls
from acd.policy.definitions import Requirement, Strategy


class SkillProfile:
    """One requirement under one strategy."""

    __slots__ = ("counts_recent", "manned", "plans", "ready", "requirement", "staff", "strategy", "waiting")

    def __init__(self, requirement: Requirement, strategy: Strategy, *, counts_recent: bool) -> None:
        self.requirement = requirement
        self.strategy = strategy
        self.counts_recent = counts_recent
        """Whether the strategy's key goes on with the agent's recent calls."""
        self.ready: list[tuple[object, ...]] = []
        """Sorted keys: the strategy's part, idle since, agent id."""
        self.staff: list[str] = []
        """Signed-in agents who meet it, by id."""
        self.manned = 0
        """How many of them are available, busy or not."""
        self.waiting: dict[str, OrderedCalls] = {}
        self.plans: list[RelaxationPlan] = []

    @staticmethod
    def ready_score(key: tuple[object, ...]) -> tuple[float, ...]:
        """The strategy's part of a ready agent's key."""
        return key[:-2]  # type: ignore[return-value]


class RelaxationPlan:
    """The profiles that calls of one kind ask for as time goes by."""

    __slots__ = ("calls", "refused", "steps")

    def __init__(self, steps: tuple[tuple[float, SkillProfile], ...], refused: tuple[str, ...]) -> None:
        self.steps = steps
        """(seconds in the queue, profile); the first is the calls' own requirement at 0."""
        self.refused = refused
        """Sentences: why steps of the queue do not apply to these calls."""
        self.calls: set[int] = set()

    @property
    def is_hopeless(self) -> bool:
        """Whether no signed-in agent could serve these calls, now or after any relaxation."""
        return not self.steps[-1][1].staff
