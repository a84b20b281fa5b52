"""What goes over HTTP: the shapes of requests and answers. OpenAPI is drawn from them.

Instants are ISO 8601 in UTC. What has no value yet is null. Shapes of one record (`…Detail`) may hold more than
is named here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from acd.callbacks.events import Mode
from acd.events import Status
from server import bounds

Item = TypeVar("Item")
AGENT_ID = r"^[A-Za-z0-9][A-Za-z0-9_.]{0,31}$"


def _with_zone(instant: datetime) -> datetime:
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    try:
        aware.astimezone(UTC)
    except OverflowError:
        raise ValueError("this instant lies outside the years 1 to 9999 of UTC") from None
    return aware


Instant = Annotated[datetime, AfterValidator(_with_zone)]
"""UTC where a request names no zone."""


def _within_the_calendar(instant: datetime) -> datetime:
    bounds.planned(instant.timestamp())
    return instant


Planned = Annotated[Instant, AfterValidator(_within_the_calendar)]
"""An instant that goes into an event."""


def _in_one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("write it in one line, without control characters or space around it")
    return text


def _without_line_ends(text: str) -> str:
    if not bounds.is_line(text):
        raise ValueError("write it in one line, without control characters")
    return text


Line = AfterValidator(_without_line_ends)
"""For every text that goes into an event."""
Word = Annotated[str, Field(max_length=80), Line]
Reason = Annotated[str, Field(max_length=200, description="Why; it is kept with the act."), Line]
Why = Annotated[Reason, Field(min_length=1)]
By = Annotated[str, Field(min_length=1, max_length=80, description="Who does it; it is kept with the act."), Line]
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_in_one_line)]
Limit = Annotated[int, Field(ge=1, le=1000, description="How many at most.")]


class Asked(BaseModel):
    """What every list is asked with. Unknown filters are refused."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = 100
    cursor: str | None = Field(None, description="`next` of the page before.")

    def filters(self) -> dict[str, str]:
        """The filters that were given; an empty one counts as none."""
        given = self.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
        texts = {name: each.isoformat() if isinstance(each, datetime) else str(each) for name, each in given.items()}
        return {name: each for name, each in texts.items() if each}


class CallsAsked(Asked):
    """Which calls."""

    since: Instant | None = Field(None, description="Offered then or later.")
    until: Instant | None = Field(None, description="Offered before then.")
    outcome: str | None = None
    agent: str | None = None
    queue: str | None = None
    caller: str | None = None
    direction: Literal["inbound", "outbound"] | None = Field(None, description="Callers' calls, or the hotline's own.")


class TicketsAsked(Asked):
    """Which tickets."""

    state: str | None = None
    category: str | None = None
    caller: str | None = None


class RecordingsAsked(Asked):
    """Which recordings."""

    call: Annotated[int, Field(ge=1, le=2**53)] | None = None
    agent: str | None = None


class AgentIn(BaseModel):
    """An agent to add or change. A phone stands at `contact`, or registers with `secret` (made up if empty)."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(None, description="Must be the number in the path, if it is given.")
    name: Name
    skills: dict[str, Annotated[int, Field(ge=1, le=10)]] = Field(default_factory=dict)
    teams: list[Name] = Field(default_factory=list, max_length=100)
    secret: str = ""
    contact: Annotated[str, Field(max_length=256), Line] = ""


class StatusIn(BaseModel):
    """A status to be set."""

    model_config = ConfigDict(extra="forbid")

    status: Status
    reason: Word = ""
    by: By = "api"


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next: str | None = Field(None, description="Cursor of the page after this one; null on the last.")


class Call(BaseModel):
    id: int
    caller: str
    called: str
    queue: str | None
    category: str | None
    agent: str | None
    ticket: int | None
    recordings: list[int]
    offered_at: str | None
    answered_at: str | None
    queued_at: str | None
    connected_at: str | None
    ended_at: str | None
    outcome: str | None
    satisfaction: int | None


class CallDetail(Call):
    """A call with its legs (`segments`) and every decision taken for it."""

    model_config = ConfigDict(extra="allow")

    segments: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


class Ticket(BaseModel):
    id: int
    call: int | None
    category: str | None
    grade: str
    state: str
    opened_at: str | None


class TicketDetail(Ticket):
    """A ticket with its calls, their recordings and its history."""

    model_config = ConfigDict(extra="allow")

    calls: list[int]
    recordings: list[int]
    history: list[dict[str, Any]]


class Recording(BaseModel):
    id: int
    call: int | None
    agent: str | None
    ticket: int | None
    seconds: float | None
    channels: int | None
    sha256: str | None


class RecordingDetail(Recording):
    """A recording in any state."""

    model_config = ConfigDict(extra="allow")

    state: str


class Agent(BaseModel):
    id: str
    name: str
    skills: dict[str, int]
    teams: list[str]
    status: str
    state: str
    reason: str | None
    since: str | None
    phone: str
    contact: str | None


class AgentNow(BaseModel):
    """An agent's two axes."""

    id: str
    status: str
    state: str


class AgentPut(BaseModel):
    id: str
    message: str


class AgentGone(BaseModel):
    id: str


class QueueMode(BaseModel):
    """Callback mode of a queue; `active`: numbers are taken now."""

    mode: Mode
    active: bool


class Queue(BaseModel):
    """A queue now. Seconds; agents are those who have the queue's skill and are signed in.

    `waiting` are callers on the line; `promised` are those who are to be called back.
    """

    name: str
    skill: str
    priority: int
    strategy: str
    waiting: int
    longest_wait: float
    agents: int
    available: int = Field(description="Of those, not on a break.")
    ready: int = Field(description="Of those, free to take a call now.")
    promised: int
    callback: QueueMode


class Waiting(BaseModel):
    """A waiting call, in the one order of the house."""

    call: int
    queue: str
    caller: str
    category: str
    position: int = Field(description="Place in its queue; 1 is next.")
    points: float
    queued_at: str
    agent: str | None = Field(description="Whose phone rings for it.")
    promised: bool = Field(description="Nobody is on the line: they are going to be called back.")


class Floor(BaseModel):
    """Who waits and who works, at one instant."""

    at: str
    waiting: list[Waiting]
    agents: list[AgentNow]


class Health(BaseModel):
    """Whether a call could be taken now; if not, why not. Warnings want somebody's attention."""

    ok: bool
    problems: list[str]
    warnings: list[str]


class Reloaded(BaseModel):
    source: str
