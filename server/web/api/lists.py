"""Outbound lists over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from customers.lists import BEHIND, LineState, ListRules, ListState, OutboundList
from server.usecases.lists import LineView, ListActs
from server.web.api.customers import Report
from server.web.api.shapes import Body, Name, Number, Page, Paging, Planned, Reason, Who, Word, cut, instant, router
from server.web.problems import answers

Seconds = Annotated[float, Field(ge=0, le=7 * 86_400)]


class ListIn(Body):
    """A list. `proof` says where the consent can be seen for all lines; without it each line has its own."""

    name: Name
    purpose: Name
    queue: Name
    owner: Name = Field(description="The person who answers for it.")
    consent: Name = Field(description="What the customers agreed to.")
    until: Planned
    proof: Word = ""
    category: Word = ""
    since: Planned | None = None
    window: Annotated[str, Field(pattern=r"^([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])?$")] = ""
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    delays: dict[str, Seconds] = Field(
        default_factory=dict, max_length=20, description="Seconds until the next attempt, by outcome of the last one."
    )
    priority: Annotated[int, Field(ge=-1000, le=1000)] | None = Field(
        None, description="Left out: behind all callers and promises. Given: in the one order, with these points."
    )

    yields: bool = Field(False, description="Whether a call that rings already is called off for a caller who waits.")

    def rules(self) -> ListRules:
        """The rules as acts take them."""
        return ListRules(
            name=self.name,
            purpose=self.purpose,
            queue=self.queue,
            owner=self.owner,
            consent=self.consent,
            until=self.until.timestamp(),
            proof=self.proof,
            category=self.category,
            since=0.0 if self.since is None else self.since.timestamp(),
            window=self.window,
            attempts=self.attempts,
            delays=tuple(sorted(self.delays.items())),
            priority=BEHIND if self.priority is None else self.priority,
            yields=self.yields,
        )


class ListOut(BaseModel):
    """A list, with how many lines are in each state. `behind`: it stands behind all callers and promises."""

    id: int
    name: str
    purpose: str
    queue: str
    category: str | None
    owner: str
    consent: str
    proof: str | None
    state: str
    since: str | None
    until: str
    window: str | None
    attempts: int
    delays: dict[str, float]
    priority: int | None
    behind: bool
    yields: bool
    created_at: str
    created_by: str | None
    ended_at: str | None
    lines: dict[str, int]


class LineOut(BaseModel):
    """A line, the promise that it became, and how often each outcome of an attempt came."""

    line: int
    number: str
    name: str | None
    ref: str | None
    note: str | None
    proof: str | None
    state: str
    promise: int | None
    attempts: int
    outcomes: dict[str, int]
    why: str | None
    changed_at: str


class LinesAsked(Paging):
    """Which lines."""

    state: LineState | None = None


class TurnIn(Body):
    """Another state of a list, and why."""

    state: ListState
    reason: Reason = ""


def list_routes(acts: ListActs) -> APIRouter:
    """The routes of outbound lists."""
    routes = router("lists")

    def shown(each: OutboundList) -> dict[str, Any]:
        rules = each.rules
        return {
            "id": each.id,
            "name": rules.name,
            "purpose": rules.purpose,
            "queue": rules.queue,
            "category": rules.category or None,
            "owner": rules.owner,
            "consent": rules.consent,
            "proof": rules.proof or None,
            "state": acts.state(each).value,
            "since": instant(rules.since) if rules.since else None,
            "until": instant(rules.until),
            "window": rules.window or None,
            "attempts": rules.attempts,
            "delays": dict(rules.delays),
            "priority": None if rules.priority == BEHIND else rules.priority,
            "behind": rules.priority == BEHIND,
            "yields": rules.yields,
            "created_at": instant(each.at),
            "created_by": each.by or None,
            "ended_at": None if each.over_at is None else instant(each.over_at),
            "lines": each.counts(),
        }

    @routes.get("/lists", response_model=Page[ListOut], responses=answers(400, 422))
    async def list_lists(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """Outbound lists, newest first; those that ended stay for 31 days."""
        return cut((shown(each) for each in acts.lists(who)), asked, "list")

    @routes.post("/lists", status_code=201, response_model=ListOut, responses=answers(422, 503))
    async def create_list(who: Who, wanted: ListIn) -> dict[str, Any]:
        """Create a list; it has no lines yet."""
        return shown(await acts.create(who, wanted.rules()))

    @routes.get("/lists/{number}", response_model=ListOut, responses=answers(404, 422))
    async def show_list(who: Who, number: Number) -> dict[str, Any]:
        """One list."""
        return shown(acts.show(who, number))

    @routes.get("/lists/{number}/lines", response_model=Page[LineOut], responses=answers(400, 404, 422))
    async def list_lines(who: Who, number: Number, asked: Annotated[LinesAsked, Query()]) -> dict[str, Any]:
        """The lines of a list, in its order."""
        found = acts.lines(who, number, asked.state)
        return cut(map(_line, found), asked, "line", "line", newest_first=False)

    @routes.post(
        "/lists/{number}/import",
        response_model=Report,
        responses=answers(404, 409, 413, 422, 503),
        openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def load_list(
        who: Who,
        number: Number,
        request: Request,
        source: Annotated[Word, Query(description="Name of the table, for the audit.")] = "",
        skip_bad: Annotated[bool, Query(description="Take in the good lines although there are bad ones.")] = False,
        check: Annotated[bool, Query(description="Report only: nothing is taken in.")] = False,
    ) -> dict[str, Any]:
        """Load lines (CSV in UTF-8 or gb18030). With a bad line nothing is taken in, unless `skip_bad`."""
        return await acts.load(who, number, await request.body(), source=source, skip_bad=skip_bad, check=check)

    @routes.post("/lists/{number}/state", response_model=ListOut, responses=answers(404, 409, 422, 503))
    async def turn_list(who: Who, number: Number, wanted: TurnIn) -> dict[str, Any]:
        """Pause a list, let it go on, or end it."""
        return shown(await acts.turn(who, number, wanted.state, wanted.reason))

    return routes


def _line(each: LineView) -> dict[str, Any]:
    called, line = each.called, each.called.line
    return {
        "line": line.line,
        "number": each.number,
        "name": line.name or None,
        "ref": line.ref or None,
        "note": line.note or None,
        "proof": line.proof or None,
        "state": called.state.value,
        "promise": called.promise or None,
        "attempts": called.attempts,
        "outcomes": called.outcomes,
        "why": called.why or None,
        "changed_at": instant(called.at),
    }
