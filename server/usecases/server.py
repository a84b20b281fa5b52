"""What the acts need: the state to read, the records, and what only the leading server has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from acd.events import Monitor, MonitorStarted
from server.eventlog.log import id_order
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.examination import Found
from server.hotline.live_call import Leg, LiveCall
from server.hotline.state import HotlineState
from server.hotline.view import View
from server.storage.attempts import Attempts
from server.storage.database import Database
from server.storage.drafts import Drafts
from server.storage.queries.paging import QueryError
from server.storage.reader import Records
from server.storage.sessions import Sessions
from server.storage.sound import SoundFiles
from server.storage.sound_bytes import SoundBytes
from server.storage.webhook_outbox import Outbox
from server.usecases.audit import audited
from server.usecases.conditions import Checked, hold
from server.usecases.page_phones import PagePhones
from server.usecases.permissions import Act, Permissions
from server.usecases.principal import Principal
from server.usecases.targets import Target

SHOWN_WITHIN = 2.0
"""Seconds for which the answer to a change waits for the records to show it."""


class Phones(Protocol):
    """Agents' telephones. `set` raises ValueError for a contact or a secret that no phone can have."""

    async def set_all(self, wanted: Sequence[tuple[str, str, str]]) -> None:
        """Give agents their telephones, all or none: (agent, secret, contact). Raises ValueError."""

    async def set(self, agent: str, secret: str, contact: str) -> None:
        """Give the agent a telephone."""

    async def remove(self, agent: str) -> None:
        """Take the agent's telephone away."""


class ConversationChannels(Protocol):
    """The channels of conversations. Each raises Conflict when Asterisk cannot do it now; nothing has changed then."""

    async def put_aside(self, call: int, leg: Leg, *events: object) -> None:
        """Record the events, and let the caller hear music."""

    async def return_to_caller(self, call: int, leg: Leg) -> None:
        """Join agent and caller again, and hang up on the colleague of a consult."""

    async def transfer(self, live: LiveCall, leg: Leg, target: Target) -> None:
        """Release the agent, and send the call to the target."""

    async def hand_over(self, live: LiveCall, leg: Leg) -> None:
        """Give the call to the colleague of the consult."""

    async def nobody_there(self, live: LiveCall, leg: Leg, by: str) -> None:
        """The agent of a callback heard a machine: record it, and hang up both lines. `by` is the principal."""


class RecordingChannels(Protocol):
    """The recorders of conversations. Each raises Conflict when Asterisk cannot do it now; nothing has changed then."""

    async def pause(self, call: int, leg: Leg) -> None:
        """Record silence from now on."""

    async def go_on(self, call: int, leg: Leg) -> None:
        """Record sound again."""


class Monitoring(Protocol):
    """Supervisors' phones that listen to conversations."""

    async def begin(
        self, live: LiveCall, by: str, mode: Monitor, reason: str, *audit: object, own: bool = False
    ) -> None:
        """Record the event, ring the phone of agent `by`, and let it take part; its page answers by itself if the agent
        asked for it (`own`). Raises Conflict."""

    async def switch(self, started: MonitorStarted, mode: Monitor, *audit: object) -> None:
        """Let the phone take part in another way; returns once it does. Raises Conflict."""

    async def end(self, started: MonitorStarted) -> None:
        """Hang up on the phone. Raises Conflict."""


class TrunkState(Protocol):
    """The trunks while they work. Acts raise Conflict when Asterisk cannot do it now."""

    @property
    def tracing(self) -> bool:
        """Whether a trace is being made."""

    def state(self) -> list[dict[str, Any]]:
        """A row for each trunk."""

    def routes_of(self, number: str) -> list[dict[str, Any]]:
        """A row for each trunk: whether it takes this number, and why not."""

    async def test(self, number: str, shows: str) -> dict[str, Any]:
        """Call the number for a moment."""

    async def trace(self, seconds: float) -> str:
        """The SIP messages of the next seconds, masked."""


class Server(Protocol):
    """One server, leading or standing by. The parts that only a leader has raise NotLeading elsewhere."""

    @property
    def view(self) -> View:
        """The hotline state, for reading."""

    @property
    def definitions(self) -> Definitions:
        """The operator's definitions in force."""

    @property
    def node(self) -> str:
        """This server's name among several."""

    @property
    def home(self) -> Path:
        """The folder of all data of this server."""

    @property
    def records(self) -> Records:
        """The records, for reading."""

    @property
    def outbox(self) -> Outbox:
        """Messages of webhooks that are to be sent."""

    @property
    def identity_key(self) -> bytes:
        """The key with which customers' digits are kept."""

    @property
    def outside_calls(self) -> bool:
        """Whether outside numbers can be called."""

    @property
    def dispatcher(self) -> Dispatcher:
        """The way into the log."""

    @property
    def phones(self) -> Phones:
        """Agents' telephones."""

    @property
    def page_phones(self) -> PagePhones:
        """Agents' phones in browsers."""

    @property
    def conversation_channels(self) -> ConversationChannels:
        """The channels of conversations."""

    @property
    def database(self) -> Database:
        """The database of the records."""

    @property
    def sound(self) -> SoundFiles:
        """The files of the recordings."""

    @property
    def sessions(self) -> Sessions:
        """The sessions of users."""

    @property
    def sound_bytes(self) -> SoundBytes:
        """The bytes of prompts' sounds, beside the log."""

    @property
    def drafts(self) -> Drafts:
        """Forms of tickets that are being filled in."""

    @property
    def attempts(self) -> Attempts:
        """Attempts to sign in."""

    @property
    def recording_channels(self) -> RecordingChannels:
        """The recorders of conversations."""

    @property
    def monitoring(self) -> Monitoring:
        """Supervisors' phones."""

    @property
    def trunks(self) -> TrunkState:
        """The trunks."""

    def examine(self, home: Path) -> list[Found]:
        """Everything that `sansheng check` finds wrong with the definitions in this folder. Takes a second."""

    async def reload(self) -> str:
        """Take over edited definitions; the file that holds now. Raises ValueError for what cannot be used."""


class Acts:
    """The base of every group of acts. `clock` gives UTC epoch seconds."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        self._server, self._clock = server, clock
        self.permissions = Permissions(server.view, lambda: server.definitions)

    @property
    def standing_by(self) -> str:
        """Why this server does not lead, and which one does, as a sentence; empty when it leads."""
        try:
            _ = self._server.dispatcher
        except NotLeading as error:
            return str(error)
        return ""

    @property
    def leader_address(self) -> str:
        """Where people reach the pages of the server that leads; empty when this one does, or where it is not known."""
        try:
            _ = self._server.dispatcher
        except NotLeading as error:
            return error.address
        return ""

    @property
    def _view(self) -> View:
        return self._server.view

    async def _record(self, who: Principal, act: Act, *events: object, subject: str = "", reason: str = "") -> None:
        """Record the events and the act's entry in the audit in one batch. Raises NotLeading."""
        await self._lead.record(*events, *audited(who, act, subject, reason))

    @property
    def _lead(self) -> Dispatcher:
        """The way into the log, for a change. Raises NotLeading, also when a condition held under another lead."""
        return hold(self._server.dispatcher)

    def condition(self, ticket: int = 0) -> Checked | None:
        """What a condition that is about to be checked is bound to; None while this server does not lead."""
        with suppress(NotLeading):
            register = self._view.tickets
            version = register.case(ticket).version if ticket in register else 0
            return Checked(self._server.dispatcher, ticket if version else 0, version)
        return None

    def _check_names(self, filters: Mapping[str, Any], found: Mapping[str, Any], cursor: str | None = None) -> None:
        """Raises QueryError for a queue, category or agent that nobody knows, where nothing was found: the records may
        know names that the definitions have no more."""
        if found["items"] or cursor is not None:
            return
        definitions = self._server.definitions
        queues = [each.name for each in definitions.policy.queues]
        known = {"queue": queues, "category": [*definitions.categories.names, *queues], "scope": [*queues, "all"]}
        for name, names in known.items():
            if (wanted := filters.get(name)) and wanted not in names:
                raise QueryError(f"there is no {name} {wanted[:80]}: there are {', '.join(names)}")
        if (agent := filters.get("agent")) and self._view.floor.agent(agent) is None:
            raise QueryError(f"there is no agent {agent[:80]}: see `sansheng agent list`")

    async def shown(self) -> None:
        """Wait until the records show all events up to now, with the notes that follow from them."""
        upto = id_order(self._view.position)

        def written(state: HotlineState) -> bool:
            return not state.unwritten or id_order(state.unwritten[0].after) > upto

        await self._server.dispatcher.until(written, SHOWN_WITHIN)
        await self._server.records.caught_up()
