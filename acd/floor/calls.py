"""What the floor remembers of a waiting call, of a standing offer and of a conversation. The rules are elsewhere.

A waiting call has a number, a queue time and a requirement; whether a caller is on the line does not matter. So a
callback waits in the same order.
"""

from __future__ import annotations

from enum import StrEnum

from acd.events import CallQueued
from acd.floor.profiles import RelaxationPlan
from acd.floor.queue_order import OrderedCalls

AVOIDED_FOR = 60.0
"""Seconds for which a call is not offered to agents whom it avoids, even if no other is ready."""


class CallState(StrEnum):
    """Whether a waiting call may be offered."""

    WAITING = "waiting"
    OFFERED = "offered"
    """An offer stands for it. It keeps its position in the queue."""
    LEAVING = "leaving"
    """It was diverted: no more offers; `CallLeftQueue` or `CallEnded` will follow."""


class Call:
    """One call that waits."""

    __slots__ = (
        "announce_at",
        "announced",
        "arrival",
        "asked",
        "attached",
        "available_in",
        "been",
        "detached_at",
        "dialled_until",
        "direct",
        "due",
        "entered",
        "fired",
        "hopeless_since",
        "id",
        "left_out",
        "left_to",
        "offer",
        "offers",
        "plan",
        "predicted",
        "recorded",
        "reserved_for",
        "reserved_until",
        "return_to",
        "ripe",
        "state",
        "step",
        "virtual",
    )

    SAVED = (
        "entered", "attached", "detached_at", "step", "left_out", "fired", "been", "hopeless_since",
        "reserved_for", "reserved_until", "direct", "return_to", "announce_at", "announced", "predicted", "left_to",
        "offer", "offers", "recorded", "dialled_until",
    )  # fmt: skip
    """What a snapshot keeps as it is; `asked` and `state` are encoded apart, the rest follows from these."""

    def __init__(self, asked: CallQueued, now: float) -> None:
        self.id = asked.call
        self.asked = asked
        """The event that queued it, with `queue`, `requirement` and `priority` as they are now."""
        self.entered = now
        """When it entered this queue: relaxation and overflow count from here, the order from `asked.queued_at`."""
        self.arrival = 0.0
        self.virtual = 0.0
        self.ripe = False
        self.state = CallState.WAITING
        self.attached = True
        self.detached_at = 0.0
        self.step = 0
        self.left_out: dict[str, float] = dict.fromkeys(asked.avoid, now + AVOIDED_FOR)
        """Agents who did not take it this round, and the instant until which it is not offered to them again."""
        self.fired: list[int] = []
        """Overflow recipes already used, by index."""
        self.been: list[str] = []
        """Queues it was in before."""
        self.hopeless_since: float | None = None
        self.reserved_for = ""
        """The one agent who may take it until `reserved_until`."""
        self.reserved_until = 0.0
        self.direct = False
        """A blind transfer: reserved for that agent whatever the skills, and not offered to others afterwards."""
        self.return_to = ""
        """The agent who gets a blind transfer back when it fails."""
        self.announce_at: float | None = None
        self.announced: list[float | None] = []
        """Position, low, high and staff of the last announcement."""
        self.predicted: list[float] = []
        """Instant, mean, low and high of the estimate made on entry."""
        self.recorded = False
        """Whether the decision that no agent was ready is recorded."""
        self.left_to = ""
        self.dialled_until = 0.0
        """When the outcome of the attempt to reach the customer is due; 0: there is no attempt."""
        self.offer = 0
        self.offers = 0
        self.due: float | None = None
        self.plan: RelaxationPlan = None  # type: ignore[assignment]  # set when it is put in a queue
        self.available_in: OrderedCalls | None = None
        """Where a freed agent finds it; None while it cannot be taken."""

    def begin_anew(self, now: float) -> None:
        """In another queue: whatever counts from entering it starts again; queue time and agents left out stay."""
        self.entered, self.step, self.fired, self.hopeless_since = now, 0, [], None
        self.reserved_for, self.direct, self.return_to = "", False, ""
        self.announced, self.predicted, self.recorded = [], [], False

    @property
    def queue(self) -> str:
        """The queue it waits in."""
        return self.asked.queue

    @property
    def priority(self) -> int:
        """Its priority in points, without the queue's own."""
        return self.asked.priority

    @property
    def promised(self) -> bool:
        """Whether no caller is on the line yet: a callback before the customer answers."""
        return self.asked.promised


class StandingOffer:
    """An offer of a call to an agent that is neither answered nor over. `deadline` is UTC epoch seconds."""

    __slots__ = ("agent", "call", "deadline", "due", "id", "made_at", "queue", "rang")

    SAVED = ("id", "call", "agent", "queue", "made_at", "deadline", "rang")

    def __init__(self, id: int, call: int, agent: str, queue: str, made_at: float, deadline: float) -> None:
        self.id = id
        self.call = call
        self.agent = agent
        self.queue = queue
        self.made_at = made_at
        self.deadline = deadline
        self.rang = False
        self.due: float | None = None


class Conversation:
    """A call in conversation: its agents, and the event that queued it, in case it must wait again."""

    __slots__ = ("agents", "asked", "outside", "spoke")

    def __init__(self, asked: CallQueued) -> None:
        self.asked = asked
        self.agents: list[str] = []
        self.outside = ""
        self.spoke = False
        """Agent and caller heard each other."""
