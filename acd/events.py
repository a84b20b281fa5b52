"""What happened to agents and calls. An event is a fact: it is in the log before the floor receives it.

Every instant is UTC seconds since the epoch; every duration is seconds. A call is its number (`call show 17`),
an agent is the work number (`"1001"`), an offer is numbered by the floor that made it. `by` is the person who asked for
it, as a work number or user name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acd.policy.definitions import Policy, Requirement, Skill


class Status(StrEnum):
    """The agent's first axis: what the person chose."""

    SIGNED_OUT = "signed_out"
    AVAILABLE = "available"
    BREAK = "break"


class Outcome(StrEnum):
    """How an offer ended that led to no conversation."""

    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNREGISTERED = "unregistered"
    CALLER_GONE = "caller_gone"
    LOST = "lost"
    """The server that rang the phone stopped before it could report; or the phone died during the conversation."""
    REDIRECTED = "redirected"
    """The phone sent the call elsewhere (3xx), where it does not go."""
    DROPPED = "dropped"
    """The agent picked up and hung up before a conversation could begin."""
    WITHDRAWN = "withdrawn"
    """The floor took the offer back; the detail says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """Base of everything that the floor receives."""


# Definitions


@dataclass(frozen=True, slots=True)
class PolicySet(Event):
    """The hotline's routing rules were loaded, at start or while running. Waiting calls stay in their queues."""

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
    """An agent was removed. One who is on a call is removed when the call and its wrap-up are over."""

    agent: str
    by: str = ""


# Agents


@dataclass(frozen=True, slots=True)
class StatusSet(Event):
    """The agent, or a supervisor for the agent, chose a status. During a call it takes effect when the call is over."""

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
    """The agent finished the write-up."""

    agent: str


@dataclass(frozen=True, slots=True)
class WrapUpExtended(Event):
    """The agent asked for `seconds` more of wrap-up."""

    agent: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AgentOccupied(Event):
    """The agent placed or took a call that the floor did not route: no offers until `AgentFreed`."""

    agent: str
    why: str = "outbound"


@dataclass(frozen=True, slots=True)
class AgentFreed(Event):
    """The call that was not routed is over."""

    agent: str


# Calls


@dataclass(frozen=True, slots=True)
class CallArrived(Event):
    """A call was answered by the hotline. `invited_at` is when its INVITE came in, `answered_at` when its 200 OK went
    out: before this event, as a server may have come to the call late. `name` is the caller's as the network shows it,
    `told_by` the SIP header that the number was taken from."""

    call: int
    caller: str
    called: str
    channel: str
    unique_id: str
    invited_at: float
    node: str = ""
    answered_at: float | None = None
    name: str = ""
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class CallQueued(Event):
    """The caller waits from now on. A call that is queued again, or taken over from another node, keeps `queued_at`."""

    call: int
    queue: str
    requirement: Requirement
    queued_at: float
    priority: int = 0
    caller: str = ""
    language: str = "zh"
    category: str = ""
    owner: str = ""
    """The agent who owns the open ticket or spoke with this caller last, and is preferred."""
    vip: bool = False
    """The call counts as having waited `vip_head_start` seconds longer."""
    promised: bool = False
    """No caller is on the line: the hotline will call the customer. No announcements, no overflow."""
    first: bool = False
    """The caller's conversation was cut off: the call is taken before all others."""
    avoid: tuple[str, ...] = ()
    """Agents who are offered it last: the caller complains about them."""


@dataclass(frozen=True, slots=True)
class CallDetached(Event):
    """No server holds this caller at the moment: the call keeps its position, and is not offered."""

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
    """The caller's channel is gone.

    `cause` is caller_hung_up, agent_hung_up, hotline_hung_up, line_full (turned away by admission) or lost.
    """

    call: int
    cause: str
    ended_at: float | None = None
    """When it ended, if that was before the server noticed."""


@dataclass(frozen=True, slots=True)
class PrioritySet(Event):
    """A supervisor or a flow changed the priority of a waiting call."""

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
    """An agent or supervisor chose one waiting call out of turn, for that agent."""

    call: int
    agent: str
    by: str = ""
    reason: str = ""


# Offers and conversations


@dataclass(frozen=True, slots=True)
class OfferRinging(Event):
    """The agent's phone rings."""

    offer: int


@dataclass(frozen=True, slots=True)
class OfferConfirming(Event):
    """The offer to an agent at an outside number stands for so many seconds more: it was picked up, and a key is to say
    that it is the agent; or it is called by another trunk."""

    offer: int
    within: float


@dataclass(frozen=True, slots=True)
class OfferAnswered(Event):
    """The agent answered; whisper and announcement may still be playing. From now on this is a conversation."""

    offer: int


@dataclass(frozen=True, slots=True)
class OfferFailed(Event):
    """The offer is over without a conversation; `detail` is Asterisk's word for it."""

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
    """One agent's leg is over; the caller may go on (survey) or have hung up. `by` is agent, caller, transfer or lost.

    `talked` and `held` are seconds; `ended_at` is set if it ended before the server noticed.
    """

    call: int
    agent: str
    by: str
    talked: float = 0.0
    held: float = 0.0
    ended_at: float | None = None
    broken: Outcome | None = None
    """Dropped or lost, if it was no conversation that came to its end: the caller is there and waits again."""


@dataclass(frozen=True, slots=True)
class HoldStarted(Event):
    """The agent put the caller on hold. `why` is hold, consult, help, transfer (a number is being keyed), refused,
    or away: the agent's page is gone, and awaited."""

    call: int
    agent: str
    why: str = "hold"


@dataclass(frozen=True, slots=True)
class HoldEnded(Event):
    """The agent took the caller off hold."""

    call: int
    agent: str


@dataclass(frozen=True, slots=True)
class ConsultStarted(Event):
    """The agent consults a colleague, or an outside number, `to`, while the caller is on hold.

    The consulted agent is offered no calls until `ConsultEnded`. `why` is consult or help (求助).
    """

    call: int
    agent: str
    to: str
    why: str = "consult"


@dataclass(frozen=True, slots=True)
class ConsultEnded(Event):
    """The consultation is over, and the caller is off hold."""

    call: int
    agent: str
    to: str


@dataclass(frozen=True, slots=True)
class Transferred(Event):
    """The agent's leg is over and the call goes on elsewhere. `kind` is agent, queue or outside.

    To a queue: the call waits there with its original queue time. To an agent, attended: the two agents spoke before,
    and the target has the call from now on. To an agent, blind: the call waits for that agent for `ring_for` seconds at
    most, then for `agent` again, then it is diverted to leave a message. To the outside: the floor has no more to do
    with it until it is queued again.
    """

    call: int
    agent: str
    kind: str
    to: str
    attended: bool = False
    requirement: Requirement | None = None
    """The requirement in that queue; None: the queue's own skill."""
    talked: float = 0.0
    held: float = 0.0


@dataclass(frozen=True, slots=True)
class SoundStopped(Event):
    """The sound of a conversation goes one way only: nothing has come from `side` (caller or agent) for `seconds`."""

    call: int
    agent: str
    side: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SoundReturned(Event):
    """Sound comes again from `side` (caller or agent); it had been away for `seconds`."""

    call: int
    agent: str
    side: str
    seconds: float


# Agents' own calls


@dataclass(frozen=True, slots=True)
class InternalCallStarted(Event):
    """An agent's phone calls `to`, a colleague or an outside number. Both agents' phones are in use till it is over.

    `channel` is the unique id of the calling agent's channel.
    """

    agent: str
    to: str
    channel: str


@dataclass(frozen=True, slots=True)
class InternalCallEnded(Event):
    """An agent's own call is over, answered or not."""

    agent: str
    to: str
    channel: str


# Supervision. The floor only needs to know that the supervisor's phone is in use (`AgentOccupied`).


class Monitor(StrEnum):
    """How a supervisor takes part in a conversation."""

    LISTEN = "listen"
    """Neither caller nor agent hears the supervisor."""
    WHISPER = "whisper"
    """Only the agent hears the supervisor."""
    BARGE = "barge"
    """Both hear the supervisor."""


@dataclass(frozen=True, slots=True)
class MonitorStarted(Event):
    """A supervisor asked to take part in a conversation, and said why. In the log before the phone rings.

    `by` is the work number whose phone it is, `channel` the unique id of that phone's channel.
    """

    call: int
    agent: str
    by: str
    mode: Monitor = Monitor.LISTEN
    reason: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class MonitorChanged(Event):
    """The supervisor takes part in another way."""

    call: int
    by: str
    mode: Monitor
    channel: str


@dataclass(frozen=True, slots=True)
class MonitorEnded(Event):
    """The supervisor takes part no more. `why` is hung_up, not_answered or lost."""

    call: int
    agent: str
    by: str
    why: str = "hung_up"
    channel: str = ""


# Time


@dataclass(frozen=True, slots=True)
class Tick(Event):
    """An instant that `next_timer` gave has come."""
