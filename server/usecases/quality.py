"""Acts on samples and forms: plans, draws by hand and by the clock, redraws, versions of forms, figures."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import structlog

from quality.draw import Job, draw, redraw
from quality.errors import QualityError
from quality.events import FormAdded, FrameKept, SampleDrawn, SamplingPlanEnded, SamplingPlanSet
from quality.forms.definitions import Form
from quality.forms.library import Library
from quality.forms.reading import read_form
from quality.periods import Period, before, period, period_of
from quality.plans import frame, read_plan
from quality.register import Register, Standing
from server.bounds import is_line
from server.storage.frames import pack
from server.storage.projections.rows import utc
from server.storage.queries.paging import iso
from server.storage.queries.quality import QualityQueries
from server.storage.queries.quality_frame import People
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal, Role
from server.usecases.server import Acts, Server
from tables.errors import TableError
from tables.toml import DefinitionFault, located, parse
from tables.values import Table

T = TypeVar("T")
_log = structlog.get_logger("quality")
CLOCK = Principal("the plan", Role.SERVICE, "clock", scopes=frozenset({"qa.draw"}))
"""Asks for the samples of periods that are over."""
_BEHIND = 4
"""Periods that are drawn after a time without a server, at most."""
_LONGEST_NAME = 40


def person(who: Principal) -> str:
    """The name under which quality assurance knows a principal: the work number, else the principal's name."""
    return who.agent or who.name


@contextmanager
def refusals() -> Iterator[None]:
    """What the core or a table refuses becomes a refused act."""
    try:
        yield
    except (TableError, DefinitionFault) as error:
        raise Invalid("value", str(error)) from None
    except QualityError as error:
        raise Conflict(str(error)) from None


class QualityBase(Acts):
    """What the acts of quality assurance share. `numbering` lets one act at a time give a number."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._numbering = asyncio.Lock()

    @property
    def _register(self) -> Register:
        return self._view.quality

    async def _ask(self, question: Callable[[QualityQueries], T]) -> T:
        return await self._server.records.quality(question)

    async def _caught_up(self) -> None:
        await self._server.records.caught_up()

    def _require_scoring(self, who: Principal) -> None:
        """Raises Forbidden for a principal who may not score, and for a service: a reviewer is a person."""
        self.permissions.require(who, Act.SCORE_QA)
        if who.role is Role.SERVICE:
            raise Forbidden(f"{who.name} is a service: a reviewer is a person, with a sign-in or a token")

    async def _people(self, call: int) -> People:
        await self._caught_up()
        people = await self._ask(lambda records: records.people(call))
        if people is None:
            raise NotFound(f"there is no call {call} that an agent answered: see `sansheng call list`")
        return people

    def _form(self, name: str, version: int | None = None) -> Form:
        forms = self._register.forms
        try:
            return forms.latest(name) if version is None else forms.get(name, version)
        except QualityError as error:
            raise NotFound(str(error)) from None


class QualityActs(QualityBase):
    """Acts raise Forbidden, Invalid, NotFound and Conflict, and NotLeading where they change something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self.on_drawn: Callable[[Sequence[int]], Coroutine[Any, Any, None]] | None = None
        """What is to be done about the recordings of calls that were drawn."""

    # Plans

    def plans(self, who: Principal) -> list[Standing]:
        """The plans that draw, by name, with their seeds."""
        self.permissions.require(who, Act.PLAN_QA)
        return self._register.plans()

    async def set_plan(self, who: Principal, name: str, values: Mapping[str, Any]) -> Standing:
        """Make a plan, or change one, from the values of its table. Without a seed it has the one that it had, or one
        that is made up. Jobs that were drawn keep theirs."""
        self.permissions.require(who, Act.PLAN_QA)
        if not name or len(name) > _LONGEST_NAME or not is_line(name) or "/" in name:
            raise Invalid("name", f"a plan's name is one line of 1 to {_LONGEST_NAME} characters without /")
        wanted = dict(values)
        known = {each.plan.name: each.plan.seed for each in self._register.plans()}
        wanted["seed"] = wanted.get("seed") or known.get(name) or secrets.token_hex(8)
        with refusals():
            plan = read_plan(name, Table(wanted))
        for text in (plan.seed, *plan.businesses, *plan.risk.keywords, *plan.reviewers):
            if not is_line(text) or len(text) > 200:
                raise Invalid("value", f"{text[:40]!r} is not one line of at most 200 characters")
        await self._record(who, Act.PLAN_QA, SamplingPlanSet(plan, person(who)), subject=f"plan {name}")
        return self._register.plan(name)

    async def end_plan(self, who: Principal, name: str) -> None:
        """Let a plan draw no more."""
        self.permissions.require(who, Act.PLAN_QA)
        self._plan(name)
        await self._record(who, Act.PLAN_QA, SamplingPlanEnded(name, person(who)), subject=f"plan {name} ended")

    def _plan(self, name: str) -> Standing:
        try:
            return self._register.plan(name)
        except QualityError as error:
            raise NotFound(str(error)) from None

    # Samples

    async def draw(self, who: Principal, plan: str, of: str) -> dict[str, Any]:
        """Draw the plan's sample of the period `of`, of the calls that are over; returns the job.

        Calls that other jobs of these days drew are left out.
        """
        self.permissions.require(who, Act.DRAW_QA)
        standing = self._plan(plan)
        try:
            wanted = period(of)
        except QualityError as error:
            raise Invalid("period", str(error)) from None
        today = self._today()
        if wanted.first > today:
            raise Conflict(f"{wanted.name} has not begun: today is {today}")
        async with self._numbering:
            job = await self._draw(who, standing, wanted)
        await self.shown()
        return await self.job(who, job.job)

    async def draw_due(self) -> list[Job]:
        """Draw the samples of the periods that ended since each plan was set, if nobody has drawn them yet."""
        drawn = []
        async with self._numbering:
            for standing, wanted in self.due():
                drawn.append(await self._draw(CLOCK, standing, wanted))
        return drawn

    def due(self) -> list[tuple[Standing, Period]]:
        """Plans with periods that are over and have no job, the oldest first."""
        zone = self._server.definitions.calendar.zone
        late = datetime.fromtimestamp(self._clock() - self._server.definitions.quality.draw_after, zone).date()
        found: list[tuple[Standing, Period]] = []
        for standing in self._register.plans():
            since = datetime.fromtimestamp(standing.since, zone).date()
            ended: list[tuple[Standing, Period]] = []
            over = before(period_of(late, standing.plan.period))
            while over.last >= since and over.name not in standing.drawn and len(ended) < _BEHIND:
                ended.append((standing, over))
                over = before(over)
            found += reversed(ended)
        return found

    async def _draw(self, who: Principal, standing: Standing, wanted: Period) -> Job:
        await self._caught_up()
        zone, plan = self._server.definitions.calendar.zone, standing.plan
        facts = await self._ask(lambda records: records.facts(plan, wanted, zone))
        earlier = await self._ask(lambda records: records.drawn_before(wanted))
        number = self._register.last_job + 1
        with refusals():
            job, kept = await asyncio.to_thread(lambda: draw(number, plan, wanted, frame(plan, wanted, facts), earlier))
        packed = await asyncio.to_thread(lambda: pack(kept.lines()))
        parts = [FrameKept(job.frame, part, len(packed), each) for part, each in enumerate(packed, 1)]
        subject = f"job {number}: plan {plan.name}, {wanted.name}"
        await self._record(who, Act.DRAW_QA, *parts, SampleDrawn(job, person(who)), subject=subject)
        if self.on_drawn is not None:
            try:
                await self.on_drawn([each.call for each in job.calls])
            except Exception:
                _log.exception(
                    "the recordings of a sample could not be prepared: copies are made when they are asked for"
                )
        return job

    async def redraw(self, who: Principal, number: int) -> dict[str, Any]:
        """Draw a stored job again of its stored frame; the job, whose calls are the same in the same order.

        Raises Conflict when the stored frame or calls are not those that were drawn.
        """
        job = await self._job(who, number)
        try:
            stored = await self._ask(lambda records: records.frame(job.frame))
        except ValueError as error:
            raise Conflict(f"job {number}: {error}") from None
        if stored is None:
            raise Conflict(f"job {number}: its frame {job.frame[:12]}… is not in the records")
        with refusals():
            again = await asyncio.to_thread(redraw, job, stored)
        return _described(again, self.permissions.agents(who, Act.READ_SAMPLES))

    async def frame(self, who: Principal, number: int) -> dict[str, Any]:
        """The stored frame of a job: one JSON list a line, and its SHA-256."""
        job = await self._job(who, number)
        if self.permissions.agents(who, Act.READ_SAMPLES) is not None:
            raise Forbidden("a frame has the calls of all agents: ask a supervisor or QA for it")
        stored = await self._ask(lambda records: records.frame(job.frame))
        if stored is None:
            raise NotFound(f"job {number}: its frame is not in the records")
        return {"job": number, "frame": stored.digest, "calls": len(stored), "lines": stored.lines()}

    async def job(self, who: Principal, number: int) -> dict[str, Any]:
        """One job, with what became of each call that it drew; of a leader's teams alone for a leader."""
        agents = self.permissions.agents(who, Act.READ_SAMPLES)
        await self._caught_up()
        found = await self._ask(lambda records: records.job(number))
        if found is None:
            raise self._no_job(number)
        calls = [each.call for each in found.job.calls]
        reviews = {each.call: each for each in await self._ask(lambda records: records.reviews_of(calls))}
        drawn = [
            {
                "call": each.call,
                "agent": found.job.strata[each.stratum].agent,
                "stratum": each.stratum,
                "review": reviews[each.call].review if each.call in reviews else None,
                "state": str(reviews[each.call].state) if each.call in reviews else "waiting",
                "reviewer": reviews[each.call].reviewer if each.call in reviews else None,
            }
            for each in found.job.calls
            if agents is None or found.job.strata[each.stratum].agent in agents
        ]
        return {**_described(found.job, agents), "drawn_at": found.at, "drawn_by": found.by, "drawn": drawn}

    async def jobs(
        self, who: Principal, plan: str | None, of: str | None, limit: int, cursor: str | None
    ) -> dict[str, Any]:
        """One page of jobs, newest first."""
        self.permissions.require(who, Act.READ_SAMPLES)
        found, following = await self._ask(lambda records: records.jobs(plan, of, limit, cursor))
        rows = [
            {
                "job": each.job.job,
                "plan": each.job.plan.name,
                "period": each.job.period,
                "calls": sum(stratum.size for stratum in each.job.strata),
                "drawn": len(each.job.calls),
                "drawn_at": each.at,
                "drawn_by": each.by,
            }
            for each in found
        ]
        return {"items": rows, "next": following}

    async def _job(self, who: Principal, number: int) -> Job:
        self.permissions.require(who, Act.READ_SAMPLES)
        await self._caught_up()
        found = await self._ask(lambda records: records.job(number))
        if found is None:
            raise self._no_job(number)
        return found.job

    @staticmethod
    def _no_job(number: int) -> NotFound:
        return NotFound(f"there is no job {number}: see `sansheng qa job list`")

    # Forms

    def forms(self, who: Principal) -> list[Form]:
        """Every version of every form, by name and number."""
        self.permissions.require(who, Act.READ_QA)
        return self._register.forms.all()

    def form(self, who: Principal, name: str, version: int | None = None) -> Form:
        """One version of a form; the latest unless it is named."""
        self.permissions.require(who, Act.READ_QA)
        return self._form(name, version)

    async def add_form(self, who: Principal, text: str) -> Form:
        """Add a form, or a version of one, from its TOML. The same version again changes nothing."""
        self.permissions.require(who, Act.ADD_FORM)
        with refusals():
            form = form_of(text)
        async with self._numbering:
            with refusals():
                is_new = Library(self._register.forms.all()).add(form)
            if is_new:
                await self._record(who, Act.ADD_FORM, FormAdded(form, person(who)), subject=f"form {form}")
        return form

    # Figures

    async def report(self, who: Principal, of: str | None, plan: str | None, agent: str | None) -> dict[str, Any]:
        """The figures of one period, as far as the principal reaches; of this week unless named."""
        agents = self.permissions.agents(who, Act.READ_QA)
        if agent is not None:
            self.permissions.require(who, Act.READ_QA, agent)
            agents = frozenset({agent})
        wanted = self._period(of)
        await self._caught_up()
        zone = self._server.definitions.calendar.zone
        found = await self._ask(lambda records: records.report(wanted, zone, plan=plan, agents=agents))
        if who.role is Role.AGENT:
            found["agreement"] = []
        return found

    def _period(self, of: str | None) -> Period:
        try:
            return period(of) if of else period(f"{self._today():%G-W%V}")
        except QualityError as error:
            raise Invalid("period", str(error)) from None

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), self._server.definitions.calendar.zone).date()


def form_of(text: str, file: Path = Path("form.toml")) -> Form:
    """A form's TOML as a form. Raises DefinitionFault with line and key."""
    values = parse(text, file)
    with located(file, text):
        return read_form(Table(values))


def plan_row(standing: Standing) -> dict[str, Any]:
    """A plan as lists show it."""
    plan = standing.plan
    return {
        "name": plan.name,
        "per_agent": plan.per_agent,
        "period": plan.period.value,
        "seed": plan.seed,
        "businesses": list(plan.businesses),
        "shortest": plan.shortest,
        "keys": [each.value for each in plan.keys],
        "lengths": list(plan.lengths),
        "risk_least": plan.risk_least,
        "risk": asdict(plan.risk) | {"keywords": list(plan.risk.keywords)},
        "reviewers": list(plan.reviewers),
        "since": iso(utc(standing.since)),
        "drawn": list(standing.drawn),
    }


def _described(job: Job, agents: frozenset[str] | None) -> dict[str, Any]:
    """A job as JSON has it; only the strata and calls of `agents` where given."""
    within = [agents is None or each.agent in agents for each in job.strata]
    return {
        "job": job.job,
        "plan": job.plan.name,
        "period": job.period,
        "seed": job.plan.seed,
        "frame": job.frame,
        "frame_calls": sum(each.size for each in job.strata),
        "earlier": job.earlier,
        "strata": [
            {
                "agent": each.agent,
                "category": list(each.categories),
                "length": list(each.lengths),
                "risk": each.risk,
                "N": each.size,
                "n": each.drawn,
            }
            for each, shown in zip(job.strata, within, strict=True)
            if shown
        ],
        "calls": [each.call for each in job.calls if within[each.stratum]],
    }
