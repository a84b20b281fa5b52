"""The only wiring: which part stands on which, and in what order they start and stop."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import structlog
from prometheus_client import CollectorRegistry
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError
from twisted.internet.defer import maybeDeferred
from watchfiles import awatch

import acd.events as acd
from server import definitions as hotline
from server.calls import Stage
from server.children import Child, ChildError, Children
from server.children import State as ChildState
from server.config import Settings
from server.definitions import Definitions
from server.dispatcher import Dispatcher
from server.log import Lease, Log, follower
from server.metrics import Metrics
from server.notes import ServerStarted
from server.provision import ProvisionError, default_cache, provision
from server.records import Records
from server.standby import rebuild
from server.state import State
from server.storage.database import DatabaseError, open_database
from server.storage.follower import ProjectorLoop
from server.storage.migrate import migrate
from server.storage.objects import FolderStore, key_for
from server.storage.projector import Projector
from server.telephony.agent_phone import AgentPhone
from server.telephony.agent_side import AgentSide
from server.telephony.ami import Ami, AmiError, LinkState
from server.telephony.asterisk import configure
from server.telephony.asterisk.files import AMI_USER
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.ready import readiness
from server.telephony.asterisk.site import Site, SiteError, site
from server.telephony.fastagi import AgiCall, AgiFactory
from server.telephony.features import Features
from server.telephony.intake import Intake
from server.telephony.joiner import Joiner
from server.telephony.legs import Legs
from server.telephony.session import Callers, Places
from server.telephony.transfers import Conversations
from server.telephony.work_numbers import WorkNumbers
from server.toml import DefinitionFault
from server.web.api import make_api
from server.web.serve import HttpServer

_log = structlog.get_logger("app")
_AMI_DEADLINE = 20.0
_REDIS_DEADLINE = 20.0


class StartError(Exception):
    """The server cannot start; the text says why and what to do."""


class App:
    """One server: from an empty home to a hotline that takes calls, and back."""

    def __init__(self, settings: Settings, reactor: Any, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.token = ""
        self.registry = CollectorRegistry()
        self.definitions: Definitions
        self.dispatcher: Dispatcher
        self.phones: PhoneBook
        self.records: Records
        self._reactor, self._say = reactor, say
        self._children = Children(reactor)
        self._states: dict[str, str] = {}
        self._site: Site
        self._definition_problem = ""
        self._tasks: list[asyncio.Task[Any]] = []
        self._home_lock: IO[str] | None = None
        self._listening: Any = None
        self._stages: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """What must be undone, last first."""
        self._ready = False
        self._draining = False
        self._hurried = asyncio.Event()
        self.fenced = asyncio.Event()

    # Starting

    async def start(self) -> None:
        """Return when calls are taken. Raises StartError."""
        try:
            await self._start()
        except (SiteError, ProvisionError, ChildError, DatabaseError, AmiError) as error:
            raise StartError(str(error)) from error

    async def _start(self) -> None:
        self._prepare_home()
        await self._start_children()
        log = await self._open_log()
        lease, state = await self._lead(log)
        await self._open_records(log)
        await self._begin(log, lease, state)
        await self._open_telephony()
        await self._open_web()
        self._ready = True

    def _prepare_home(self) -> None:
        home = self.settings.root
        try:
            for name in ("redis", "secrets", "messages", "recordings", "log"):
                (home / name).mkdir(parents=True, exist_ok=True)
            (home / "secrets").chmod(0o700)
            self._home_lock = (home / "lock").open("w")
            fcntl.flock(self._home_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                f"another server runs in {home}: stop it, or set SANSHENG_HOME to another folder"
            ) from None
        except OSError as error:
            raise StartError(f"{home} cannot be used ({error.strerror}): mend it, or set SANSHENG_HOME") from None
        if not self.settings.token_file.exists():
            self.settings.token_file.touch(mode=0o600)
            self.settings.token_file.write_text(secrets.token_urlsafe(32) + "\n", encoding="ascii")
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
            folder = settings.redis_socket.parent
            options = {
                "port": "0",
                "unixsocket": str(settings.redis_socket),
                "unixsocketperm": "700",
                "dir": str(folder),
                "appendonly": "yes",
                # A decision is acted upon when its entry is written: it must survive the machine, too.
                "appendfsync": "always",
                "save": "",
                "maxmemory-policy": "noeviction",
            }
            words = [word for name, value in options.items() for word in (f"--{name}", value)]
            self._children.add(
                Child("redis", redis.argv("redis-server", *words), folder, redis.env), on_state=self._child_state
            )
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
            music={"default": hotline.MUSIC},
        )
        self._site = _admitting(self._site, self.definitions)
        await asyncio.to_thread(configure.configure, self._site)
        if not settings.asterisk:
            self._children.add(
                Child(
                    "asterisk",
                    asterisk.argv("asterisk", *configure.arguments(self._site)),
                    self._site.layout.root,
                    asterisk.env,
                ),
                ready=readiness(self._site),
                on_state=self._child_state,
            )
        self._stages.append(self._stop_children)
        self._children.startService()

    async def _open_log(self) -> Log:
        redis = Redis.from_url(self.settings.log_url, protocol=2, socket_timeout=5, socket_connect_timeout=2)
        self._stages.append(redis.aclose)
        deadline = asyncio.get_running_loop().time() + _REDIS_DEADLINE
        while True:
            try:
                await redis.ping()
                return Log(redis)
            except (RedisError, OSError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StartError(f"Redis at {self.settings.log_url} does not answer: {error}") from None
                await asyncio.sleep(0.02)

    async def _lead(self, log: Log) -> tuple[Lease, State]:
        """Play along until the lead is free; then the state is the log's last word."""
        node = f"{self.settings.node}:{self.settings.agi_port}"
        said = False
        while (lease := await log.acquire(node, self.settings.lease_seconds)) is None:
            if not said:
                self._say(f"{await log.holder()} leads: standing by")
                said = True
            await asyncio.sleep(self.settings.lease_seconds / 4)
        return lease, await rebuild(log)

    async def _open_records(self, log: Log) -> None:
        database = open_database(self.settings.records_url)
        await asyncio.to_thread(migrate, database.write)
        reading = SyncRedis.from_url(self.settings.log_url, protocol=2, socket_timeout=5, socket_connect_timeout=2)
        self._projecting = ProjectorLoop(Projector(database.write), follower(reading))
        self.records = Records(database.read, self._projecting, lambda: self.dispatcher.state.position)
        self._projecting.start()

        async def close() -> None:
            await asyncio.to_thread(self._projecting.stop)
            database.dispose()

        self._stages.append(close)

    async def _begin(self, log: Log, lease: Lease, state: State) -> None:
        self.dispatcher = Dispatcher(
            log, lease, state, lease_ttl=self.settings.lease_seconds, on_lost=lambda why: self.fenced.set()
        )
        self.dispatcher.trim_behind = lambda: self._projecting.progress().cursor
        self.metrics = Metrics(self.registry, self.dispatcher)
        await self.dispatcher.start()
        self._stages.append(self.dispatcher.stop)
        await self.dispatcher.record(ServerStarted(lease.node, lease.token))
        await self._set_policy()
        self._run(self._watch_definitions())

    async def _open_telephony(self) -> None:
        home, settings = self.settings.root, self.settings
        places = Places(hotline.PROMPTS, self._site.layout.recordings, home / "messages")
        host = settings.asterisk or "127.0.0.1"
        user = settings.asterisk_user if settings.asterisk else AMI_USER
        secret = settings.asterisk_secret or configure.secret(self._site.layout, configure.AMI_SECRET)
        self.ami = Ami(host, settings.ami_port, user, secret)
        self.phones = PhoneBook(self._site, self.ami, self._agents)
        await asyncio.to_thread(configure.configure_agents, self._site, self.phones.phones())
        self.joiner = Joiner(self.dispatcher, FolderStore(home / "recordings"), key_for)
        self.legs = Legs(self.dispatcher, self.ami, recording_prefix=places.recording, on_final=self.joiner.final)
        self.conversations = Conversations(
            self.dispatcher, self.legs, self.ami, lambda: self.definitions, trunk=bool(settings.trunk)
        )
        Features(self.conversations, self.legs, self.ami)
        self.ami.on_state(self._link_changed)
        self.ami.start()
        self._stages.append(self.ami.close)
        try:
            await self.ami.up(_AMI_DEADLINE)
        except (AmiError, TimeoutError) as error:
            raise StartError(f"Asterisk's management port does not let us in: {self.ami.why or error}") from None
        if not settings.asterisk:
            try:
                await self._children.wait("asterisk", ChildState.READY, _AMI_DEADLINE)
            except TimeoutError:
                raise StartError(self._children.why("asterisk")) from None
        await self.legs.reconcile()
        node = f"{settings.node}:{settings.agi_port}"
        callers = Callers(
            self.dispatcher,
            self.legs,
            self.ami,
            lambda: self.definitions,
            places,
            node,
            self.phones.device,
            WorkNumbers(hotline.PROMPTS, home / "cache" / "work-numbers").file,
        )
        agent_phone = AgentPhone(self.dispatcher, hotline.PROMPTS)
        handlers: dict[str, Callable[[AgiCall], Coroutine[Any, Any, None]]] = {
            "agent": agent_phone,
            "outbound": agent_phone,
            "agent-side": AgentSide(self.dispatcher, self.legs, self.phones.device, hotline.PROMPTS),
        }

        async def serve(agi: AgiCall) -> None:
            await handlers.get(agi.script, callers)(agi)

        self._agi = AgiFactory(serve)
        try:
            self._listening = self._reactor.listenTCP(settings.agi_port, self._agi, interface=settings.bind)
        except Exception as error:
            raise StartError(f"port {settings.agi_port} cannot be had ({error}): set SANSHENG_AGI_PORT") from None
        self._stages.append(self._close_agi)
        self._run(self.joiner.run())
        self._run(Intake(self.dispatcher, self._site.layout.callbacks, node).run())

    async def _open_web(self) -> None:
        http = HttpServer(make_api(self), self.settings.bind, self.settings.http_port)
        try:
            await http.start()
        except OSError as error:
            raise StartError(str(error)) from None
        self._stages.append(http.stop)

    # Running

    def problems(self) -> list[str]:
        """Why a call could not be taken now, as sentences; empty when it could."""
        found = []
        if not self._ready:
            found.append("the server is starting")
        if self._draining:
            found.append("the server is stopping: calls in progress are finished, no new ones are taken")
        found += [
            self._children.why(name) or f"{name} is {state}" for name, state in self._states.items() if state != "ready"
        ]
        if self._ready:
            if self.dispatcher.problem:
                found.append(self.dispatcher.problem)
            if self.ami.state is not LinkState.UP:
                found.append(f"the link to Asterisk is {self.ami.state}: {self.ami.why}")
        return found

    def warnings(self) -> list[str]:
        """What needs somebody's attention although calls are taken."""
        found = [self._definition_problem] if self._definition_problem else []
        if self._ready and self.joiner.problem:
            found.append(self.joiner.problem)
        if error := self._projecting.progress().error:
            found.append(f"the records are behind the log: {error}")
        return found

    @property
    def skills(self) -> frozenset[str]:
        """Every skill that the hotline's definitions name."""
        return frozenset(self.definitions.policy.skills)

    async def reload(self) -> str:
        """Take over edited definitions; calls in progress go on with theirs. Raises DefinitionFault (a ValueError)."""
        self.definitions = await asyncio.to_thread(hotline.load, self.settings.root)
        self._definition_problem = ""
        await self._set_policy()
        await self._set_admission()
        return self.definitions.source

    async def _set_policy(self) -> None:
        if self.dispatcher.state.floor.policy != self.definitions.policy:
            await self.dispatcher.record(acd.PolicySet(self.definitions.policy, self.definitions.source))

    async def _set_admission(self) -> None:
        wanted = _admitting(self._site, self.definitions)
        if wanted == self._site:
            return
        self._site = wanted
        written = await asyncio.to_thread(configure.configure, wanted)
        for module in written.reloads:
            with suppress(AmiError):
                await self.ami.action("Reload", Module=module)

    async def _watch_definitions(self) -> None:
        home = self.settings.root
        (home / "flows").mkdir(exist_ok=True)
        async for changes in awatch(home, home / "flows", recursive=False, watch_filter=_is_definition):
            try:
                _log.info("definitions taken over", files=[path for _, path in changes], source=await self.reload())
            except DefinitionFault as error:
                self._definition_problem = str(error)
                _log.error("the edited definitions cannot be used: the old ones stay", error=str(error))

    def _agents(self) -> list[tuple[str, str]]:
        return [(agent.id, agent.contact) for agent in self.dispatcher.state.floor.agents()]

    def _link_changed(self, *_: object) -> None:
        if self._ready and self.ami.state is LinkState.UP:
            self._run(self.legs.reconcile())

    def _child_state(self, name: str, state: str) -> None:
        self._states[name] = str(state)

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                _log.exception("a part of the server failed")

        task = asyncio.create_task(guarded())
        self._tasks.append(task)
        task.add_done_callback(self._tasks.remove)

    # Stopping

    async def stop(self) -> None:
        """Finish what can be finished, then undo everything that `start` did, last first."""
        self._draining = True
        if self._ready:
            await self._drain()
        for task in list(self._tasks):
            task.cancel()
        for undo in reversed(self._stages):
            with suppress(Exception):
                await undo()
        if self._home_lock:
            self._home_lock.close()

    async def _drain(self) -> None:
        """Wait for conversations to end; whoever still waits then is promised a callback."""
        self._agi.draining = True
        talking = [call for call in self.dispatcher.state.calls if call.stage is Stage.TALKING]
        if talking:
            self._say(f"finishing {len(talking)} conversations, {self.settings.drain_seconds:g} s at most")
            over = asyncio.ensure_future(
                self.dispatcher.until(
                    lambda state: not any(call.stage is Stage.TALKING for call in state.calls),
                    self.settings.drain_seconds,
                )
            )
            hurried = asyncio.ensure_future(self._hurried.wait())
            await asyncio.wait({over, hurried}, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            hurried.cancel()

    def hurry(self) -> None:
        """Wait for nothing more while stopping."""
        self._hurried.set()

    async def _close_agi(self) -> None:
        stopped = maybeDeferred(self._listening.stopListening)
        await stopped.asFuture(asyncio.get_running_loop())
        await self._agi.close()

    async def _stop_children(self) -> None:
        await self._children.stopService().asFuture(asyncio.get_running_loop())


def _admitting(site: Site, definitions: Definitions) -> Site:
    """The site with the limits that the definitions set."""
    limits = definitions.admission
    return replace(
        site,
        max_calls=limits.max_calls,
        calls_per_second=limits.max_calls_per_second,
        away_after=limits.server_away_seconds,
    )


def _is_definition(_: object, path: str) -> bool:
    return path.endswith("hotline.toml") or (path.endswith(".toml") and Path(path).parent.name == "flows")
