"""Tickets over HTTP: lists, one ticket with its history, and every act on it. Each act is an event."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from server.usecases.tickets import Changes, TicketActs
from server.web.api.shapes import AGENT_ID, Asked, Body, Instant, Number, Page, Planned, Reason, Who, Word, router
from server.web.problems import answers
from tickets.acts import LONGEST_NOTE
from tickets.types import LONGEST_TEXT, MOST_FIELDS


def _printable(text: str) -> str:
    if any(not (letter.isprintable() or letter in "\n\t") for letter in text):
        raise ValueError("write it without control characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE), AfterValidator(_printable)]
FieldName = Annotated[str, Field(min_length=1, max_length=40)]
FieldValue = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_printable)]


class TicketsAsked(Asked):
    """Which tickets."""

    state: str | None = None
    department: str | None = None
    overdue: bool | None = Field(None, description="Those whose running limit is over, or those in time.")
    owner: str | None = None
    type: str | None = None
    grade: str | None = None
    level: str | None = Field(None, description="Whose matter: agent, leader or manager.")
    category: str | None = Field(None, description="The confirmed category, or the caller's where there is none.")
    caller: str | None = None
    since: Instant | None = Field(None, description="Opened then or later.")
    until: Instant | None = Field(None, description="Opened before then.")


class TicketIn(Body):
    """A ticket that no call opened by itself."""

    type: Word = ""
    category: Word = ""
    business: Word = ""
    caller: Word = ""
    call: int = Field(0, ge=0, le=2**53)


class StateIn(Body):
    """One step forward; dispatched again with another department puts a wrong dispatch right."""

    state: Annotated[Word, Field(min_length=1)]
    department: Word = ""
    why: Reason = ""


class NoteIn(Body):
    """Something to write down."""

    text: Text


class ChangesIn(Body):
    """What is to be otherwise. An empty `accused` or `owner`: nobody; a field that is empty is emptied."""

    owner: str | None = Field(None, pattern=f"{AGENT_ID}|^$")
    category: Word | None = None
    accused: str | None = Field(None, pattern=f"{AGENT_ID}|^$")
    type: Word | None = None
    fields: Annotated[dict[FieldName, FieldValue] | None, Field(max_length=MOST_FIELDS)] = None
    promised_for: Planned | Literal[""] | None = Field(
        None, description="Until when the customer was promised an answer; empty: the promise is taken back."
    )
    why: Reason = ""


class GradeIn(Body):
    """A fact that makes the case graver."""

    trigger: Word
    why: Reason = ""


class WhyIn(Body):
    """Why."""

    why: Reason = ""


class AuthorityIn(Body):
    """What leave is asked for."""

    what: Annotated[Reason, Field(min_length=1)]


class AnswerIn(Body):
    """The answer to a request for authority."""

    granted: bool
    why: Reason = ""


class FollowUpIn(Body):
    """How the customer was found."""

    satisfied: bool
    why: Reason = ""


class CallIn(Body):
    """When the follow-up call is made at the earliest."""

    after: Planned | None = None


class Ticket(BaseModel):
    """A ticket as the records have it. `overdue`: the running limit (`due_at`) is over."""

    id: int
    call: int | None
    category: str | None
    grade: str
    state: str
    opened_at: str | None
    type: str | None
    confirmed: str | None
    department: str | None
    round: int
    level: str
    owner: str | None
    accused: str | None
    contacts: int
    promised_for: str | None
    respond_by: str | None
    resolve_by: str | None
    responded_at: str | None
    resolved_at: str | None
    due_at: str | None
    overdue: bool
    warnings: list[str]
    version: int


class TicketDetail(Ticket):
    """A ticket with its fields, rounds, calls, their recordings and its history."""

    model_config = ConfigDict(extra="allow")

    fields: dict[str, str]
    rounds: list[dict[str, Any]]
    calls: list[int]
    recordings: list[int]
    history: list[dict[str, Any]]


class FieldOut(BaseModel):
    """One field of a type: text, number, date, phone, choice or flag."""

    name: str
    kind: str
    label: str
    choices: list[str]
    longest: int
    least: float | None
    most: float | None


class TypeOut(BaseModel):
    """One type. `checklist` are the fields that a dispatch needs, `departments` those that it allows; none: each."""

    name: str
    label: str
    opens_for: list[str]
    departments: list[str]
    checklist: list[str]
    fields: list[FieldOut]


class FormsOut(BaseModel):
    """What a ticket may be given. Without `departments` each name is a department."""

    types: list[TypeOut]
    departments: list[str]
    categories: list[str]


def ticket_routes(acts: TicketActs) -> APIRouter:
    """The routes of tickets."""
    routes = router("tickets")
    acting: dict[str, Any] = {"response_model": TicketDetail, "responses": answers(404, 409, 422, 503)}

    @routes.get("/tickets", response_model=Page[Ticket], responses=answers(400, 422))
    async def list_tickets(who: Who, asked: Annotated[TicketsAsked, Query()]) -> dict[str, Any]:
        """Tickets, newest first."""
        return await acts.page(who, asked.filters(), asked.limit, asked.cursor or None)

    @routes.get("/tickets/forms", response_model=FormsOut)
    async def show_forms(who: Who) -> dict[str, Any]:
        """The types of tickets with their fields, the departments and the categories that are in force."""
        return acts.forms(who)

    @routes.get("/tickets/{number}", response_model=TicketDetail, responses=answers(404, 422))
    async def show_ticket(who: Who, number: Number) -> dict[str, Any]:
        """One ticket with its calls, recordings and history."""
        return await acts.show(who, number)

    @routes.post("/tickets", status_code=201, response_model=TicketDetail, responses=answers(409, 422, 503))
    async def open_ticket(who: Who, wanted: TicketIn) -> dict[str, Any]:
        """Open a ticket by hand."""
        number = await acts.open(who, **wanted.model_dump())
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/state", **acting)
    async def set_ticket_state(who: Who, number: Number, wanted: StateIn) -> dict[str, Any]:
        """One step forward: dispatched (to a department), acknowledged, in_progress, resolved, followed_up, closed."""
        await acts.set_state(who, number, wanted.state, department=wanted.department, why=wanted.why)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/notes", **acting)
    async def add_note(who: Who, number: Number, wanted: NoteIn) -> dict[str, Any]:
        """Write something down."""
        await acts.note(who, number, wanted.text)
        return await acts.now(who, number)

    @routes.patch("/tickets/{number}", **acting)
    async def change_ticket(who: Who, number: Number, wanted: ChangesIn) -> dict[str, Any]:
        """Change owner, confirmed category, accused agent, type, fields, or the promised date: all or nothing."""
        given = wanted.model_dump(exclude={"why", "promised_for"})
        until = wanted.promised_for
        at = None if until is None else 0.0 if isinstance(until, str) else until.timestamp()
        await acts.change(who, number, Changes(**given, promised_for=at), wanted.why)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/grade", **acting)
    async def raise_grade(who: Who, number: Number, wanted: GradeIn) -> dict[str, Any]:
        """Tell a fact that makes the case graver: reporter, regulator, compensation, key_customer, broken_promise."""
        await acts.raise_grade(who, number, wanted.trigger, wanted.why)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/escalate", **acting)
    async def escalate_ticket(who: Who, number: Number, wanted: WhyIn) -> dict[str, Any]:
        """One level up: agent, leader, manager."""
        await acts.escalate(who, number, wanted.why)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/authority", **acting)
    async def ask_authority(who: Who, number: Number, wanted: AuthorityIn) -> dict[str, Any]:
        """Ask for leave to do something."""
        await acts.ask_authority(who, number, wanted.what)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/authority/{request}/answer", **acting)
    async def answer_authority(who: Who, number: Number, request: Number, wanted: AnswerIn) -> dict[str, Any]:
        """Grant or refuse what was asked for."""
        await acts.answer_authority(who, number, request, wanted.granted, wanted.why)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/follow-up", **acting)
    async def follow_up_ticket(who: Who, number: Number, wanted: FollowUpIn) -> dict[str, Any]:
        """Tell how the customer was found: satisfied closes the ticket, not satisfied starts the next round."""
        await acts.follow_up(who, number, wanted.satisfied, wanted.why)
        return await acts.now(who, number)

    @routes.post("/tickets/{number}/follow-up-call", **acting)
    async def call_customer(who: Who, number: Number, wanted: CallIn) -> dict[str, Any]:
        """Promise the follow-up call of a resolved ticket."""
        await acts.call_customer(who, number, None if wanted.after is None else wanted.after.timestamp())
        return await acts.now(who, number)

    return routes
