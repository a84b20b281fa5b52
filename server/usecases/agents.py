"""Acts on agents: their names, skills and telephones, and their status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import acd.events as acd
from acd.floor.agents import AgentState
from acd.floor.views import AgentView
from acd.policy.definitions import Skill
from server.hotline.outside_agents import SCHEME, number_in
from server.hotline.parties import may_be_called
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act
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
        known = frozenset(self._server.definitions.policy.skills)
        if unknown := sorted(set(wanted.skills) - known):
            raise Invalid("skill", f"there is no skill {', '.join(unknown)}: there are {', '.join(sorted(known))}")
        self._refuse_misleading(wanted.id)
        for skill, training in sorted(self._view.quality.gated(wanted.id).items()):
            if skill in wanted.skills:
                raise Conflict(f"agent {wanted.id} has no skill {skill} until training {training} is passed")
        contact = self._contact(wanted.contact)
        try:
            await self._server.phones.set(wanted.id, wanted.secret, contact)
        except ValueError as error:
            raise Invalid("phone", str(error)) from None
        skills = tuple(Skill(name, level) for name, level in sorted(wanted.skills.items()))
        defined = acd.AgentDefined(wanted.id, wanted.name, skills, wanted.teams, contact, by=who.name)
        await self._record(who, Act.DEFINE_AGENT, defined, subject=f"agent {wanted.id}")

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
        """Set the status, which takes effect as soon as no call prevents it; returns the agent after it."""
        self.permissions.require(who, Act.SET_STATUS, agent)
        self.now(agent)
        set_to = acd.StatusSet(agent, status, reason, by=who.name)
        await self._record(who, Act.SET_STATUS, set_to, subject=f"agent {agent}", reason=reason)
        return self.now(agent)

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
