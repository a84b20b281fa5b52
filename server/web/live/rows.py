"""The shapes of the rows that streams tell. Whole rows by key; instants are ISO 8601 in UTC; no row counts seconds.

`docs/live.md` says what each field means. A row that depends on nothing but the state is the same on every server.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Instant = str
"""ISO 8601 in UTC."""


class Row(Struct, frozen=True, kw_only=True):
    """Base of all rows."""


class Words(Row, frozen=True, kw_only=True):
    """A sentence in both languages."""

    zh: str = field(name="zh-CN")
    en: str


class AgentDay(Row, frozen=True, kw_only=True):
    """What an agent has done today in the hotline's zone: calls handled and offers missed; talk, hold, wrap_up in
    seconds."""

    handled: int
    missed: int
    talk: int
    hold: int
    wrap_up: int


class AgentRow(Row, frozen=True, kw_only=True):
    """An agent. Key: `id`."""

    id: str
    name: str
    teams: tuple[str, ...]
    skills: dict[str, int]
    status: str
    reason: str
    pending: str | None
    state: str
    since: Instant
    call: int | None
    queue: str
    held: bool
    phone: bool
    contact: Literal["registered", "fixed", "outside"]
    talks_with: str = field(name="with")
    rests_until: Instant | None
    wrap_up_until: Instant | None
    today: AgentDay


class Monitoring(Row, frozen=True, kw_only=True):
    """A supervisor who takes part in a conversation."""

    by: str
    mode: str


class CallRow(Row, frozen=True, kw_only=True):
    """A call in progress. Key: `id`."""

    id: int
    direction: Literal["inbound", "outbound"]
    state: Literal["ivr", "waiting", "ringing", "talking", "held", "outside", "survey"]
    since: Instant
    number: str
    masked: bool
    withheld: bool
    name: str
    customer: int | None
    customer_class: str = field(name="class")
    vip: bool
    called: str
    called_name: str
    queue: str
    category: str
    ticket: int | None
    grade: str
    language: str
    arrived_at: Instant
    waited_since: Instant | None
    position: int | None
    p50: int | None
    p90: int | None
    priority: int
    step: int
    reserved_for: str
    agent: str
    offered_at: Instant | None
    ring_for: float | None
    joined_at: Instant | None
    hold: str
    asked: str
    promise: int | None
    promised: bool
    attached: bool
    cut_off: bool
    recording: Literal["on", "paused", "off"]
    monitors: tuple[Monitoring, ...]


class QueueMode(Row, frozen=True, kw_only=True):
    """Callback mode of a queue; `active`: the hotline takes numbers now."""

    mode: str
    active: bool


class Rates(Row, frozen=True, kw_only=True):
    """Calls of a time; shares are from 0 to 1, null of no calls."""

    offered: int
    answered: int
    abandoned: int
    connect_rate: float | None
    service_level: float | None
    abandon_rate: float | None


class Thresholds(Row, frozen=True, kw_only=True):
    """From when on a page shows that something is wrong. Shares from 0 to 1, times in seconds."""

    service_level: float
    within: int
    service_level_low: float
    wait_long: float
    wait_too_long: float
    abandon_high: float


class QueueRow(Row, frozen=True, kw_only=True):
    """A queue. Key: `name`."""

    name: str
    skill: str
    strategy: str
    waiting: int
    promised: int
    oldest: Instant | None
    agents: int
    available: int
    ready: int
    talking: int
    p50: int | None
    p90: int | None
    callback: QueueMode
    now: Rates
    day: Rates
    thresholds: Thresholds


class Opinion(Row, frozen=True, kw_only=True):
    """What auto thinks of a queue's callback mode, whatever is forced."""

    active: bool
    why: Words
    since: Instant | None
    turns_at: Instant | None
    waiting: int
    staff: int
    wait: int | None


class ModeRow(Row, frozen=True, kw_only=True):
    """Callback mode of `all` or of a queue. Key: `scope`."""

    scope: str
    mode: str
    active: bool
    since: Instant
    until: Instant | None
    who: str
    reason: str
    rule: str
    full: bool
    opinion: Opinion | None


class Formula(Row, frozen=True, kw_only=True):
    """How a figure is made."""

    zh: str = field(name="zh-CN")
    en: str
    formula: str


class Formulas(Row, frozen=True, kw_only=True):
    """How the shares are made."""

    connect_rate: Formula
    service_level: Formula
    abandon_rate: Formula


class Line(Row, frozen=True, kw_only=True):
    """The day in steps of so many seconds."""

    begins: Instant = field(name="from")
    step: int
    offered: tuple[int, ...]
    answered: tuple[int, ...]
    abandoned: tuple[int, ...]
    within: tuple[int, ...]


class Staff(Row, frozen=True, kw_only=True):
    """How many agents are signed in, and what they do."""

    signed_in: int
    available: int
    ready: int
    on_call: int
    wrap_up: int
    on_break: int


class FiguresRow(Row, frozen=True, kw_only=True):
    """The day so far, of `all` or of a queue. Key: `scope`."""

    scope: str
    day: str
    calls: int
    offered: int
    answered: int
    abandoned: int
    short_abandoned: int
    callback: int
    message: int
    overflowed: int
    failed: int
    open: int
    in_ivr: int
    connect_rate: float | None
    service_level: float | None
    within: int
    abandon_rate: float | None
    asa: float | None
    longest_wait: int | None
    oldest: Instant | None
    formulas: Formulas
    line: Line
    agents: Staff | None


class CallbackRow(Row, frozen=True, kw_only=True):
    """An open promise to call back, or one that has become an agent's task. Key: `id`."""

    id: int
    number: str
    masked: bool
    queue: str
    category: str
    state: str
    task: bool
    attempts: int
    promised_at: Instant
    queued_at: Instant
    due_at: Instant
    expires_at: Instant
    priority: int
    vip: bool
    owner: str
    call: int | None
    origin: int | None
    ticket: int | None
    reason: str
    source: str
    purpose: str
    last: str
    asked: int


class TicketRow(Row, frozen=True, kw_only=True):
    """An open ticket, as lists show it. Key: `id`. Told when it changes; no snapshot has it."""

    id: int
    version: int
    state: str
    round: int
    grade: str
    level: str
    business: str | None
    category: str | None
    confirmed: str | None
    type: str | None
    department: str | None
    owner: str | None
    accused: str | None
    contacts: int
    opened_at: Instant
    respond_by: Instant | None
    resolve_by: Instant | None
    due_at: Instant | None
    promised_for: Instant | None


class AlarmPart(Row, frozen=True, kw_only=True):
    """One thing that is said of a recording; `code` is empty where only the sentence says it."""

    sentence: str
    code: str
    values: dict[str, str | int | float]


class AlarmRow(Row, frozen=True, kw_only=True):
    """Something that needs a look. Key: `id`. `code` and `values` say what `sentence` says in English."""

    id: str
    kind: Literal["recording", "hotline"]
    what: str
    sentence: str
    code: str
    values: dict[str, str | int | float]
    parts: tuple[AlarmPart, ...]
    since: Instant | None
    recording: int | None
    call: int | None
