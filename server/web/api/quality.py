"""Samples, forms and figures of quality assurance over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from quality.forms.definitions import Form
from server.usecases.quality import QualityActs, plan_row
from server.web.api.shapes import Asked, Body, Number, Page, Paging, Who, Word, cut, router
from server.web.problems import answers

PERIOD = Field(description="A day 2027-01-15, a week 2027-W02 or a month 2027-01.", max_length=10)


class RiskIn(Body):
    """When a call is risky; see docs/quality.md."""

    satisfaction: int = 2
    hold: float = 120.0
    talk_over: float = 15.0
    escalated: bool = True
    repeat: bool = True
    transferred: bool = True
    keywords: list[Word] = Field(default_factory=list, max_length=200)


class PlanIn(Body):
    """A sampling plan. Without a seed it has one made up."""

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^/]+$")]
    per_agent: int = Field(10, ge=1, le=1000)
    period: str = Field("week", pattern="^(day|week|month)$")
    seed: Word | None = None
    businesses: list[Word] = Field(default_factory=list, max_length=100)
    shortest: float = 0.0
    keys: list[str] = Field(default=["category", "length"], max_length=2)
    lengths: list[int] = Field(default=[180, 480], max_length=20)
    risk_least: int = 3
    risk: RiskIn = Field(default_factory=RiskIn)
    reviewers: list[Word] = Field(default_factory=list, max_length=100, description="For whom it draws; none: all.")


class RiskOut(BaseModel):
    """When a call is risky by a plan; see docs/quality.md."""

    satisfaction: int
    hold: float
    talk_over: float
    escalated: bool
    repeat: bool
    transferred: bool
    keywords: list[str]


class PlanOut(BaseModel):
    """A plan that draws. `drawn`: the periods that have a job."""

    name: str
    per_agent: int
    period: str
    seed: str
    businesses: list[str]
    shortest: float
    keys: list[str]
    lengths: list[float]
    risk_least: int
    risk: RiskOut
    reviewers: list[str]
    since: str | None
    drawn: list[str]


class DrawIn(Body):
    """A sample to be drawn."""

    plan: Word
    period: Annotated[str, PERIOD]


class StratumOut(BaseModel):
    """Calls of one agent. Several categories or lengths were merged; none, or `risk` null: not parted by it."""

    agent: str
    category: list[str]
    length: list[str]
    risk: bool | None
    N: int = Field(description="Calls there are.")
    n: int = Field(description="Calls drawn.")


class JobOut(BaseModel):
    """A sample. `frame` is the SHA-256 of the frame, `calls` are in the order of drawing."""

    job: int
    plan: str
    period: str
    seed: str
    frame: str
    frame_calls: int
    earlier: int = Field(description="Calls that the frame leaves out, since other jobs of these days drew them.")
    strata: list[StratumOut]
    calls: list[int]


class DrawnCall(BaseModel):
    """A drawn call, and what became of it: waiting, or the state of its review."""

    call: int
    agent: str
    stratum: int
    review: int | None
    state: str
    reviewer: str | None


class JobDetail(JobOut):
    """A sample with what became of its calls."""

    drawn_at: str | None
    drawn_by: str
    drawn: list[DrawnCall]


class JobRow(BaseModel):
    """A sample in a list."""

    job: int
    plan: str
    period: str
    calls: int
    drawn: int
    drawn_at: str | None
    drawn_by: str


class JobsAsked(Asked):
    """Which jobs."""

    plan: str | None = None
    period: str | None = None


class FrameOut(BaseModel):
    """A stored frame: `lines` has one JSON list a call, `frame` is its SHA-256."""

    job: int
    frame: str
    calls: int
    lines: str


class FormIn(Body):
    """A form's TOML."""

    toml: str = Field(max_length=200_000)


class FormOut(BaseModel):
    """A version of a form."""

    model_config = ConfigDict(extra="allow")

    name: str
    version: int
    digest: str
    zh: str
    en: str
    pass_mark: float
    questions: int


class FormDetail(FormOut):
    """A version of a form, with its sections."""

    sections: list[dict[str, Any]]


class QualityReport(BaseModel):
    """The figures of a period; see docs/quality.md. Each figure has its interval and its n."""

    model_config = ConfigDict(extra="allow")

    period: str
    plan: str | None
    jobs: list[dict[str, Any]]
    scored: int
    picked: int
    mean: dict[str, Any]
    points: dict[str, Any]
    pass_rate: dict[str, Any]
    fatal_rate: dict[str, Any]
    agents: list[dict[str, Any]]
    agreement: list[dict[str, Any]]


def quality_routes(acts: QualityActs) -> APIRouter:
    """The routes of samples, forms and figures."""
    routes = router("quality")
    _samples(routes, acts)
    _forms(routes, acts)

    @routes.get("/qa/report", response_model=QualityReport, responses=answers(422))
    async def quality_report(
        who: Who,
        period: Annotated[str | None, Query(max_length=10)] = None,
        plan: Annotated[str | None, Query(max_length=40)] = None,
        agent: Annotated[str | None, Query(max_length=32)] = None,
    ) -> dict[str, Any]:
        """The figures of one period, of this week unless named; an agent's own for an agent."""
        return await acts.report(who, period or None, plan or None, agent or None)

    return routes


def _samples(routes: APIRouter, acts: QualityActs) -> None:
    @routes.get("/qa/plans", response_model=Page[PlanOut], responses=answers(400, 422))
    async def list_plans(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """The plans that draw."""
        return cut((plan_row(each) for each in acts.plans(who)), asked, "plan", "name", newest_first=False)

    @routes.post("/qa/plans", status_code=201, response_model=PlanOut, responses=answers(409, 422, 503))
    async def set_plan(who: Who, wanted: PlanIn) -> dict[str, Any]:
        """Make a plan, or change the one of this name."""
        values = wanted.model_dump(exclude={"name"}, exclude_none=True)
        return plan_row(await acts.set_plan(who, wanted.name, values))

    @routes.delete("/qa/plans/{name}", responses=answers(404, 422, 503))
    async def end_plan(who: Who, name: Annotated[str, Path(max_length=40)]) -> dict[str, str]:
        """Let a plan draw no more; its jobs stay."""
        await acts.end_plan(who, name)
        return {"name": name}

    @routes.get("/qa/jobs", response_model=Page[JobRow], responses=answers(400, 422))
    async def list_jobs(who: Who, asked: Annotated[JobsAsked, Query()]) -> dict[str, Any]:
        """Samples, newest first."""
        return await acts.jobs(who, asked.plan or None, asked.period or None, asked.limit, asked.cursor or None)

    @routes.post("/qa/jobs", status_code=201, response_model=JobDetail, responses=answers(404, 409, 422, 503))
    async def draw_sample(who: Who, wanted: DrawIn) -> dict[str, Any]:
        """Draw the plan's sample of a period."""
        return await acts.draw(who, wanted.plan, wanted.period)

    @routes.get("/qa/jobs/{number}", response_model=JobDetail, responses=answers(404, 422))
    async def show_job(who: Who, number: Number) -> dict[str, Any]:
        """One sample, with what became of its calls."""
        return await acts.job(who, number)

    @routes.get("/qa/jobs/{number}/frame", response_model=FrameOut, responses=answers(404, 422))
    async def show_frame(who: Who, number: Number) -> dict[str, Any]:
        """The stored frame, of which anybody can draw the sample again."""
        return await acts.frame(who, number)

    @routes.post("/qa/jobs/{number}/redraw", response_model=JobOut, responses=answers(404, 409, 422))
    async def redraw_sample(who: Who, number: Number) -> dict[str, Any]:
        """Draw a sample again of its stored frame: the same calls in the same order, or a refusal."""
        return await acts.redraw(who, number)


def _forms(routes: APIRouter, acts: QualityActs) -> None:
    @routes.get("/qa/forms", response_model=Page[FormOut])
    async def list_forms(who: Who) -> dict[str, Any]:
        """Every version of every form."""
        return {"items": [form_row(each) for each in acts.forms(who)]}

    @routes.post("/qa/forms", status_code=201, response_model=FormDetail, responses=answers(409, 422, 503))
    async def add_form(who: Who, wanted: FormIn) -> dict[str, Any]:
        """Add a form, or a version of one. A version's content never changes."""
        return form_detail(await acts.add_form(who, wanted.toml))

    @routes.get("/qa/forms/{name}", response_model=FormDetail, responses=answers(404, 422))
    async def show_form(
        who: Who,
        name: Annotated[str, Path(max_length=40)],
        version: Annotated[int | None, Query(ge=1, le=10**6)] = None,
    ) -> dict[str, Any]:
        """One version of a form; the latest unless named."""
        return form_detail(acts.form(who, name, version))


def form_row(form: Form) -> dict[str, Any]:
    """A version of a form as lists show it."""
    return {
        "name": form.name,
        "version": form.version,
        "digest": form.digest,
        "zh": form.zh,
        "en": form.en,
        "pass_mark": form.pass_mark,
        "questions": len(form.questions),
    }


def form_detail(form: Form) -> dict[str, Any]:
    """A version of a form, with its sections."""
    return {**form_row(form), "sections": msgspec.to_builtins(form.sections)}
