"""Acts on agents: their names, skills and telephones, and their status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

import acd.events as acd
from acd.floor.agents import AgentState
from acd.floor.views import AgentView
from acd.policy.definitions import Skill
from server.hotline.breaks import BreakReason
from server.hotline.outside_agents import SCHEME, number_in
from server.hotline.parties import may_be_called
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act, Reach, reach_of
from server.usecases.principal import Principal
from server.usecases.server import Acts

_SIP_NAMES = frozenset(
    {"acl", "admin", "aor", "asterisk", "auth", "contact", "default", "endpoint", "general", "global", "guest"}
    | {"identify", "registration", "root", "sansheng", "system", "transport", "trunk"}
)
"""Names that a configuration of SIP may give to something else, and those that password guessers try first."""
LONGEST_EXTENSION = 3600
"""Seconds by which a wrap-up can be extended at a time."""
_EXTENDS = frozenset({AgentState.IDLE, AgentState.ON_CALL, AgentState.WRAP_UP})


@dataclass(frozen=True, slots=True)
class AgentWanted:
    """The wanted definition of an agent.

    `skills` are levels from 1 to 10 by skill; a phone without a `contact` registers with `secret`, made up if empty.
    """

    id: str
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    teams: tuple[str, ...] = ()
    contact: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True)
class AgentDay:
    """One agent's day, from midnight to midnight of the zone. `until_now` is its end, or now while it goes on.

    `segments` are rows of {status, state, reason, call, since, until}, without gaps while the agent was known; the one
    that goes on has no `until`.
    """

    agent: str
    day: date
    since: datetime
    until: datetime
    until_now: datetime
    zone: str
    segments: list[dict[str, Any]]


def midnights(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The day's begin and end, in UTC."""
    both = (datetime.combine(each, time_of_day.min, zone) for each in (day, day + timedelta(days=1)))
    since, until = (each.astimezone(UTC) for each in both)
    return since, until


class AgentActs(Acts):
    """Every act raises Forbidden, and NotFound for an agent who does not exist; changes raise NotLeading too."""

    async def list(self, who: Principal) -> list[dict[str, Any]]:
        """All agents as the records have them, by work number."""
        self.permissions.require(who, Act.READ_AGENTS)
        rows: list[dict[str, Any]] = (await self._server.records.page("agents", {}, 1000, None))["items"]
        return rows

    async def show(self, who: Principal, agent: str) -> dict[str, Any]:
        """One agent as the records have it."""
        found = next((row for row in await self.list(who) if row["id"] == agent), None)
        if found is None:
            raise self._unknown(agent)
        return found

    async def define(self, who: Principal, wanted: AgentWanted) -> None:
        """Add an agent, or change one: the given values replace the old ones. Raises Invalid, and Conflict
        for a skill that waits for a training."""
        self.permissions.require(who, Act.DEFINE_AGENT)
        self._check_skills(wanted.id, wanted.skills)
        self._refuse_misleading(wanted.id)
        contact = self._contact(wanted.contact)
        try:
            await self._server.phones.set(wanted.id, wanted.secret, contact)
        except ValueError as error:
            raise Invalid("phone", str(error)) from None
        skills = tuple(Skill(name, level) for name, level in sorted(wanted.skills.items()))
        defined = acd.AgentDefined(wanted.id, wanted.name, skills, wanted.teams, contact, by=who.name)
        await self._record(who, Act.DEFINE_AGENT, defined, subject=f"agent {wanted.id}")

    async def define_all(self, who: Principal, wanted: Sequence[tuple[int, AgentWanted]], source: str) -> int:
        """Add or change many agents, all or none, each with the line of the table `source` that it stands in; how many
        are new. Raises as `define`, with the line."""
        self.permissions.require(who, Act.DEFINE_AGENT)
        phones: list[tuple[str, str, str]] = []
        defined: list[acd.AgentDefined] = []
        for line, each in wanted:
            try:
                self._check_skills(each.id, each.skills)
                self._refuse_misleading(each.id)
                contact = self._contact(each.contact)
            except (Invalid, Conflict) as error:
                raise Invalid("agents", f"line {line}: {error}: nobody was added") from None
            phones.append((each.id, each.secret, contact))
            skills = tuple(Skill(name, level) for name, level in sorted(each.skills.items()))
            defined.append(acd.AgentDefined(each.id, each.name, skills, each.teams, contact, by=who.name))
        new = sum(self._view.floor.agent(each.id) is None for _, each in wanted)
        try:
            await self._server.phones.set_all(phones)
        except ValueError as error:
            raise Invalid("phone", f"{error}: nobody was added") from None
        ids = sorted(each.agent for each in defined)
        subject = f"{len(ids)} agents from {ids[0]} to {ids[-1]}{f', table {source}' if source else ''}"
        await self._record(who, Act.DEFINE_AGENT, *defined, subject=subject)
        return new

    def _contact(self, contact: str) -> str:
        """The contact as it is kept. An outside number must be one that the hotline may call. Raises Invalid."""
        number = number_in(contact)
        if not number:
            return contact
        if not self._server.outside_calls:
            raise Invalid("phone", f"no outside number such as {number} can be called: there is no trunk")
        dialled, why = self._server.definitions.callback_number(number)
        if why:
            raise Invalid("phone", f"no agent can be at {number}: {why}")
        return f"{SCHEME}{dialled}"

    async def remove(self, who: Principal, agent: str) -> None:
        """Remove an agent; the records stay."""
        self.permissions.require(who, Act.REMOVE_AGENT)
        self.now(agent)
        removed = acd.AgentRemoved(agent, by=who.name)
        await self._record(who, Act.REMOVE_AGENT, removed, subject=f"agent {agent}")
        await self._server.phones.remove(agent)

    async def set_status(self, who: Principal, agent: str, status: acd.Status, reason: str = "") -> AgentView:
        """Set the status, which takes effect as soon as no call prevents it; returns the agent after it.

        The status of another agent is forced (强制示忙、示闲、签出): the audit has it; `reason` is free words.
        An agent's own break has a reason of `[breaks]`, or none. Raises Invalid.
        """
        self.permissions.require(who, Act.SET_STATUS, agent)
        act = Act.SET_STATUS
        if who.agent != agent and reach_of(who, Act.FORCE_STATUS) is not Reach.NONE:
            act = Act.FORCE_STATUS
            self.permissions.require(who, act, agent)
        self.now(agent)
        if act is Act.SET_STATUS and status is acd.Status.BREAK and not self._server.definitions.breaks.knows(reason):
            known = ", ".join(each.name for each in self._server.definitions.breaks.reasons)
            raise Invalid("break", f"there is no break {reason}: there are {known}")
        set_to = acd.StatusSet(agent, status, reason, by=who.name)
        await self._record(who, act, set_to, subject=f"agent {agent}: {status.value}", reason=reason)
        return self.now(agent)

    def breaks(self, who: Principal) -> Sequence[BreakReason]:
        """Why an agent may be on a break, in the order in which it is offered."""
        self.permissions.require(who, Act.READ_AGENTS)
        return self._server.definitions.breaks.reasons

    async def change_skills(
        self, who: Principal, agent: str, changes: Mapping[str, int | None], reason: str = ""
    ) -> AgentView:
        """Change some skills of an agent and leave the others: a level from 1 to 10, or None for a skill that the agent
        is to lack; returns the agent after it. A call that waits is offered anew at once.

        Raises Invalid, and Conflict for a skill that waits for a training.
        """
        self.permissions.require(who, Act.CHANGE_SKILLS, agent)
        known = self.now(agent)
        self._check_skills(agent, [name for name, level in changes.items() if level is not None])
        skills = {skill.name: skill.level for skill in known.skills}
        for name, level in changes.items():
            if level is None:
                skills.pop(name, None)
            else:
                skills[name] = level
        after = tuple(Skill(name, level) for name, level in sorted(skills.items()))
        defined = acd.AgentDefined(agent, known.name, after, known.teams, known.contact, by=who.name)
        told = ", ".join(f"{name} {level or 'taken away'}" for name, level in sorted(changes.items()))
        await self._record(who, Act.CHANGE_SKILLS, defined, subject=f"agent {agent}: {told}", reason=reason)
        return self.now(agent)

    async def day(self, who: Principal, agent: str, day: date | None = None) -> AgentDay:
        """What the agent did on a day of the hotline's zone, today if None. Raises QueryError for no such day."""
        self.permissions.require(who, Act.READ_DAY, agent)
        if self._view.floor.agent(agent) is None:
            await self.show_any(agent)
        zone, now = self._server.definitions.calendar.zone, self._clock()
        day = day or datetime.fromtimestamp(now, zone).date()
        await self._server.records.caught_up()
        since, until = midnights(day, zone)
        segments = await self._server.records.agent_day(agent, since, until)
        return AgentDay(agent, day, since, until, min(until, datetime.fromtimestamp(now, UTC)), zone.key, segments)

    async def show_any(self, agent: str) -> None:
        """Raises NotFound for an agent whom the records do not know either."""
        rows = (await self._server.records.page("agents", {}, 1000, None))["items"]
        if all(row["id"] != agent for row in rows):
            raise self._unknown(agent)

    def _check_skills(self, agent: str, skills: Iterable[str]) -> None:
        wanted = frozenset(skills)
        known = frozenset(self._server.definitions.policy.skills)
        if unknown := sorted(wanted - known):
            raise Invalid("skill", f"there is no skill {', '.join(unknown)}: there are {', '.join(sorted(known))}")
        for skill, training in sorted(self._view.quality.gated(agent).items()):
            if skill in wanted:
                raise Conflict(f"agent {agent} has no skill {skill} until training {training} is passed")

    async def end_wrap_up(self, who: Principal, agent: str) -> AgentView:
        """End the write-up, as far as the queue's rules let it end early; returns the agent after it."""
        self.permissions.require(who, Act.END_WRAP_UP, agent)
        self.now(agent)
        await self._record(who, Act.END_WRAP_UP, acd.WrapUpEnded(agent), subject=f"agent {agent}")
        return self.now(agent)

    async def extend_wrap_up(self, who: Principal, agent: str, seconds: float) -> AgentView:
        """Give the agent more time for the write-up, up to the queue's `longest`; returns the agent after it.

        During a call it is added afterwards; for an idle agent a wrap-up begins. Raises Invalid for seconds that are
        not from 1 to 3600, and Conflict for an agent who is signed out or on a call of the agent's own.
        """
        self.permissions.require(who, Act.END_WRAP_UP, agent)
        found = self.now(agent)
        if not 1 <= seconds <= LONGEST_EXTENSION:
            raise Invalid("seconds", f"a wrap-up can be extended by 1 to {LONGEST_EXTENSION} seconds, not {seconds:g}")
        if found.status is acd.Status.SIGNED_OUT or found.state not in _EXTENDS:
            what = found.status.value if found.status is acd.Status.SIGNED_OUT else found.state.value
            raise Conflict(f"agent {agent} is {what.replace('_', ' ')}: there is no wrap-up to extend")
        await self._record(who, Act.END_WRAP_UP, acd.WrapUpExtended(agent, seconds), subject=f"agent {agent}")
        return self.now(agent)

    def _refuse_misleading(self, agent: str) -> None:
        """A work number is also a name on SIP. An agent who has one of these already can still be changed."""
        if self._view.floor.agent(agent) is not None:
            return
        if agent.lower() in _SIP_NAMES or may_be_called(agent, self._server.definitions.callback.region):
            raise Invalid(
                "agent",
                f"{agent} is no work number: callers, numbers of the public and parts of SIP have such names; "
                "choose another, such as 1001",
            )

    def now(self, agent: str) -> AgentView:
        """The agent on the floor. Raises NotFound."""
        found = self._view.floor.agent(agent)
        if found is None:
            raise self._unknown(agent)
        return found

    @staticmethod
    def _unknown(agent: str) -> NotFound:
        return NotFound(f"there is no agent {agent}: add one with `sansheng agent add {agent} …`")
