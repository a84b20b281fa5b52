"""Agents over HTTP: list, show, add or change, remove, status."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from acd.events import Status
from acd.floor.views import AgentView
from server.storage.notation import iso
from server.usecases.agent_tables import read_agents
from server.usecases.agents import AgentActs, AgentWanted
from server.usecases.errors import Invalid
from server.web.api.shapes import AgentId, Body, Day, Line, Name, Page, Paging, Reason, Sentence, Who, Word, cut, router
from server.web.problems import answers


class AgentIn(Body):
    """An agent to add or change. A phone stands at `contact`, or registers with `secret` (made up if empty)."""

    id: str | None = Field(None, description="Must be the number in the path, if it is given.")
    name: Name
    skills: dict[str, Annotated[int, Field(ge=1, le=10)]] = Field(default_factory=dict)
    teams: list[Name] = Field(default_factory=list, max_length=100)
    secret: str = ""
    contact: Annotated[str, Field(max_length=256), Line] = ""


class StatusIn(Body):
    """A status to set."""

    status: Status
    reason: Word = Field("", description="Of a break: a name of `GET /breaks`. If another person sets the status: why.")


class BreakOut(BaseModel):
    """Why an agent may be on a break. `key` follows *46 on a telephone; null: none does. After `limit` seconds it is
    too long; null: never."""

    name: str
    label: Sentence
    key: str | None
    limit: float | None


class Extension(Body):
    """More time for a write-up."""

    seconds: float = Field(60.0, description="1 to 3600; never beyond the queue's `longest` in all.")


class Agent(BaseModel):
    """An agent as the records have it; `skills` are levels from 1 to 10."""

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


class SkillsIn(Body):
    """Skills to change; the others stay. null takes a skill away."""

    skills: dict[Annotated[str, Field(max_length=64)], Annotated[int, Field(ge=1, le=10)] | None] = Field(
        min_length=1, max_length=50
    )
    reason: Reason = ""


class AgentSkills(BaseModel):
    """An agent's skills after a change."""

    id: str
    skills: dict[str, int]


class DaySegment(BaseModel):
    """A time in which the agent was and did one thing. `until` is null while it goes on; `call` is the one on the
    phone, or the one that is written up."""

    status: str
    state: str
    reason: str | None
    call: int | None
    since: str
    until: str | None


class AgentDayOut(BaseModel):
    """An agent's day as a line, from one midnight of the hotline's zone to the next."""

    agent: str
    day: date
    zone: str
    since: str
    until: str
    now: str = Field(description="The day's end, or now while it goes on.")
    segments: list[DaySegment]


class AgentPut(BaseModel):
    """An agent was added or changed."""

    id: str
    message: str


class AgentsPut(BaseModel):
    """The agents of a table were added or changed."""

    agents: list[str]
    added: int
    changed: int


class AgentGone(BaseModel):
    """An agent was removed."""

    id: str


def agent_routes(acts: AgentActs) -> APIRouter:
    """The routes of agents."""
    routes = router("agents")

    @routes.get("/agents", response_model=Page[Agent], responses=answers(400, 404, 422))
    async def list_agents(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """All agents, by number."""
        return cut(await acts.list(who), asked, "agent", newest_first=False)

    @routes.post(
        "/agents/import",
        response_model=AgentsPut,
        responses=answers(422, 503),
        openapi_extra={
            "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
        },
    )
    async def import_agents(
        who: Who,
        request: Request,
        source: Annotated[Word, Query(description="Name of the table, for the audit.")] = "",
    ) -> dict[str, Any]:
        """Add or change the agents of a table (CSV in UTF-8 or gb18030), all or none; Asterisk takes them over once."""
        wanted = read_agents(await request.body())
        new = await acts.define_all(who, wanted, source)
        await acts.shown()
        return {"agents": [each.id for _, each in wanted], "added": new, "changed": len(wanted) - new}

    @routes.get("/breaks", response_model=Page[BreakOut])
    async def list_breaks(who: Who) -> dict[str, Any]:
        """Why an agent may be on a break, in the order in which a page offers it."""
        return {
            "items": [
                BreakOut(
                    name=each.name,
                    label=Sentence(zh=each.zh, en=each.en),
                    key=each.key or None,
                    limit=each.limit or None,
                )
                for each in acts.breaks(who)
            ]
        }

    @routes.get("/agents/{agent}", response_model=Agent, responses=answers(404, 422))
    async def show_agent(who: Who, agent: AgentId) -> dict[str, Any]:
        """One agent."""
        return await acts.show(who, agent)

    @routes.put("/agents/{agent}", response_model=AgentPut, responses=answers(404, 422, 503))
    async def put_agent(who: Who, agent: AgentId, wanted: AgentIn) -> dict[str, Any]:
        """Add an agent, or change one: the given values replace the old ones."""
        if wanted.id not in (None, agent):
            raise Invalid("agent", f"the path names agent {agent} and the body {wanted.id}: name one")
        teams = tuple(wanted.teams)
        await acts.define(who, AgentWanted(agent, wanted.name, wanted.skills, teams, wanted.contact, wanted.secret))
        await acts.shown()
        how = f"reached at {wanted.contact}" if wanted.contact else "one that registers"
        return {"id": agent, "message": f"agent {agent} {wanted.name}: the phone is {how}"}

    @routes.delete("/agents/{agent}", response_model=AgentGone, responses=answers(404, 422, 503))
    async def delete_agent(who: Who, agent: AgentId) -> dict[str, Any]:
        """Remove an agent; the records stay."""
        await acts.remove(who, agent)
        await acts.shown()
        return {"id": agent}

    @routes.post("/agents/{agent}/status", response_model=AgentNow, responses=answers(404, 422, 503))
    async def set_status(who: Who, agent: AgentId, wanted: StatusIn) -> AgentNow:
        """Set the status. It takes effect as soon as no call stands in the way."""
        await acts.set_status(who, agent, wanted.status, wanted.reason)
        await acts.shown()
        return _now(acts.now(agent))

    @routes.patch("/agents/{agent}/skills", response_model=AgentSkills, responses=answers(404, 409, 422, 503))
    async def change_skills(who: Who, agent: AgentId, wanted: SkillsIn) -> AgentSkills:
        """调技能: change some skills of an agent and leave the others. Waiting calls see it at once."""
        after = await acts.change_skills(who, agent, wanted.skills, wanted.reason)
        await acts.shown()
        return AgentSkills(id=agent, skills={skill.name: skill.level for skill in after.skills})

    @routes.get("/agents/{agent}/day", response_model=AgentDayOut, responses=answers(404, 422))
    async def show_day(who: Who, agent: AgentId, day: Day | None = None) -> dict[str, Any]:
        """An agent's day as a line: status and state from one instant to the next; today if no day is given."""
        found = await acts.day(who, agent, day)
        return {
            "agent": found.agent,
            "day": found.day,
            "zone": found.zone,
            "since": iso(found.since),
            "until": iso(found.until),
            "now": iso(found.until_now),
            "segments": found.segments,
        }

    @routes.post("/agents/{agent}/wrap-up/end", response_model=AgentNow, responses=answers(404, 422, 503))
    async def end_wrap_up(who: Who, agent: AgentId) -> AgentNow:
        """End the write-up, as far as the queue's rules let it end early."""
        await acts.end_wrap_up(who, agent)
        await acts.shown()
        return _now(acts.now(agent))

    @routes.post("/agents/{agent}/wrap-up/extend", response_model=AgentNow, responses=answers(404, 409, 422, 503))
    async def extend_wrap_up(who: Who, agent: AgentId, wanted: Extension) -> AgentNow:
        """Give more time for the write-up; during a call it is added afterwards."""
        await acts.extend_wrap_up(who, agent, wanted.seconds)
        await acts.shown()
        return _now(acts.now(agent))

    return routes


def _now(agent: AgentView) -> AgentNow:
    return AgentNow(id=agent.id, status=str(agent.status), state=str(agent.state))
