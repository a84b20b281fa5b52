"""One server, from an empty home to a hotline that takes calls, and back: what starts in which order, and stops.

What is here lasts as long as the process: the home and the records (`startup`), the private Redis and Asterisk
(`programs`), the web. What lasts as long as a lead is a `Leadership`, which begins and ends with this server's part in
the `election`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from ivr.check import unknown_years, years_without_holidays
from provision import ProvisionError
from server.config import Settings
from server.config_reload import ConfigReload
from server.election import Election
from server.eventlog.log import Lease, Log, LogGap
from server.home import no_room
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading
from server.hotline.examination import Found
from server.hotline.identity_key import identity_key
from server.hotline.state import HotlineState
from server.hotline.view import View
from server.leadership import Leadership, StartError
from server.mailing import Mailing
from server.processes.children import ChildError
from server.programs import Programs
from server.startup import Home, OpenRecords, open_home, open_records, reach_log
from server.storage.attempts import Attempts
from server.storage.begun_sign_ins import BegunSignIns
from server.storage.database import Database, DatabaseError
from server.storage.derivation.workshop import Workshop, environment_of
from server.storage.drafts import Drafts
from server.storage.reader import Records
from server.storage.sessions import Sessions
from server.storage.sound import SoundFiles
from server.storage.sound_bytes import SoundBytes
from server.storage.stores import open_store
from server.storage.trimming import Trimming
from server.storage.webhook_outbox import Outbox
from server.tasks import BackgroundTasks
from server.telephony.agent.browser_phones import BrowserPhones
from server.telephony.agent.monitoring import Monitoring
from server.telephony.agent.transfers import Transfers
from server.telephony.ami.link import AmiError
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.site import SiteError
from server.telephony.recording.pausing import Pausing
from server.telephony.trunks.requests import TrunkRequests
from server.usecases.groups import UseCases
from server.warned import warned
from server.web.api.application import make_api
from server.web.authentication import Authentication
from server.web.certificates import CertificateError
from server.web.openid import openid_of
from server.web.serve import HttpServer
from server.webhooks.delivery import Deliveries
from server.webhooks.sender import Sender

__all__ = ["App", "StartError"]

_log = structlog.get_logger("app")
_FAULTS = (SiteError, ProvisionError, ChildError, DatabaseError, AmiError, LogGap, CertificateError)


class App:
    """One server. `reactor` is Twisted's, on the running loop; `say` tells the operator of progress."""

    def __init__(self, settings: Settings, reactor: Any, say: Callable[[str], None]) -> None:
        self.settings = settings
        self._reactor, self._say = reactor, say
        self._programs = Programs(settings, reactor, say)
        self._election = Election(settings.node_name, settings.lease_seconds, self._begin, say, settings.public_url)
        self._config = ConfigReload(settings, self._programs, lambda: self._election.leadership)
        self.view = View(self._election.state)
        self.acts = UseCases(self)
        self._home: Home | None = None
        self._records: OpenRecords
        self._redis: Redis
        self._sessions: Sessions
        self._attempts: Attempts
        self._drafts: Drafts
        self._sound_bytes: SoundBytes
        self._sound: SoundFiles
        self._tasks = BackgroundTasks(_log, "a part of the server failed")
        self._undo: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """The steps to undo, last first."""
        self._counted: CollectorRegistry | None = None
        """The metrics that hold those of the webhooks' outbox too."""
        self._draining = False
        self._hurried = asyncio.Event()

    # Starting

    async def start(self) -> None:
        """Return when calls are taken; while another server leads, stand by. Raises StartError."""
        try:
            self._home = open_home(self.settings)
            await self._programs.start(self._config.load())
            self._undo.append(self._programs.stop)
            log, _ = await asyncio.gather(self._open_log(self._home), self._open_records(self._home))
            await self._open_web()
            await self._programs.asterisk_ready()
            await self._election.lead(log)
            with suppress(NotLeading):  # the lead was lost at once: the next one makes the first user
                await self.acts.users.make_first()
        except (*_FAULTS, StartError, NotLeading, ValueError, OSError) as error:
            # Of a program that cannot write, only its silence is seen: its port is not to blame.
            raise StartError(no_room(self.settings.root) or str(error)) from error
        self._tasks.start(self._config.watch_definitions(self.acts.versions.edited))
        self._tasks.start(self.acts.versions.keep_following())
        self._tasks.start(self.acts.prompts.keep_following())
        self._tasks.start(self._deliveries.run())
        self._tasks.start(self._mailing.run())
        self._tasks.start(self._trimming.run())
        self._tasks.start(self.acts.exports.keep_tidy())
        self._tasks.start(self._config.watch_certificates())
        self._tasks.start(self._election.lead_again(log))

    async def _open_log(self, home: Home) -> Log:
        redis = await reach_log(self.settings)
        self._undo.append(redis.aclose)
        self._redis = redis
        self._sessions = Sessions(
            redis, idle=self.settings.session_idle_minutes * 60.0, longest=self.settings.session_hours * 3600.0
        )
        self._attempts = Attempts(redis)
        self._drafts = Drafts(redis)
        self._sound_bytes = SoundBytes(redis)
        return Log(redis, set_aside=home.set_aside.keep)

    async def _open_records(self, home: Home) -> None:
        self._records = await open_records(self.settings, home.set_aside, lambda: self.view.position)
        self._undo.append(self._records.close)
        self._outbox = Outbox(self._records.database)
        self._deliveries = Deliveries(
            self._outbox,
            self.view,
            lambda: self.dispatcher,
            self.settings.root,
            Sender(self.settings.webhook_networks),
        )
        self._sound = SoundFiles(open_store(self.settings), Workshop(environment_of(self.settings)))
        self._undo.append(self._sound.close)

        self._mailing = Mailing(
            self.settings,
            self._records.database.write,
            lambda: self.definitions.calendar.zone,
            lambda: self._election.leadership is not None,
            tickets=lambda: self.definitions.ticket_mails,
        )
        self._trimming = Trimming(
            self.settings,
            lambda: self.definitions.calendar.zone,
            lambda: self._election.leadership is not None,
        )

    async def _open_web(self) -> None:
        certificates = self._config.certificates
        context = None if certificates is None else await asyncio.to_thread(certificates.context)
        api = make_api(
            self.acts,
            self,
            Authentication(lambda: self.token, self.acts.tokens, self.acts.links, self.acts.sign_in),
            redis=self._redis,
            proxies=self.settings.proxies,
            openid=openid_of(self.settings, self.acts.openid, BegunSignIns(self._redis)),
            asterisk=self.settings.browser_phones,
        )
        http = HttpServer(
            api,
            self.settings.bind,
            self.settings.http_port,
            name=self.settings.server_name,
            connections=self.settings.http_connections,
            of_one_address=self.settings.http_connections_per_address,
            tls=context,
            proxies=self.settings.proxies,
        )
        try:
            await http.start()
        except OSError as error:
            raise StartError(str(error)) from None
        self._undo += [http.stop, api.state.streams.stop]

    async def _begin(self, log: Log, lease: Lease, state: HotlineState) -> Leadership:
        await self.acts.versions.follow()
        leadership = Leadership(
            self.settings,
            lambda: self._programs.site,
            self._reactor,
            lambda: self.definitions,
            self._programs.trunks,
            lambda: self._records.read_to,
            lambda: self._home.set_aside.count if self._home else 0,
            self.acts,
        )
        try:
            await leadership.start(log, lease, state, self._programs.reloads)
        except BaseException:
            await leadership.stop()
            raise
        self._programs.take_reloads()
        return leadership

    # For acts and routes

    @property
    def definitions(self) -> Definitions:
        """The definitions of now."""
        return self._config.definitions

    def examine(self, home: Path) -> list[Found]:
        """Everything that `sansheng check` finds wrong with the definitions in this folder."""
        return self._config.examine(home)

    async def reload(self) -> str:
        """As `ConfigReload.reload`: the file in force. Raises DefinitionFault (a ValueError)."""
        return await self._config.reload()

    @property
    def token(self) -> str:
        """The file token: the administrator's, for the owner of the machine."""
        return self._home.token if self._home else ""

    @property
    def node(self) -> str:
        """This server's name among several."""
        return self.settings.node_name

    @property
    def authority(self) -> bytes:
        """The certificate of the private authority; empty where there is none."""
        certificates = self._config.certificates
        return certificates.authority if certificates is not None else b""

    @property
    def home(self) -> Path:
        """The folder of all data of this server."""
        return self.settings.root

    @property
    def outbox(self) -> Outbox:
        """Messages of webhooks that are to be sent."""
        return self._outbox

    @property
    def records(self) -> Records:
        """The records, for reading."""
        return self._records.records

    @property
    def dispatcher(self) -> Dispatcher:
        """The way into the log. Raises NotLeading while this server does not lead; so do `phones` and `reload`."""
        return self._election.leading().dispatcher

    @property
    def conversation_channels(self) -> Transfers:
        """The channels of conversations."""
        return self._election.leading().transfers

    @property
    def database(self) -> Database:
        """The database of the records."""
        return self._records.database

    @property
    def sound(self) -> SoundFiles:
        """The files of the recordings."""
        return self._sound

    @property
    def sessions(self) -> Sessions:
        """The sessions of users."""
        return self._sessions

    @property
    def drafts(self) -> Drafts:
        """Forms of tickets that are being filled in."""
        return self._drafts

    @property
    def sound_bytes(self) -> SoundBytes:
        """The bytes of prompts' sounds, beside the log."""
        return self._sound_bytes

    @property
    def attempts(self) -> Attempts:
        """Attempts to sign in."""
        return self._attempts

    @property
    def recording_channels(self) -> Pausing:
        """The recorders of conversations."""
        return self._election.leading().pausing

    @property
    def monitoring(self) -> Monitoring:
        """Supervisors' phones."""
        return self._election.leading().monitoring

    @property
    def identity_key(self) -> bytes:
        """The key with which customers' digits are kept."""
        return identity_key(self.settings.root, self.settings.identity_key)

    @property
    def outside_calls(self) -> bool:
        """Whether outside numbers can be called."""
        return bool(self.settings.trunk) or any(trunk.numbers for trunk in self.definitions.trunks)

    @property
    def trunks(self) -> TrunkRequests:
        """The trunks while they work."""
        return self._election.leading().trunks

    @property
    def phones(self) -> PhoneBook:
        """The agents' telephones."""
        return self._election.leading().phones

    @property
    def page_phones(self) -> BrowserPhones:
        """The phones in pages."""
        return self._election.leading().parts.browser_phones

    @property
    def registry(self) -> CollectorRegistry:
        """The metrics; empty while this server does not lead."""
        leadership = self._election.leadership
        if leadership is None:
            return CollectorRegistry()
        if self._counted is not leadership.registry:
            self._counted = leadership.registry
            self._counted.register(self._deliveries)
        return self._counted

    # Running

    def problems(self) -> list[str]:
        """Why a call could not be taken now, as sentences; empty when it could."""
        found = []
        if self._draining:
            found.append("the server is stopping: calls in progress are finished, no new ones are taken")
        found += self._programs.problems()
        leadership = self._election.leadership
        found += leadership.problems() if leadership else [self._election.why_not()]
        full = no_room(self.settings.root) if found and self._home else ""
        return [full, *found] if full else found

    def warnings(self) -> list[str]:
        """Sentences on what needs the operator's attention although calls are taken."""
        set_aside = self._home.set_aside.problem if self._home else ""
        wrong, certificates = self._config.problem, self._config.certificates
        of_certificate = certificates.problem if certificates is not None else ""
        found = [warned("definitions", wrong, error=wrong), self.acts.versions.problem, set_aside]
        for sentence in (of_certificate, self._programs.certificate_problem):
            found.append(warned("certificate", sentence, error=sentence))
        calendar, now = self.definitions.calendar, time.time()
        years = zip(years_without_holidays(calendar, now), unknown_years(calendar, now), strict=True)
        found += [warned("holidays", sentence, year=year) for year, sentence in years]
        if (leadership := self._election.leadership) is not None:
            found += leadership.warnings()
            found += self._deliveries.warnings()
            found += self._mailing.warnings()
            found.append(self._trimming.problem)
        found.append(warned("records", self._records.problem, error=self._records.problem))
        return [each for each in found if each]

    # Stopping

    async def stop(self) -> None:
        """Finish what can be finished, then undo everything that `start` did, last first."""
        self._draining = True
        if (leadership := self._election.leadership) is not None:
            await leadership.drain(self._say, self._hurried)
        await self._tasks.stop()
        if (leadership := self._election.leadership) is not None:
            await leadership.stop()
        for undo in reversed(self._undo):
            try:
                await undo()
            except Exception:
                _log.exception("a part of the server did not stop in order")
        if self._home:
            self._home.release()

    def hurry(self) -> None:
        """Wait for nothing more while stopping."""
        self._hurried.set()
