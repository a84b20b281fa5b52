"""Agents' telephones as Asterisk knows them: written from the agents there are, taken over without a restart.

An agent's fixed contact is in the log; the secret of one who registers is in a file that only this user may read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import structlog

from server.hotline.outside_agents import SCHEME
from server.telephony.ami.link import Ami, AmiFailed
from server.telephony.asterisk import pjsip
from server.telephony.asterisk.configure import check_agents, configure_agents, secret
from server.telephony.asterisk.reloading import Reloading
from server.telephony.asterisk.site import AgentPhone, Site, SiteError
from server.telephony.asterisk.values import check

_log = structlog.get_logger("phones")


class PhoneBook:
    """`site` gives that of now, `agents` (agent, contact) of all agents; `reloading` lets Asterisk take them over."""

    def __init__(
        self,
        site: Callable[[], Site],
        ami: Ami,
        agents: Callable[[], Iterable[tuple[str, str]]],
        reloading: Reloading | None = None,
        region: Callable[[], str] = lambda: "CN",
    ) -> None:
        self._site_of_now, self._ami, self._agents, self._region = site, ami, agents, region
        self._reloading = reloading or Reloading(site().layout, ami)
        self._secrets = site().layout.secrets / "agents"
        self._lock = asyncio.Lock()
        self._given: dict[str, AgentPhone] = {}
        """What agents were given here, of which the log tells only afterwards, and what was asked for here."""
        self.there: Callable[[str], bool] = lambda device: True
        """Whether a contact of this device answers: no other device is dialled."""

    @property
    def _site(self) -> Site:
        return self._site_of_now()

    def phones(self) -> list[AgentPhone]:
        """Every agent's telephone. One without a contact registers with a secret, made now if there is none.

        What the log or a file of a secret says may be older than today's rules: one that they refuse has no telephone.
        """
        found = []
        for agent, contact in self._agents():
            try:
                found.append(self._phone(agent, contact))
            except SiteError as error:
                _log.error("an agent has no telephone until it is set anew", agent=agent, why=str(error))
        return found

    def device(self, agent: str) -> str:
        """What to dial for this agent: the devices that are there."""
        phone = self._given.get(agent) or next((each for each in self.phones() if each.agent == agent), None)
        if phone is None:
            return f"PJSIP/{check('agent', agent)}"
        self._given[agent] = phone
        return phone.dial(self.there)

    async def follow(self) -> None:
        """Write the telephones as the trunks of now have them: which of them lead to an outside number, and whose
        addresses are no agent's. Raises SiteError and OSError."""
        async with self._lock:
            for agent, phone in list(self._given.items()):
                if phone.number:
                    del self._given[agent]
                    with suppress(SiteError):  # `phones` tells which have no telephone
                        self._given[agent] = self._site.at_outside(agent, phone.number, self._region())
            await asyncio.to_thread(configure_agents, self._site, self._all())

    async def set(self, agent: str, secret_given: str, contact: str) -> None:
        """Give an agent a telephone. Raises SiteError (a ValueError) when Asterisk could not use it."""
        await self.set_all([(agent, secret_given, contact)])

    async def set_all(self, wanted: Sequence[tuple[str, str, str]]) -> None:
        """Give agents their telephones, all or none: (agent, secret, contact). They are written once, however many.

        Raises SiteError (a ValueError) when Asterisk could not use one.
        """
        phones = {agent: self._phone(agent, contact, given) for agent, given, contact in wanted}
        check_agents(self._site, self._all(*phones.values()))
        for agent, given, contact in wanted:
            if given and not contact:
                self._store(agent, given)
        self._given |= phones
        try:
            await self._write(next(iter(phones)) if len(phones) == 1 else "")
        except OSError:
            for agent in phones:
                self._given.pop(agent, None)
            raise

    async def remove(self, agent: str) -> None:
        """Take the telephone away."""
        (self._secrets / agent).unlink(missing_ok=True)
        self._given.pop(agent, None)
        await self._write(agent, without=agent)

    async def differing(self, agent: str = "") -> list[str]:
        """The agents (of all, or of this one) whose telephones Asterisk has not as they are set. Raises AmiError."""
        found = []
        for phone in self._all():
            if agent in ("", phone.agent):
                wanted = pjsip.mark(self._site, phone)
                there = {await self._value(f"PJSIP_ENDPOINT({device},{pjsip.MARK})") for device in phone.devices}
                if there != {wanted}:
                    found.append(phone.agent)
        return found

    async def _value(self, variable: str) -> str:
        try:
            return (await self._ami.action("Getvar", Variable=variable)).get("Value", "")
        except AmiFailed:
            return ""  # there is no such endpoint

    def _all(self, *more: AgentPhone, without: str = "") -> list[AgentPhone]:
        """What the log tells, what is on its way there, and `more`; in order of agent."""
        known = {phone.agent: phone for phone in self.phones()}
        known |= self._given | {phone.agent: phone for phone in more}
        known.pop(without, None)
        return [known[agent] for agent in sorted(known)]

    async def _write(self, agent: str, without: str = "") -> None:
        """Agents that are added at the same time are written together: the second to come finds nothing to change."""
        async with self._lock:
            await asyncio.to_thread(configure_agents, self._site, self._all(without=without))
        await self._reloading.settle(agent)

    def _phone(self, agent: str, contact: str, secret_given: str = "") -> AgentPhone:
        if contact.startswith(SCHEME):
            return self._site.at_outside(agent, contact.removeprefix(SCHEME), self._region())
        return AgentPhone(agent, "" if contact else secret_given or self._secret(agent), contact)

    def _secret(self, agent: str) -> str:
        return secret(self._site.layout, f"agents/{agent}")

    def _store(self, agent: str, value: str) -> None:
        self._secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._secrets / agent
        path.touch(mode=0o600)
        path.write_text(value + "\n", encoding="ascii")
