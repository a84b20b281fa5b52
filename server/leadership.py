"""One lead, from taking it until it is lost or given up: its parts start, drain and stop in order.

Everything here ends with the lead, so that a server that lost it holds no caller, receives no event and cannot act;
parts that outlive a lead (children, records, web) belong to the app. `wiring` says which parts there are and what
listens to what.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from twisted.internet.defer import maybeDeferred

import acd.events as acd
from acd.callbacks.events import CallbackPolicySet
from acd.commands import Divert
from acd.decisions import Decision
from quality.errors import QualityError
from quality.events import FormAdded
from quality.forms.library import Library
from server.config import Settings
from server.eventlog.derived_events import ServerStarted
from server.eventlog.log import Lease, Log
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.live_call import Stage
from server.hotline.promising import asked_back
from server.hotline.quality_rules import product_form
from server.hotline.state import HotlineState
from server.hotline.trunks import Trunk
from server.hotline.view import View
from server.tasks import BackgroundTasks, first_of
from server.telephony.agent.monitoring import Monitoring
from server.telephony.agent.transfers import Transfers
from server.telephony.ami.link import Ami, AmiError, LinkState
from server.telephony.asterisk import configure
from server.telephony.asterisk.control import OwnAmi, control_socket
from server.telephony.asterisk.files import AMI_USER
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.pjsip import identifier_order
from server.telephony.asterisk.reloading import Reloading
from server.telephony.asterisk.site import Site
from server.telephony.recording.pausing import Pausing
from server.telephony.tokens import ChannelTokens
from server.telephony.trunks.requests import TrunkRequests
from server.usecases.groups import UseCases
from server.usecases.quality_clock import draw_by_the_clock
from server.warned import warned
from server.wiring import Ground, Parts, build, connect

_log = structlog.get_logger("leadership")
_AMI_DEADLINE = 20.0


class StartError(Exception):
    """The server cannot start; the text says why and what to do."""


class Leadership:
    """One lead. `definitions` and `trunks` give those of now, `read_to` the log entry that the records have read,
    `unreadable` how many entries of the log could not be read; `acts` are what agents ask for by keys and codes."""

    def __init__(
        self,
        settings: Settings,
        site: Callable[[], Site],
        reactor: Any,
        definitions: Callable[[], Definitions],
        trunks: Callable[[], tuple[Trunk, ...]],
        read_to: Callable[[], str],
        unreadable: Callable[[], int],
        acts: UseCases,
    ) -> None:
        self.registry = CollectorRegistry()
        self.lost = asyncio.Event()
        """Set when this server leads no more; `dispatcher.problem` says why."""
        self.dispatcher: Dispatcher
        self.parts: Parts
        self._view = View(lambda: self.dispatcher.state)
        self._settings, self._site_of_now, self._reactor = settings, site, reactor
        self._definitions, self._read_to, self._unreadable = definitions, read_to, unreadable
        self._trunks = trunks
        self._acts = acts
        self._tasks = BackgroundTasks(_log, "a part of the server failed")
        self._undo: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """The steps to undo, last first."""
        self._ready = False
        self._unseen_since: float | None = None
        """When the link to Asterisk was lost, UTC epoch seconds."""
        host = settings.asterisk or "127.0.0.1"
        user = settings.asterisk_user if settings.asterisk and settings.asterisk_secret else AMI_USER
        layout = site().layout
        secret = settings.asterisk_secret or configure.secret(layout, configure.AMI_SECRET)
        self.tokens = ChannelTokens(settings.channel_secret or configure.secret(layout, configure.CHANNEL_SECRET))
        socket = control_socket(layout)
        # Of an Asterisk elsewhere, the home may be on this machine all the same.
        link = partial(OwnAmi, socket) if not settings.asterisk or settings.asterisk_home else Ami
        self.ami = link(host, settings.ami_port, user, secret, tokens=self.tokens)
        self.reloading = Reloading(layout, self.ami)
        self.phones = PhoneBook(site, self.ami, self._agents, self.reloading, lambda: definitions().callback.region)
        self.phones.there = lambda device: self.parts.presence.is_there(device)
        if not settings.asterisk or settings.asterisk_home:
            self.reloading.compare = self.phones.differing
        if not settings.asterisk:
            self.reloading.order = lambda: identifier_order(site())

    async def start(self, log: Log, lease: Lease, state: HotlineState, reloads: tuple[str, ...] = ()) -> None:
        """Return when calls are taken. `reloads` are the modules whose files changed under a running Asterisk.

        Raises StartError and AmiError; `stop` then undoes what was begun.
        """
        self.dispatcher = Dispatcher(
            log,
            lease,
            state,
            lease_ttl=self._settings.lease_seconds,
            snapshot_seconds=self._settings.snapshot_seconds,
            on_lost=lambda why: self.lost.set(),
        )
        self.dispatcher.trim_behind = self._read_to
        await self.dispatcher.start(still=state.at > 0)
        self._undo.append(self.dispatcher.stop)
        self.parts = build(self._ground())
        connect(self.parts, self.dispatcher, self.ami)
        self.ami.on_state(self._link_changed)
        await self._open_link(reloads)
        self.dispatcher.go_on()
        self.dispatcher.submit(ServerStarted(lease.node, lease.token))
        await self.set_policy()
        self._listen()
        self._ready = self.reloading.may_restart = True

    def _ground(self) -> Ground:
        return Ground(
            settings=self._settings,
            site=self._site_of_now,
            dispatcher=self.dispatcher,
            view=self._view,
            ami=self.ami,
            tokens=self.tokens,
            phones=self.phones,
            reloading=self.reloading,
            registry=self.registry,
            definitions=self._definitions,
            trunks=self._trunks,
            unreadable=self._unreadable,
            acts=self._acts,
        )

    @property
    def transfers(self) -> Transfers:
        """How channels follow holds, consultations and transfers."""
        return self.parts.transfers

    @property
    def trunks(self) -> TrunkRequests:
        """The trunks while they work."""
        return self.parts.trunk_requests

    @property
    def pausing(self) -> Pausing:
        """How recordings are paused."""
        return self.parts.pausing

    @property
    def monitoring(self) -> Monitoring:
        """How a supervisor's phone takes part in a conversation."""
        return self.parts.monitoring

    async def _open_link(self, reloads: tuple[str, ...]) -> None:
        await asyncio.to_thread(configure.configure_agents, self._site_of_now(), self.phones.phones())
        self.ami.start()
        self._undo += [self.ami.close, self.reloading.stop]
        try:
            await self.ami.up(_AMI_DEADLINE)
        except (AmiError, TimeoutError) as error:
            raise StartError(f"Asterisk's management port does not let us in: {self.ami.why or error}") from None
        await self.reload(reloads)
        # Before the legs are compared: from here on no other server can dial for a caller, and the log knows the calls
        # in which a number was left while no server was there.
        await self.parts.takeover.fetch()
        await self.parts.spool_import.swept()
        await self.parts.trace.settle()
        await self.parts.browser_phones.begin()
        self._undo.append(self.parts.browser_phones.stop)
        await self._reconcile(None)
        self.parts.readmission.expect([each.call for each in self._view.floor.waiting() if not each.promised])

    def _listen(self) -> None:
        port = self._settings.agi_port
        try:
            self._listening = self._reactor.listenTCP(port, self.parts.agi, interface=self._settings.agi_host)
        except Exception as error:
            raise StartError(f"port {port} cannot be used ({error}): set SANSHENG_AGI_PORT") from None
        self._undo.append(self._close_agi)
        parts = self.parts
        parts.readmission.begin()
        self._tasks.start(parts.joiner.run())
        self._tasks.start(parts.verification.run())
        self._tasks.start(parts.rtp_watch.run())
        self._tasks.start(parts.spool_import.run())
        self._tasks.start(parts.takeover.keep_fetching())
        self._tasks.start(parts.liveness.run())
        self._tasks.start(parts.guessers.run())
        self._tasks.start(self._acts.browser_phones.keep())
        self._tasks.start(draw_by_the_clock(self._acts.quality))
        self._tasks.start(self._acts.users.first_made())
        parts.pausing.begin()
        self._undo += [parts.pausing.stop, parts.attaching.stop, parts.page_returns.stop]
        self._tasks.start(parts.list_calls.run())
        parts.dialler.begin()
        parts.abandoned.begin()

    async def set_policy(self) -> None:
        """Let floor, callback mode and the ticket register follow the definitions of now."""
        now = self._definitions()
        if self._view.floor.policy != now.policy:
            await self.dispatcher.record(acd.PolicySet(now.policy, now.source))
        if self._view.callbacks.policy != now.callback.policy:
            await self.dispatcher.record(CallbackPolicySet(now.callback.policy, now.source))
        await self._set_quality(now)
        if self._view.ticket_rules != (wanted := now.ticket_rules(time.time())):
            await self.dispatcher.record(wanted)

    async def _set_quality(self, now: Definitions) -> None:
        """Quality assurance goes by the rules of now, and has the form that comes with the product."""
        known, wanted = self._view.quality, now.quality
        if (known.appeal_rules, known.training_rules) != (wanted.appeals, wanted.training):
            await self.dispatcher.record(wanted.for_log(now.source))
        form = product_form()
        with suppress(QualityError):  # the operator has a form of this name and number, or a later one
            if Library(known.forms.all()).add(form):
                await self.dispatcher.record(FormAdded(form, "product"))

    async def reload(self, modules: Iterable[str]) -> None:
        """Let Asterisk take over the files of these modules, and all others that were written anew.

        Raises SiteError when the trunks of now and the agents' telephones cannot stand side by side.
        """
        modules = tuple(modules)
        await self.reloading.owe(modules)
        if self._ready:
            await self.phones.follow()
        await self.reloading.settle()
        if modules and self._ready:
            self.parts.trunks.health.look()

    def problems(self) -> list[str]:
        """Why a call could not be taken now, as sentences; empty when it could."""
        found = [self.dispatcher.problem] if self.dispatcher.problem else []
        if self.ami.state is not LinkState.UP:
            found.append(f"the link to Asterisk is {self.ami.state}: {self.ami.why}")
        return found

    def warnings(self) -> list[str]:
        """Sentences on what needs the operator's attention although calls are taken."""
        joiner, dialler = self.parts.joiner, self.parts.dialler
        alarms, asterisk = self._view.recording_alarms, self.reloading.problem
        found = (
            joiner.alarm(),
            joiner.problem,
            warned("recordings", alarms.sentence(), count=alarms.count),
            self.parts.verification.problem,
            dialler.problem,
            warned("asterisk", asterisk, error=asterisk),
            self.parts.guessers.warning(),
        )
        signed_in = sum(agent.status is not acd.Status.SIGNED_OUT for agent in self._view.floor.agents())
        few = self._site_of_now().audio.too_few(0, signed_in)
        own = [*few, *self.parts.rtp_watch.alarms(), *self.parts.trunks.problems()]
        return [problem for problem in found if problem] + own

    async def drain(self, say: Callable[[str], None], hurried: asyncio.Event) -> None:
        """Take no more calls, promise callbacks to the callers who wait, and wait for conversations to end.

        It waits as long as the settings say, or until `hurried` is set.
        """
        self.parts.agi.draining = True
        await self.parts.dialler.drain()
        promised = self._promise(say)
        talking = [call for call in self._view.calls if call.stage is Stage.TALKING]
        if talking:
            say(f"finishing {len(talking)} conversations, {self._settings.drain_seconds:g} s at most")

        def silent(state: HotlineState) -> bool:
            return not any(call.stage is Stage.TALKING or call.id in promised for call in state.calls)

        over = self.dispatcher.until(silent, self._settings.drain_seconds)
        await first_of(over, hurried.wait(), self.lost.wait())

    def _promise(self, say: Callable[[str], None]) -> frozenset[int]:
        """Asterisk stops with the server and would cut waiting callers off, so their numbers are taken.

        Returns the calls that are told so.
        """
        promised: set[int] = set()
        for call in self._view.calls:
            if call.stage is not Stage.WAITING or not call.reached or not self.dispatcher.owned(call.id):
                continue
            number, _ = self._definitions().callback_number(call.caller)
            why = Decision(call.id, "overflow", "the hotline is being stopped", self._view.at)
            if number and not call.promise:  # a promise that is not kept stays one
                self.dispatcher.submit(asked_back(number, "shutdown", call=call.id, live=call))
            promised.add(call.id)
            self.dispatcher.tell(Divert(call.id, "promised" if number or call.promise else "message", why))
        if promised:
            say(f"taking the numbers of {len(promised)} who wait")
        return frozenset(promised)

    async def stop(self) -> None:
        """Let go of every call and undo everything that `start` did, last first."""
        self._ready = self.reloading.may_restart = False
        await self._tasks.stop()
        if hasattr(self, "parts"):
            await self.parts.trunks.health.stop()
        for undo in reversed(self._undo):
            try:
                await undo()
            except Exception:
                _log.exception("a part of the lead did not end in order")
        self._undo.clear()

    async def _close_agi(self) -> None:
        stopped = maybeDeferred(self._listening.stopListening)
        await stopped.asFuture(asyncio.get_running_loop())
        await self.parts.agi.close()

    def _agents(self) -> list[tuple[str, str]]:
        return [(agent.id, agent.contact) for agent in self._view.floor.agents()]

    def _link_changed(self, state: LinkState, _: str) -> None:
        if state is LinkState.UP:
            if self._ready:
                self._tasks.start(self._reconcile(self._unseen_since))
                self.reloading.linked()
            self._unseen_since = None
        elif self._unseen_since is None:
            self._unseen_since = time.time()

    async def _reconcile(self, unseen_since: float | None) -> None:
        """Record what happened while the link was down. Raises the link's errors."""
        await self.parts.phone_transfers.reconcile()
        await self.parts.reconciliation(unseen_since)
        await self.parts.dialler.reconcile()
        await self.parts.monitoring.reconcile()
        await self.parts.internal_calls.reconcile()
        await self.parts.page_returns.reconcile()
        self.parts.trunks.compare(await self.ami.collect("CoreShowChannels"))
