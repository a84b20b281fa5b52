"""Customers over HTTP: files, marks on numbers, a table of files, and a check of identity."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from customers.marks import Mark, MarkState
from server.usecases.customer_import import CustomerImportActs
from server.usecases.customers import CustomerActs
from server.web.api.shapes import (
    Asked,
    Body,
    Limit,
    Line,
    Number,
    Page,
    Paging,
    Planned,
    Reason,
    Who,
    Why,
    Word,
    router,
)
from server.web.problems import answers

Telephone = Annotated[str, Field(min_length=1, max_length=40, description="However it is written."), Line]
Day = Annotated[
    str, Field(pattern=r"^([12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$", examples=["2027-01-15"])
]
Note = Annotated[str, Field(max_length=500), Line]
Digits = Annotated[str, Field(max_length=20, description="Digits that only the customer knows; no answer shows them.")]


class CustomersAsked(Asked):
    """Which customers."""

    number: str | None = Field(None, max_length=40, description="However it is written.")
    name: str | None = Field(None, max_length=80, description="Part of the name.")
    customer_class: str | None = Field(None, alias="class", max_length=40)
    region: str | None = Field(None, max_length=80)
    ref: str | None = Field(None, max_length=80)
    mark: Mark | None = Field(None, description="With this mark, proposed or in force, on one of the numbers.")


class CustomerPut(Body):
    """A file. What is left out is empty; `identity` left out is kept as it is."""

    name: Word = ""
    numbers: list[Telephone] = Field(default_factory=list, max_length=10)
    customer_class: Annotated[str, Field(alias="class", max_length=40), Line] = ""
    region: Word = ""
    registered_on: Day = ""
    note: Note = ""
    ref: Word = ""
    identity: Digits | None = None


class CustomerPatch(Body):
    """Parts of a file; what is left out stays. An empty `identity` forgets the digits."""

    name: Word | None = None
    numbers: list[Telephone] | None = Field(None, max_length=10)
    customer_class: Annotated[str | None, Field(alias="class", max_length=40)] = None
    region: Word | None = None
    registered_on: Day | None = None
    note: Note | None = None
    ref: Word | None = None
    identity: Digits | None = None
    reason: Reason = ""


class Customer(BaseModel):
    """A customer's file. `marks` are those that stand on any of its numbers."""

    id: int
    ref: str | None
    name: str | None
    numbers: list[str]
    customer_class: str | None = Field(alias="class")
    region: str | None
    registered_on: str | None
    note: str | None
    identity_kept: bool = Field(description="Whether the caller's identity can be checked by digits.")
    marks: list[str]
    created_at: str | None
    changed_at: str | None
    changed_by: str | None


class MarksAsked(Paging):
    """Which marks."""

    number: str | None = Field(None, max_length=40, description="This number, and the others of its customer.")
    mark: Mark | None = None
    state: MarkState | None = None
    limit: Limit = 100


class MarkIn(Body):
    """A mark to be put. A nuisance needs a supervisor's confirmation, and ends after 30 days without `until`."""

    number: Telephone
    mark: Mark
    reason: Why
    until: Planned | None = None


class MarkChange(Body):
    """A mark to be confirmed or lifted."""

    number: Telephone
    mark: Mark
    reason: Reason = ""
    until: Planned | None = None


class MarkOut(BaseModel):
    """One mark on one number."""

    number: str
    mark: str
    state: str
    at: str
    by: str | None
    reason: str | None
    until: str | None
    confirmed_at: str | None
    confirmed_by: str | None
    lifted_at: str | None
    lifted_by: str | None
    lifted_reason: str | None


class BadLine(BaseModel):
    """A fault of a table: where it is, why it is one, and what to do."""

    line: int
    column: str
    value: str
    why: str
    do: str


class Report(BaseModel):
    """What came of a table. `taken`: whether anything was taken in; `bad` has every fault."""

    encoding: str
    lines: int
    taken: bool
    created: int
    changed: int
    unchanged: int
    bad: list[BadLine]


class VerifyIn(Body):
    """Digits that a caller gave to an agent in this call."""

    digits: Annotated[str, Field(min_length=1, max_length=20)]
    call: Annotated[int, Field(ge=1, le=2**53)]


class Verified(BaseModel):
    """Whether the digits are the customer's."""

    verified: bool


class CustomerGone(BaseModel):
    """A file was removed."""

    id: int


_TEXTS = {"name", "customer_class", "region", "registered_on", "note", "ref"}


def customer_routes(acts: CustomerActs, table: CustomerImportActs) -> APIRouter:
    """The routes of customers."""
    routes = router("customers")

    @routes.get("/customers", response_model=Page[Customer], responses=answers(400, 422))
    async def list_customers(who: Who, asked: Annotated[CustomersAsked, Query()]) -> dict[str, Any]:
        """Customers, newest first."""
        return await acts.page(who, asked.filters(), asked.limit, asked.cursor or None)

    @routes.get("/customers/marks", response_model=Page[MarkOut], responses=answers(400, 422))
    async def list_marks(who: Who, asked: Annotated[MarksAsked, Query()]) -> dict[str, Any]:
        """Marks on numbers, newest first, in the state of this moment."""
        wanted = asked.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
        filters = {name: str(value) for name, value in wanted.items()}
        return await acts.marks(who, filters, asked.limit, asked.cursor or None)

    @routes.post("/customers/marks", status_code=201, response_model=MarkOut, responses=answers(409, 422, 503))
    async def put_mark(who: Who, wanted: MarkIn) -> dict[str, Any]:
        """Mark a number: do_not_call and do_not_record hold at once, a nuisance when it is confirmed."""
        until = None if wanted.until is None else wanted.until.timestamp()
        return await acts.mark(who, wanted.number, wanted.mark, wanted.reason, until)

    @routes.post("/customers/marks/confirm", response_model=MarkOut, responses=answers(404, 409, 422, 503))
    async def confirm_mark(who: Who, wanted: MarkChange) -> dict[str, Any]:
        """Confirm a proposed mark."""
        until = None if wanted.until is None else wanted.until.timestamp()
        return await acts.confirm(who, wanted.number, wanted.mark, wanted.reason, until)

    @routes.post("/customers/marks/lift", response_model=MarkOut, responses=answers(404, 409, 422, 503))
    async def lift_mark(who: Who, wanted: MarkChange) -> dict[str, Any]:
        """Lift a mark, proposed or in force."""
        return await acts.unmark(who, wanted.number, wanted.mark, wanted.reason)

    @routes.post(
        "/customers/import",
        response_model=Report,
        responses=answers(413, 422, 503),
        openapi_extra={
            "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
        },
    )
    async def import_customers(
        who: Who,
        request: Request,
        source: Annotated[Word, Query(description="Name of the table, for the audit.")] = "",
        skip_bad: Annotated[bool, Query(description="Take in the good lines although there are bad ones.")] = False,
        check: Annotated[bool, Query(description="Report only: nothing is taken in.")] = False,
    ) -> dict[str, Any]:
        """Take in a table (CSV in UTF-8 or gb18030). With a bad line nothing is taken in, unless `skip_bad`."""
        return await table.import_table(who, await request.body(), source=source, skip_bad=skip_bad, check=check)

    @routes.post("/customers", status_code=201, response_model=Customer, responses=answers(409, 422, 503))
    async def add_customer(who: Who, wanted: CustomerPut) -> dict[str, Any]:
        """A new file."""
        made = await acts.add(who, _texts(wanted), wanted.numbers, wanted.identity or "")
        return await acts.now(who, made)

    @routes.get("/customers/{number}", response_model=Customer, responses=answers(404, 422))
    async def show_customer(who: Who, number: Number) -> dict[str, Any]:
        """One file."""
        return await acts.show(who, number)

    @routes.put("/customers/{number}", response_model=Customer, responses=answers(404, 409, 422, 503))
    async def replace_customer(who: Who, number: Number, wanted: CustomerPut) -> dict[str, Any]:
        """Let a file be as it is given here."""
        texts = dict.fromkeys(_TEXTS, "") | _texts(wanted)
        await acts.change(who, number, texts, wanted.numbers, wanted.identity, whole=True)
        return await acts.now(who, number)

    @routes.patch("/customers/{number}", response_model=Customer, responses=answers(404, 409, 422, 503))
    async def change_customer(who: Who, number: Number, wanted: CustomerPatch) -> dict[str, Any]:
        """Change parts of a file."""
        await acts.change(who, number, _texts(wanted), wanted.numbers, wanted.identity, reason=wanted.reason)
        return await acts.now(who, number)

    @routes.delete("/customers/{number}", response_model=CustomerGone, responses=answers(404, 422, 503))
    async def remove_customer(who: Who, number: Number, reason: Annotated[Why, Query()]) -> dict[str, Any]:
        """Remove a file; the marks on its numbers stay."""
        await acts.remove(who, number, reason)
        await acts.shown()
        return {"id": number}

    @routes.post("/customers/{number}/verify", response_model=Verified, responses=answers(404, 409, 422, 503))
    async def verify_customer(who: Who, number: Number, wanted: VerifyIn) -> dict[str, Any]:
        """Check the digits that a caller gave to an agent. They are compared and not kept."""
        return {"verified": await acts.verify(who, number, wanted.digits, wanted.call)}

    return routes


def _texts(wanted: BaseModel) -> dict[str, str]:
    return wanted.model_dump(include=_TEXTS, exclude_none=True)
