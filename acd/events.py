"""What happened, as the floor is told it. An event is a fact: it is in the log before the floor hears of it.

Every instant is UTC seconds since the epoch; every duration is seconds. A call is its number (`call show 17`),
an agent is the work number (`"1001"`), an offer is numbered by the floor that made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.definitions import Policy, Requirement, Skill


class Status(StrEnum):
    """The person's own axis: what the agent has chosen to be."""

    SIGNED_OUT = "signed_out"
    AVAILABLE = "available"
    BREAK = "break"


class Outcome(StrEnum):
    """How an offer that nobody answered ended."""

    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREGISTERED = "unregistered"
    CALLER_GONE = "caller_gone"
    LOST = "lost"
    """The server that rang the phone went away before it could tell."""


@dataclass(frozen=True, slots=True)
class Event:
    """Base of everything the floor receives."""


# Definitions


@dataclass(frozen=True, slots=True)
class PolicySet(Event):
    """The hotline's routing definitions were loaded, at start or while running. Waiting calls stay where they are."""

    policy: Policy
    source: str = ""


@dataclass(frozen=True, slots=True)
class AgentDefined(Event):
    """An agent was added or changed. Replaces name, skills and teams; status and state stay."""

    agent: str
    name: str
    skills: tuple[Skill, ...]
    teams: tuple[str, ...] = ()
    contact: str = ""
    """A fixed SIP contact, or empty when the phone registers with its secret."""
    by: str = ""


@dataclass(frozen=True, slots=True)
class AgentRemoved(Event):
    agent: str
    by: str = ""


# Agents


@dataclass(frozen=True, slots=True)
class StatusSet(Event):
    """The agent, or a supervisor for the agent, chose a status. During a call it takes effect afterwards."""

    agent: str
    status: Status
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class PhoneSeen(Event):
    """The agent's phone became reachable or stopped being so."""

    agent: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class WrapUpEnded(Event):
    """The agent says that the write-up is done."""

    agent: str


@dataclass(frozen=True, slots=True)
class WrapUpExtended(Event):
    agent: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AgentOccupied(Event):
    """The agent placed or took a call that was not routed: no offers until `AgentFreed`."""

    agent: str
    why: str = "outbound"


@dataclass(frozen=True, slots=True)
class AgentFreed(Event):
    agent: str


# Calls


@dataclass(frozen=True, slots=True)
class CallArrived(Event):
    """A call was answered by the hotline. `invited_at` is when its INVITE came in."""

    call: int
    caller: str
    called: str
    channel: str
    unique_id: str
    invited_at: float
    node: str = ""


@dataclass(frozen=True, slots=True)
class CallQueued(Event):
    """The caller waits from now on. `queued_at` is kept when a call is queued again or stood on another node."""

    call: int
    queue: str
    requirement: Requirement
    queued_at: float
    priority: int = 0
    caller: str = ""
    language: str = "zh"
    category: str = ""
    owner: str = ""
    """The agent to be preferred: who owns the open ticket, or spoke with this caller last."""


@dataclass(frozen=True, slots=True)
class CallDetached(Event):
    """No server holds this caller at the moment: keep the place, offer nothing."""

    call: int


@dataclass(frozen=True, slots=True)
class CallAttached(Event):
    """A server holds this caller again."""

    call: int


@dataclass(frozen=True, slots=True)
class CallLeftQueue(Event):
    """The caller left the queue alive: took the callback offer, left a message, was overflowed out."""

    call: int
    why: str


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """The caller's channel is gone. `cause` is one of: caller_hung_up, agent_hung_up, hotline_hung_up, lost."""

    call: int
    cause: str
    ended_at: float | None = None
    """When it really ended, if that was before it was noticed."""


@dataclass(frozen=True, slots=True)
class PrioritySet(Event):
    call: int
    priority: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallMoved(Event):
    """A supervisor moved a waiting call to another queue; it keeps its original queue time."""

    call: int
    queue: str
    requirement: Requirement
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CallPulled(Event):
    """An agent or supervisor took one waiting call out of turn, for that agent."""

    call: int
    agent: str
    by: str = ""
    reason: str = ""


# Offers and conversations


@dataclass(frozen=True, slots=True)
class OfferRinging(Event):
    offer: int


@dataclass(frozen=True, slots=True)
class OfferAnswered(Event):
    """The agent picked up; whisper and announcement may still be playing. From here on this is a conversation."""

    offer: int


@dataclass(frozen=True, slots=True)
class OfferFailed(Event):
    offer: int
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """Caller and agent hear each other from now on."""

    call: int
    agent: str


@dataclass(frozen=True, slots=True)
class ConversationEnded(Event):
    """One agent's leg is over. The caller may go on (survey) or be gone. `by` is agent, caller, transfer or lost."""

    call: int
    agent: str
    by: str
    talked: float = 0.0
    held: float = 0.0
    ended_at: float | None = None


# Time


@dataclass(frozen=True, slots=True)
class Tick(Event):
    """An instant that the floor asked for by `next_timer` has come."""
