"""The shapes of the rows that are one person's: the own state with the caller, and bulletins with what was read."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from server.web.live.rows import AgentDay, Instant, Row, Words


class Earlier(Row, frozen=True, kw_only=True):
    """A call or a ticket of the same customer."""

    kind: Literal["call", "ticket"]
    id: int
    at: Instant | None
    queue: str
    category: str
    agent: str
    outcome: str
    state: str
    grade: str


class OpenTicket(Row, frozen=True, kw_only=True):
    """A ticket of the same customer that is not closed."""

    id: int
    state: str
    grade: str
    category: str
    opened_at: Instant | None
    department: str
    resolve_by: Instant | None


class Script(Row, frozen=True, kw_only=True):
    """What to say, from the knowledge base."""

    id: int
    title: str
    text: str


class Pop(Row, frozen=True, kw_only=True):
    """What an agent must know of a caller before the phone rings. `history`, `open_tickets` and `script` are null until
    the records have told them."""

    call: int
    direction: Literal["inbound", "outbound"]
    number: str
    withheld: bool
    name: str
    customer_class: str = field(name="class")
    customer: int | None
    marks: tuple[str, ...]
    vip: bool
    queue: str
    category: str
    ticket: int | None
    grade: str
    language: str
    called_name: str
    waited_since: Instant | None
    offered_at: Instant | None
    pressed: tuple[Words, ...]
    promise: int | None
    purpose: str
    asked_back: str
    history: tuple[Earlier, ...] | None
    open_tickets: tuple[OpenTicket, ...] | None
    ask: tuple[str, ...]
    script: Script | None


class MeRow(Row, frozen=True, kw_only=True):
    """The person whose stream it is. Key: `key`, which is `me`."""

    key: Literal["me"]
    agent: str
    name: str
    teams: tuple[str, ...]
    status: str
    reason: str
    pending: str | None
    state: str
    since: Instant | None
    call: int | None
    held: bool
    phone: bool
    talks_with: str = field(name="with")
    wrap_up_until: Instant | None
    wrap_up: str
    today: AgentDay
    unread: int
    pop: Pop | None


class BulletinRow(Row, frozen=True, kw_only=True):
    """A bulletin that stands. Key: `id`."""

    id: int
    title: str
    text: str
    teams: tuple[str, ...]
    by: str
    at: Instant
    until: Instant | None
    read: bool | None
    readers: int
