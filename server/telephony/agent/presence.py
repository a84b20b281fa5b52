"""Which agents' phones can be reached, told as Asterisk's contacts come and go.

An agent is reached while any contact is: the phone's or the browser's. A phone that seems to go is told a moment later,
because a reload takes contacts away and brings them back; one that comes is told at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

import acd.events as acd
from acd.commands import Command
from server.eventlog.log import Entry
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError, AmiEvent, AmiFailed, LinkState
from server.telephony.asterisk.pjsip import contact_address

_log = structlog.get_logger("presence")

_GONE = frozenset({"Removed", "Unreachable", "Unavail", "Unavailable"})
SETTLE = 2.0
"""Seconds after which a phone that has gone is believed to be gone."""


class Presence:
    """Follows the contacts of one Asterisk, from the moment its AMI link is up.

    `contact` wants AMI's ContactStatus, `link` every change of the link, `follow` every entry of the log.
    """

    def __init__(self, dispatcher: Dispatcher, view: View, ami: Ami, *, settle: float = SETTLE) -> None:
        self._dispatcher, self._view, self._ami, self._settle = dispatcher, view, ami, settle
        self._contacts: dict[str, dict[str, bool]] = {}
        """Whether each contact answers, by device and URI."""
        self._told: dict[str, bool] = {}
        self._doubts: dict[str, asyncio.TimerHandle] = {}
        self._tasks = BackgroundTasks(_log, "the contacts could not be compared", AmiError)

    def reachable(self, agent: str) -> bool:
        """Whether a contact of this agent answers. A fixed one of which nothing is known yet is taken to answer."""
        if contacts := {**self._contacts.get(agent, {}), **self._contacts.get(f"{agent}-web", {})}:
            return any(contacts.values())
        view = self._view.floor.agent(agent)
        return view is not None and bool(view.contact)

    def is_there(self, device: str) -> bool:
        """Whether a contact of this device is known to answer."""
        return any(self._contacts.get(device, {}).values())

    def addresses(self) -> frozenset[str]:
        """The IP addresses at which agents' phones are."""
        uris = (uri for contacts in self._contacts.values() for uri, there in contacts.items() if there)
        return frozenset(contact_address(uri).rpartition(":")[0].strip("[]") for uri in uris)

    async def reconcile(self) -> None:
        """Take the contacts that there are now for all there are. Raises the link's errors."""
        for agent in [view.id for view in self._view.floor.agents()]:
            # Variables rather than a list: the list wants a right that also loads modules.
            for aor in (agent, f"{agent}-web"):
                contacts = {}
                for name in filter(None, (await self._value(f"PJSIP_AOR({aor},contact)")).split(",")):
                    uri = await self._value(f"PJSIP_CONTACT({name},uri)")
                    contacts[uri] = await self._value(f"PJSIP_CONTACT({name},status)") not in _GONE
                self._contacts[aor] = contacts
            self._look(agent)

    async def _value(self, variable: str) -> str:
        """What Asterisk says of a phone; "" when there is no such thing, or no more."""
        try:
            return (await self._ami.action("Getvar", Variable=variable)).get("Value", "")
        except AmiFailed:
            return ""

    def link(self, *_: object) -> None:
        """The link to Asterisk came or went: contacts are compared when it is up."""
        if self._ami.state is LinkState.UP:
            self._tasks.start(self.reconcile())

    def contact(self, event: AmiEvent) -> None:
        """A contact came, went, or answers again."""
        aor = event.get("AOR", "")
        contacts = self._contacts.setdefault(aor, {})
        status, uri = event.get("ContactStatus", ""), event.get("URI", "")
        if status == "Removed":
            contacts.pop(uri, None)
        else:
            contacts[uri] = status not in _GONE
        self._look(_agent(aor))

    def answers(self, device: str) -> bool:
        """Whether a contact of this device (`1001`, `1001-web`) answers; one of which nothing is known yet does."""
        return device not in self._contacts or any(self._contacts[device].values())

    def lost(self, agent: str) -> None:
        """The agent's phone died in a conversation: told at once, unless another device of the agent answers."""
        if not self.reachable(agent):
            self._tell(agent)

    def follow(self, entry: Entry, _: Sequence[Command]) -> None:
        """An agent was added, changed or removed."""
        match entry.event:
            case acd.AgentDefined():
                self._told.pop(entry.event.agent, None)
                self._look(entry.event.agent)
            case acd.AgentRemoved():
                self._told.pop(entry.event.agent, None)

    def _look(self, agent: str) -> None:
        if doubt := self._doubts.pop(agent, None):
            doubt.cancel()
        if self.reachable(agent):
            self._tell(agent)
        else:
            self._doubts[agent] = asyncio.get_running_loop().call_later(self._settle, self._tell, agent)

    def _tell(self, agent: str) -> None:
        self._doubts.pop(agent, None)
        now = self.reachable(agent)
        if self._view.floor.agent(agent) is None or self._told.get(agent) is now:
            return
        self._told[agent] = now
        _log.info("an agent's phone is there" if now else "an agent's phone is not there", agent=agent)
        self._dispatcher.submit(acd.PhoneSeen(agent, now))


def _agent(aor: str) -> str:
    return aor.removesuffix("-web")
