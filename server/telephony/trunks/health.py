"""A trunk is up when its OPTIONS are answered and, if it registers, the registration stands; Asterisk tells both.

What happened while nobody listened is asked for when the link to Asterisk comes up, and after a change of the trunks.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from server.hotline.trunks import OUT, Trunk
from server.tasks import BackgroundTasks
from server.telephony.ami.link import Ami, AmiError, AmiEvent, AmiFailed, LinkState

_log = structlog.get_logger("trunks")
_GONE = frozenset({"Unreachable", "Unavail", "Unavailable"})
_ANSWERS = frozenset({"Reachable", "Avail", "Available"})
_TAIL = 200_000
"""Bytes of Asterisk's log in which the answer to a registration is looked for."""
_LOOK_AGAIN = 1.0
"""Seconds after a change of a registration or of the configuration, so that several are looked at together."""


@dataclass(frozen=True, slots=True)
class Health:
    """What Asterisk says of a trunk. `up` and `registered` are None where there is nothing to be known."""

    up: bool | None = None
    registered: bool | None = None
    problem: str = ""


class TrunkHealth:
    """Follows the trunks of one Asterisk. `trunks` gives those of now; `changed` is called when one comes or goes."""

    def __init__(
        self, ami: Ami, trunks: Callable[[], Iterable[Trunk]], messages: Path, changed: Callable[[], None]
    ) -> None:
        self._ami, self._trunks, self._messages, self._changed = ami, trunks, messages, changed
        self._answers: dict[str, bool] = {}
        """Whether the last OPTIONS was answered, by endpoint."""
        self._registrations: dict[str, str] = {}
        """Asterisk's word for the state of each registration."""
        self._why: dict[str, str] = {}
        self._known: dict[str, Trunk] = {}
        """The trunks as they were when they were last asked for."""
        self._renewed: set[str] = set()
        """The endpoints whose registration the carrier took while it answered no OPTIONS."""
        self._look: asyncio.TimerHandle | None = None
        self._told: dict[str, bool] = {}
        self._tasks = BackgroundTasks(_log, "the trunks could not be asked for", AmiError)

    def of(self, trunk: Trunk) -> Health:
        """The health of one trunk."""
        answers = self._answers.get(trunk.endpoint)
        if trunk.needs_secret:
            why = f"the carrier's secret is missing: sansheng trunk secret {trunk.name} --file FILE"
            return Health(False, False if trunk.register else None, why)
        registered: bool | None = None
        problem = ""
        if trunk.register:
            word = self._registrations.get(trunk.endpoint, "")
            registered = word == "Registered"
            if not registered:
                problem = self._why.get(trunk.endpoint) or "the registration does not stand (yet)"
        if not trunk.qualify_seconds:
            return Health(None, registered, problem)
        if answers is False:
            problem = f"{trunk.address} does not answer OPTIONS: see the network, the firewall and the carrier"
        elif answers is None:
            problem = problem or f"{trunk.address} has not answered an OPTIONS yet"
        return Health(bool(answers) and registered is not False, registered, problem)

    def usable(self, trunk: Trunk) -> bool:
        """Whether a call may be tried: nothing says that it cannot go by this trunk."""
        if trunk.needs_secret or self._answers.get(trunk.endpoint) is False:
            return False
        return not trunk.register or self._registrations.get(trunk.endpoint) == "Registered"

    # What Asterisk tells

    def contact(self, event: AmiEvent) -> None:
        """A carrier answers OPTIONS, or does so no more."""
        endpoint, status = event.get("AOR", ""), event.get("ContactStatus", "")
        if not endpoint.startswith(OUT):
            return
        if status in _ANSWERS:
            if self._answers.get(endpoint) is False and self._forgotten(endpoint):
                # A carrier that begins anew knows nothing of the registration, which Asterisk takes to stand.
                self._tasks.start(self._register(endpoint))
            self._answers[endpoint] = True
        elif status in _GONE:
            if self._answers.get(endpoint) is not False:
                self._renewed.discard(endpoint)
            self._answers[endpoint] = False
        elif status == "Removed":
            self._answers.pop(endpoint, None)
        self._tell()

    def registry(self, event: AmiEvent) -> None:
        """A registration came or went: which one, the list says."""
        if event.get("Status") == "Registered":
            self._renewed |= {
                trunk.endpoint
                for trunk in self._trunks()
                if trunk.uri == event.get("Domain") and f"sip:{trunk.login}@" in event.get("Username", "")
            }
        self._soon()

    def _forgotten(self, endpoint: str) -> bool:
        """Whether a carrier that answers again may know nothing of this registration. To register anew takes the line
        from the carrier for a second or two, so it is not done after the carrier has just taken a registration."""
        registers = any(trunk.register and trunk.endpoint == endpoint for trunk in self._trunks())
        return registers and endpoint not in self._renewed

    def link(self, *_: object) -> None:
        """The link to Asterisk came or went."""
        if self._ami.state is LinkState.UP:
            self.look()
        else:
            self._answers.clear()
            self._registrations.clear()

    def look(self) -> None:
        """Ask Asterisk for everything."""
        self._tasks.start(self.reconcile())

    async def reconcile(self) -> None:
        """Take what Asterisk says now for what there is; and let it ask each carrier at once. Raises AmiError."""
        for trunk in self._trunks():
            if trunk.register and self._known.get(trunk.name, trunk) != trunk:
                # Asterisk goes on with a registration that stands, whatever user and secret are now.
                await self._register(trunk.endpoint)
            self._known[trunk.name] = trunk
            if not trunk.qualify_seconds:
                continue
            name = await self._value(f"PJSIP_AOR({trunk.endpoint},contact)")
            status = await self._value(f"PJSIP_CONTACT({name},status)") if name else ""
            if status in _ANSWERS or status in _GONE:
                self._answers[trunk.endpoint] = status in _ANSWERS
            else:
                with suppress(AmiFailed):
                    await self._ami.action("PJSIPQualify", Endpoint=trunk.endpoint)
        await self._registered()

    async def stop(self) -> None:
        """Ask no more."""
        if self._look is not None:
            self._look.cancel()
        await self._tasks.stop()

    def _soon(self) -> None:
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(_LOOK_AGAIN / 4, self._now)

    def _now(self) -> None:
        self._look = None
        self._tasks.start(self._registered())

    async def _registered(self) -> None:
        if not any(trunk.register for trunk in self._trunks()):
            self._registrations.clear()
            self._tell()
            return
        listed = await self._ami.collect("PJSIPShowRegistrationsOutbound")
        self._registrations = {
            event["ObjectName"]: event.get("Status", "")
            for event in listed
            if event.get("Event") == "OutboundRegistrationDetail"
        }
        for trunk in self._trunks():
            if not trunk.register or self._registrations.get(trunk.endpoint) == "Registered":
                self._why.pop(trunk.endpoint, None)
            else:
                self._why[trunk.endpoint] = await asyncio.to_thread(self._refusal, trunk)
        self._tell()

    def _refusal(self, trunk: Trunk) -> str:
        """What the carrier answered to the last registration, by Asterisk's log."""
        try:
            with self._messages.open("rb") as file:
                file.seek(max(0, self._messages.stat().st_size - _TAIL))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        last = next((line for line in reversed(lines) if "egistration" in line and trunk.uri in line), "")
        code = re.search(r"response '(\d{3})'", last)
        if code is not None:
            found = int(code[1])
            todo = "see user and secret" if found in (401, 403, 404, 407) else "ask the carrier"
            return f"the carrier answered {found} to the registration: {todo}; it is tried again by itself"
        if "No response" in last:
            return "the carrier does not answer the registration: see the address and the network"
        if "authentication" in last.lower() or "challenge" in last.lower():
            return "the carrier does not take the user and the secret: see `sansheng trunk secret`"
        return "the registration does not stand (yet)"

    async def _register(self, endpoint: str) -> None:
        with suppress(AmiFailed):
            await self._ami.action("PJSIPRegister", Registration=endpoint)

    async def _value(self, variable: str) -> str:
        try:
            return (await self._ami.action("Getvar", Variable=variable)).get("Value", "")
        except AmiFailed:
            return ""

    def _tell(self) -> None:
        """Say in the log which trunks came up and which went down."""
        changed = False
        for trunk in self._trunks():
            usable = self.usable(trunk)
            if self._told.get(trunk.name) is not usable:
                changed = True
                if trunk.name in self._told or not usable:
                    say = _log.info if usable else _log.warning
                    say("a trunk is up" if usable else "a trunk is down", trunk=trunk.name, why=self.of(trunk).problem)
                self._told[trunk.name] = usable
        if changed:
            self._changed()
