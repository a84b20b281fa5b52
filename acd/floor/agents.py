"""An agent has two axes: the person chooses the status, calls change the state. An agent is ready by both together.

`TRANSITIONS` is the whole state machine; `docs/floor.md` is drawn from it. The status may be set at any time, and takes
effect as `STATUS_TAKES_EFFECT` says.
"""

from __future__ import annotations

from enum import StrEnum

from acd.decisions import Candidate
from acd.events import Status
from acd.floor.profiles import SkillProfile
from acd.policy.definitions import Skill, WrapUpMode

RECENT = 3600.0
"""Seconds for which a taken call counts as recent."""


class AgentState(StrEnum):
    """The second axis, which calls change."""

    IDLE = "idle"
    RESERVED = "reserved"
    RINGING = "ringing"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    OCCUPIED = "occupied"
    """On a call that was not routed: the agent placed it, or a colleague consults the agent."""


class Signal(StrEnum):
    """What moves the state."""

    OFFERED = "offered"
    RANG = "rang"
    ANSWERED = "answered"
    OFFER_OVER = "offer over"
    HUNG_UP = "hung up"
    WRAP_UP_OVER = "wrap-up over"
    WRAP_UP_ASKED = "wrap-up asked for"
    OCCUPIED = "occupied"
    FREED = "freed"
    HANDED_OVER = "call handed over"
    NOT_REACHED = "customer not reached"
    BROKE_OFF = "caller waits again"


TRANSITIONS: dict[tuple[AgentState, Signal], AgentState] = {
    (AgentState.IDLE, Signal.OFFERED): AgentState.RESERVED,
    (AgentState.RESERVED, Signal.RANG): AgentState.RINGING,
    (AgentState.RESERVED, Signal.ANSWERED): AgentState.ON_CALL,
    (AgentState.RESERVED, Signal.OFFER_OVER): AgentState.IDLE,
    (AgentState.RINGING, Signal.ANSWERED): AgentState.ON_CALL,
    (AgentState.RINGING, Signal.OFFER_OVER): AgentState.IDLE,
    (AgentState.ON_CALL, Signal.HUNG_UP): AgentState.WRAP_UP,
    (AgentState.WRAP_UP, Signal.WRAP_UP_OVER): AgentState.IDLE,
    (AgentState.IDLE, Signal.WRAP_UP_ASKED): AgentState.WRAP_UP,
    (AgentState.IDLE, Signal.OCCUPIED): AgentState.OCCUPIED,
    (AgentState.WRAP_UP, Signal.OCCUPIED): AgentState.OCCUPIED,
    (AgentState.OCCUPIED, Signal.FREED): AgentState.IDLE,
    (AgentState.OCCUPIED, Signal.HANDED_OVER): AgentState.ON_CALL,
    (AgentState.IDLE, Signal.HANDED_OVER): AgentState.ON_CALL,
    (AgentState.WRAP_UP, Signal.HANDED_OVER): AgentState.ON_CALL,
    (AgentState.ON_CALL, Signal.NOT_REACHED): AgentState.IDLE,
    (AgentState.ON_CALL, Signal.BROKE_OFF): AgentState.IDLE,
}


class Effect(StrEnum):
    """When a chosen status takes effect."""

    NOW = "at once"
    WITHDRAW = "at once; the offer goes to somebody else"
    AFTERWARDS = "when the call is over"


STATUS_TAKES_EFFECT: dict[AgentState, Effect] = {
    AgentState.IDLE: Effect.NOW,
    AgentState.WRAP_UP: Effect.NOW,
    AgentState.RESERVED: Effect.WITHDRAW,
    AgentState.RINGING: Effect.WITHDRAW,
    AgentState.ON_CALL: Effect.AFTERWARDS,
    AgentState.OCCUPIED: Effect.AFTERWARDS,
}


class Agent:
    """One agent on the floor. Only the floor changes it. Instants are UTC epoch seconds, durations seconds."""

    __slots__ = (
        "call",
        "calling",
        "contact",
        "due",
        "held",
        "id",
        "idle_since",
        "indexed",
        "level_sum",
        "lost_call",
        "lost_until",
        "manned",
        "misses",
        "name",
        "offer",
        "pending",
        "phone",
        "ready_keys",
        "reason",
        "recent",
        "recent_at_ready",
        "refusals",
        "removed",
        "rest_until",
        "serves",
        "signed_in",
        "since",
        "skills",
        "state",
        "status",
        "status_since",
        "talk_queue",
        "talk_since",
        "teams",
        "unready",
        "why",
        "wrap_extra",
        "wrap_mode",
        "wrap_started",
        "wrap_until",
    )

    SAVED = (
        "id", "name", "teams", "contact", "reason", "since", "phone", "idle_since", "rest_until", "misses", "offer",
        "call", "held", "talk_queue", "talk_since", "why", "wrap_extra", "wrap_started", "wrap_until", "recent",
        "recent_at_ready", "removed", "refusals", "lost_call", "lost_until", "calling", "status_since",
    )  # fmt: skip
    """What a snapshot keeps as it is; the rest is either encoded apart or follows from these."""

    def __init__(self, id: str, now: float) -> None:
        self.id = id
        self.name = ""
        self.teams: tuple[str, ...] = ()
        self.contact = ""
        self.skills: dict[str, int] = {}
        self.level_sum = 0
        self.status = Status.SIGNED_OUT
        self.state = AgentState.IDLE
        self.reason = ""
        self.pending: tuple[Status, str] | None = None
        self.since = now
        """When the state began."""
        self.status_since = now
        """When the status, or its reason, was chosen or took effect."""
        self.idle_since = now
        self.phone = True
        self.rest_until = 0.0
        self.misses = 0
        self.refusals: dict[str, int] = {}
        """How often in a row the phone refused, by outcome."""
        self.lost_call = 0
        """The call that was lost with the phone; the agent gets it back if the phone is back by `lost_until`."""
        self.lost_until = 0.0
        self.offer = 0
        self.call = 0
        self.calling = ""
        """Who the agent's own call is with, by the agent's phone or the colleague's; empty without one."""
        self.held = False
        self.talk_queue = ""
        self.talk_since = 0.0
        self.why = ""
        self.wrap_mode = WrapUpMode.NONE
        self.wrap_extra = 0.0
        self.wrap_started = 0.0
        self.wrap_until: float | None = None
        """When the wrap-up ends by itself; None: only when the agent says so. Meaningless without a wrap-up."""
        self.recent: list[float] = []
        self.recent_at_ready = 0
        self.removed = False
        self.due: float | None = None
        self.unready: Candidate | None = None
        """The candidate that decisions list while the agent is not ready; made on demand, forgotten at every change."""
        # The index of eligibility changes these:
        self.signed_in = False
        self.manned = False
        self.indexed = False
        self.serves: dict[SkillProfile, tuple[float, ...]] = {}
        self.ready_keys: list[tuple[SkillProfile, tuple[object, ...]]] = []

    def learn(self, skills: tuple[Skill, ...]) -> None:
        """Replace the skills. The agent must not be in the index."""
        self.skills = {skill.name: skill.level for skill in skills}
        self.level_sum = sum(self.skills.values())

    def move(self, signal: Signal, now: float) -> None:
        """Follow the table. Raises KeyError for a pair that is not in it: a fault of the floor, not of the events."""
        self.state = TRANSITIONS[self.state, signal]
        self.since = now

    def can(self, signal: Signal) -> bool:
        """Whether the table has this signal for the present state."""
        return (self.state, signal) in TRANSITIONS

    def is_ready(self, now: float) -> bool:
        """Whether a call may be offered now."""
        return (
            self.status is Status.AVAILABLE
            and self.state is AgentState.IDLE
            and self.phone
            and not self.calling
            and self.rest_until <= now
        )

    def recent_calls(self, now: float) -> int:
        """How many calls were taken in the last hour; forgets the older ones."""
        recent = self.recent
        while recent and recent[0] <= now - RECENT:
            del recent[0]
        return len(recent)

    def why_not_ready(self, now: float) -> str:
        """The one reason why no call may be offered now; empty when ready."""
        if self.status is Status.SIGNED_OUT:
            return "signed out"
        if self.status is Status.BREAK:
            return f"on break: {self.reason}" if self.reason else "on break"
        if self.state is AgentState.ON_CALL:
            return "on a call"
        if self.state in (AgentState.RESERVED, AgentState.RINGING):
            return "being offered another call"
        if self.state is AgentState.WRAP_UP:
            return "in wrap-up"
        if self.state is AgentState.OCCUPIED:
            return f"occupied: {self.why}" if self.why else "occupied"
        if self.calling:
            return f"in a call with {self.calling}"
        if not self.phone:
            return "phone not reachable"
        if self.rest_until > now:
            return "resting after an offer that was not taken"
        return ""

    def as_unready(self, now: float) -> Candidate:
        """The agent, who is not ready, as a candidate of a decision."""
        if self.unready is None:
            self.unready = Candidate(self.id, self.why_not_ready(now))
        return self.unready

    def next_due(self, now: float) -> float | None:
        """The next instant at which this agent changes by itself."""
        if self.state is AgentState.WRAP_UP:
            return self.wrap_until
        return self.rest_until if self.rest_until > now else None
