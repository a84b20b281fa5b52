"""The only wiring: which part stands on which, and in what order they start and stop.

What is here lasts as long as the process: the home, the children, the log, the records, the web. What lasts as long
as a lead is a `Leadership`; when the lead is lost, the server stands by again and its children go on.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import structlog
from prometheus_client import CollectorRegistry
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from watchfiles import awatch

from provision import ProvisionError, default_cache, provision
from server.config import Settings
from server.eventlog.log import Log, LogGap, follower
from server.eventlog.unreadable import SetAside
from server.home import HomeError, prepare
from server.hotline import definitions as hotline
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher, NotLeading, end
from server.hotline.standby import Standby
from server.hotline.state import HotlineState
from server.hotline.view import View
from server.leadership import Leadership, StartError
from server.processes.children import Child, ChildError, Children, ChildState
from server.processes.identity import hold, read_identity
from server.processes.private_redis import redis_child
from server.storage.database import DatabaseError, open_database
from server.storage.projector import Projector
from server.storage.projector_loop import ProjectorLoop
from server.storage.reader import Records
from server.storage.schema.migrate import migrate
from server.telephony.agent.monitoring import Monitoring
from server.telephony.agent.transfers import Transfers
from server.telephony.ami.link import AmiError
from server.telephony.asterisk import configure
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.ready import readiness
from server.telephony.asterisk.site import Site, SiteError, site
from server.usecases.groups import UseCases
from server.web.api.application import make_api
from server.web.authentication import Authentication
from server.web.serve import HttpServer
from tables.toml import DefinitionFault

__all__ = ["App", "StartError"]

_log = structlog.get_logger("app")
_ASTERISK_DEADLINE = 20.0
_REDIS_DEADLINE = 20.0
_NOTHING_YET = HotlineState()
_FAULTS = (SiteError, ProvisionError, ChildError, DatabaseError, AmiError, LogGap)


class App:
    """One server: from an empty home to a hotline that takes calls, and back."""

    def __init__(self, settings: Settings, reactor: Any, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.token = ""
        self.definitions: Definitions
        self.records: Records
        self.view = View(self._state)
        self.acts = UseCases(self)
        self._reactor, self._say = reactor, say
        self._children = Children(reactor)
        self._states: dict[str, str] = {}
        self._site: Site
        self._reloads: tuple[str, ...] = ()
        self._log: Log
        self._set_aside: SetAside
        self._standby: Standby | None = None
        self._term: Leadership | None = None
        self._why_not = ""
        self._definition_problem = ""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._home_lock: IO[str] | None = None
        self._undo: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """What must be undone, last first."""
        self._draining = False
        self._hurried = asyncio.Event()

    # Starting

    async def start(self) -> None:
        """Return when calls are taken; while another server leads, stand by. Raises StartError."""
        try:
            self._prepare_home()
            await self._start_children()
            self._log, _ = await asyncio.gather(self._open_log(), self._open_records())
            await self._open_web()
            await self._asterisk_ready()
            await self._lead()
        except (*_FAULTS, NotLeading, ValueError) as error:
            raise StartError(str(error)) from error
        self._run(self._watch_definitions())
        self._run(self._lead_again())

    def _prepare_home(self) -> None:
        home = self.settings.root
        try:
            prepare(home)
            self._home_lock = (home / "lock").open("w")
            fcntl.flock(self._home_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"another server runs in {home}: stop it, or set SANSHENG_HOME to another folder"
            ) from None
        except HomeError as error:
            raise StartError(str(error)) from None
        except OSError as error:
            raise StartError(f"{home} cannot be used ({error.strerror}): mend it, or set SANSHENG_HOME") from None
        if not self.settings.token_file.exists():
            self.settings.token_file.touch(mode=0o600)
            self.settings.token_file.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
        self._set_aside = SetAside(home / "log")
        self.token = self.settings.token_file.read_text(encoding="ascii").strip()
        try:
            self.definitions = hotline.load(home)
        except DefinitionFault as error:
            raise StartError(str(error)) from None

    async def _start_children(self) -> None:
        settings = self.settings
        cache = default_cache()
        if not settings.redis_url:
            redis = await asyncio.to_thread(provision, "redis-server", cache, self._say)
            self._children.add(redis_child(redis, settings.redis_socket), on_state=self._child_state)
        asterisk = await asyncio.to_thread(provision, "asterisk", cache, self._say)
        assert asterisk.modules is not None
        assert asterisk.data is not None
        prompts = hotline.PROMPTS
        self._site = site(
            settings,
            modules=asterisk.modules,
            data=asterisk.data,
            prompts={"zh": prompts / "zh", "en": prompts / "en"},
            python=Path(sys.executable),
            music={hotline.HOUSE_MUSIC: hotline.MUSIC},
        )
        self._site = _admitting(self._site, self.definitions)
        if settings.asterisk:
            if settings.asterisk_home:
                self._site = replace(self._site, home=settings.asterisk_home.absolute())
        else:
            child = Child(
                "asterisk",
                asterisk.argv("asterisk", *configure.arguments(self._site)),
                self._site.layout.root,
                asterisk.env,
            )
            lives = _lives(child)
            if not lives:
                self._refuse_taken_ports()
            written = await asyncio.to_thread(configure.configure, self._site)
            self._reloads = written.reloads if lives else ()
            self._children.add(child, ready=readiness(self._site), on_state=self._child_state)
        self._undo.append(self._stop_children)
        self._children.startService()

    def _refuse_taken_ports(self) -> None:
        """Asterisk starts without the ports that it cannot have, so they are tried first."""
        settings = self.settings
        for kind, port, variable in (
            (socket.SOCK_DGRAM, settings.sip_port, "SANSHENG_SIP_PORT"),
            (socket.SOCK_STREAM, settings.ami_port, "SANSHENG_AMI_PORT"),
            (socket.SOCK_STREAM, settings.asterisk_http_port, "SANSHENG_ASTERISK_HTTP_PORT"),
            (socket.SOCK_STREAM, settings.agi_port, "SANSHENG_AGI_PORT"),
        ):
            family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
            with closing(socket.socket(family, kind)) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind is socket.SOCK_STREAM))
                try:
                    trial.bind((settings.bind, port))
                except OSError as error:
                    raise StartError(
                        f"port {port} of {settings.bind} cannot be had ({error.strerror}): "
                        f"stop the other program, or set {variable}"
                    ) from None

    async def _asterisk_ready(self) -> None:
        if self.settings.asterisk:
            return
        try:
            await self._children.wait("asterisk", ChildState.READY, _ASTERISK_DEADLINE)
        except TimeoutError:
            raise StartError(self._children.why("asterisk")) from None

    async def _open_log(self) -> Log:
        redis = Redis.from_url(self.settings.log_url, protocol=2, socket_timeout=5, socket_connect_timeout=2)
        self._undo.append(redis.aclose)
        deadline = asyncio.get_running_loop().time() + _REDIS_DEADLINE
        while True:
            try:
                await redis.ping()
                return Log(redis, set_aside=self._set_aside.keep)
            except (RedisError, OSError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StartError(f"the Redis of the log does not answer ({error}): see REDIS_URL") from None
                await asyncio.sleep(0.02)

    async def _open_records(self) -> None:
        database = open_database(self.settings.records_url)
        try:
            await asyncio.to_thread(migrate, database.write)
        except SQLAlchemyError as error:
            why = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise StartError(f"the database of the records cannot be used: {why}: see DATABASE_URL") from None
        reading = SyncRedis.from_url(self.settings.log_url, protocol=2, socket_timeout=5, socket_connect_timeout=2)
        self._projecting = ProjectorLoop(Projector(database.write), follower(reading, set_aside=self._set_aside.keep))
        self.records = Records(database.read, self._projecting, self._position)
        self._projecting.start()

        async def close() -> None:
            await asyncio.to_thread(self._projecting.stop)
            database.dispose()

        self._undo.append(close)

    async def _open_web(self) -> None:
        http = HttpServer(
            make_api(self.acts, self, Authentication(lambda: self.token, self.acts.tokens)),
            self.settings.bind,
            self.settings.http_port,
            name=self.settings.server_name,
            connections=self.settings.http_connections,
            of_one_address=self.settings.http_connections_per_address,
        )
        try:
            await http.start()
        except OSError as error:
            raise StartError(str(error)) from None
        self._undo.append(http.stop)

    # Leading

    async def _lead(self) -> None:
        settings = self.settings
        node = settings.node_name
        self._standby = Standby(self._log, node, settings.lease_seconds)
        lease, state = await self._standby.lead(lambda leader: self._say(f"{leader} leads: standing by"))
        term = Leadership(
            settings,
            self._site,
            self._reactor,
            lambda: self.definitions,
            self._read_to,
            lambda: self._set_aside.count,
            self.acts,
        )
        try:
            await term.start(self._log, lease, state, self._reloads)
        except BaseException:
            await term.stop()
            raise
        self._reloads = ()
        self._standby, self._term = None, term

    async def _lead_again(self) -> None:
        """Whenever the lead is lost: let go of everything, stand by, and lead when it is this server's turn again."""
        while True:
            if self._term is not None:
                term = self._term
                await term.lost.wait()
                self._term, self._why_not = None, term.dispatcher.problem
                self._say(f"{self._why_not}: standing by")
                await term.stop()
            try:
                await self._lead()
                self._why_not = ""
                self._say("leading again")
            except Exception as error:
                # Whatever it was, it may be gone the next time: a server that gave up would never take over.
                self._why_not = str(error)
                _log.exception("this server cannot lead")
                await asyncio.sleep(1.0)

    def _leading(self) -> Leadership:
        if self._term is None:
            raise NotLeading(f"{self._why_not_leading()}: ask the server that leads")
        return self._term

    def _why_not_leading(self) -> str:
        if self._standby is not None and self._standby.problem:
            return self._standby.problem
        if self._standby is not None and self._standby.leader:
            return f"this server stands by, {self._standby.leader} leads"
        return self._why_not or "the server is starting"

    def _read_to(self) -> str:
        return self._projecting.progress().cursor

    def _position(self) -> str:
        return self.view.position

    def _state(self) -> HotlineState:
        if self._term is not None:
            return self._term.dispatcher.state
        return self._standby.state if self._standby is not None else _NOTHING_YET

    @property
    def dispatcher(self) -> Dispatcher:
        """The way into the log. Raises NotLeading while this server does not lead; so do `phones` and `reload`."""
        return self._leading().dispatcher

    @property
    def conversation_channels(self) -> Transfers:
        """The channels of conversations."""
        return self._leading().transfers

    @property
    def monitoring(self) -> Monitoring:
        """Supervisors' phones."""
        return self._leading().monitoring

    @property
    def outside_calls(self) -> bool:
        """Whether outside numbers can be called."""
        return bool(self.settings.trunk)

    @property
    def phones(self) -> PhoneBook:
        """The agents' telephones."""
        return self._leading().phones

    @property
    def registry(self) -> CollectorRegistry:
        """What is counted and measured; empty while this server does not lead."""
        return self._term.registry if self._term else CollectorRegistry()

    # Running

    def problems(self) -> list[str]:
        """Why a call could not be taken now, as sentences; empty when it could."""
        found = []
        if self._draining:
            found.append("the server is stopping: calls in progress are finished, no new ones are taken")
        found += [
            self._children.why(name) or f"{name} is {state}" for name, state in self._states.items() if state != "ready"
        ]
        return found + (self._term.problems() if self._term else [self._why_not_leading()])

    def warnings(self) -> list[str]:
        """What needs somebody's attention although calls are taken."""
        found = [problem for problem in (self._definition_problem, self._set_aside.problem) if problem]
        found += self._term.warnings() if self._term else []
        if error := self._projecting.progress().error:
            found.append(f"the records are behind the log: {error}")
        return found

    async def reload(self) -> str:
        """Take over edited definitions if `sansheng check` finds no error in them; calls in progress go on with theirs.

        Raises DefinitionFault (a ValueError).
        """
        for found in await asyncio.to_thread(hotline.examine, self.settings.root, time.time()):
            # What is wrong with the product's own prompts is no fault of the edit.
            if found.severity == "error" and not found.file.is_relative_to(hotline.PROMPTS):
                raise DefinitionFault(found.file, found.line, (found.key,) if found.key else (), found.sentence)
        self.definitions = await asyncio.to_thread(hotline.load, self.settings.root)
        self._definition_problem = ""
        if self._term is not None:
            await self._term.set_policy()
        await self._set_admission()
        return self.definitions.source

    async def _set_admission(self) -> None:
        wanted = _admitting(self._site, self.definitions)
        if wanted == self._site or self.settings.asterisk:
            return
        self._site = wanted
        self._reloads += (await asyncio.to_thread(configure.configure, wanted)).reloads
        if self._term is not None:
            reloads, self._reloads = self._reloads, ()
            await self._term.reload(reloads)

    async def _watch_definitions(self) -> None:
        home = self.settings.root
        (home / "flows").mkdir(exist_ok=True)
        async for changes in awatch(home, home / "flows", recursive=False, watch_filter=_is_definition):
            try:
                _log.info("definitions taken over", files=[path for _, path in changes], source=await self.reload())
            except (DefinitionFault, SiteError) as error:
                self._definition_problem = str(error)
                _log.error("the edited definitions cannot be used: the old ones stay", error=str(error))
            except NotLeading:
                _log.info("definitions were edited: the server that leads takes them over")

    def _child_state(self, name: str, state: str) -> None:
        self._states[name] = str(state)

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                _log.exception("a part of the server failed")

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Stopping

    async def stop(self) -> None:
        """Finish what can be finished, then undo everything that `start` did, last first."""
        self._draining = True
        if self._term is not None:
            await self._term.drain(self._say, self._hurried)
        for task in list(self._tasks):
            await end(task)
        if self._term is not None:
            await self._term.stop()
        for undo in reversed(self._undo):
            try:
                await undo()
            except Exception:
                _log.exception("a part of the server did not stop in order")
        if self._home_lock:
            self._home_lock.close()

    def hurry(self) -> None:
        """Wait for nothing more while stopping."""
        self._hurried.set()

    async def _stop_children(self) -> None:
        await self._children.stopService().asFuture(asyncio.get_running_loop())


def _lives(child: Child) -> bool:
    """Whether an earlier server's child still runs, to be adopted."""
    identity = read_identity(child.identity)
    descriptor = hold(identity) if identity is not None else None
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def _admitting(site: Site, definitions: Definitions) -> Site:
    """The site with the limits and the music that the definitions set."""
    limits = definitions.admission
    admitting = replace(
        site,
        max_calls=limits.max_calls,
        calls_per_second=limits.max_calls_per_second,
        away_after=limits.server_away_seconds,
        music={hotline.HOUSE_MUSIC: hotline.MUSIC, **definitions.own_music},
    )
    if admitting.places < limits.max_calls:
        _log.warning("max_calls is lowered: SANSHENG_RTP_PORTS carries no more", admitted=admitting.places)
    return admitting


def _is_definition(_: object, path: str) -> bool:
    return path.endswith("hotline.toml") or (path.endswith(".toml") and Path(path).parent.name == "flows")
