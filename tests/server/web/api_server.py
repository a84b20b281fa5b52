"""A server without Asterisk, for tests of the API: real Redis, dispatcher, projector and SQLite."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from redis import Redis as SyncRedis
from redis.asyncio import Redis

import acd.events as acd
from acd.callbacks.events import CallbackPolicySet
from acd.policy.definitions import Requirement, Skill
from server.config import Settings
from server.eventlog.log import Log, follower
from server.hotline import definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.examination import Found, examine
from server.hotline.state import HotlineState
from server.hotline.view import View
from server.metrics import Metrics
from server.storage.attempts import Attempts
from server.storage.database import Database, open_database
from server.storage.derivation.workshop import Workshop, environment_of
from server.storage.drafts import Drafts
from server.storage.projector import Projector
from server.storage.projector_loop import ProjectorLoop
from server.storage.reader import Records
from server.storage.sessions import Sessions
from server.storage.sound import SoundFiles
from server.storage.sound_bytes import SoundBytes
from server.storage.stores import open_store
from server.storage.webhook_outbox import Outbox
from server.telephony.asterisk.site import AgentPhone
from server.usecases.errors import Conflict
from server.usecases.groups import UseCases
from server.usecases.passwords import Passwords
from server.usecases.principal import Principal, Role
from server.web.api.application import make_api
from server.web.authentication import Authentication
from server.web.openid import OpenId
from server.web.problem_types import TYPES
from tests.redis_server import RedisServer, redis_server
from tests.told_files import untold_keys

__all__ = ["redis_server"]

TOKEN = "a-token-for-tests"
OWNER = Principal("owner of the machine", Role.ADMINISTRATOR, "test")
QUICK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
"""Makes digests at once."""
COMPLAINT = Requirement((Skill("complaint"),))


class Phones:
    """Telephones as the product checks them, without an Asterisk to ring them."""

    def __init__(self) -> None:
        self.known: dict[str, AgentPhone] = {}

    async def set(self, agent: str, secret: str, contact: str) -> None:
        self.known[agent] = AgentPhone(agent, "" if contact else secret or "made-up-secret", contact)

    async def set_all(self, wanted: Sequence[tuple[str, str, str]]) -> None:
        for each in wanted:
            await self.set(*each)

    async def remove(self, agent: str) -> None:
        self.known.pop(agent, None)


class Standing:
    """Stands for a part of the server under test, whichever that is when it is asked for something."""

    def __init__(self, part: Callable[[], Any]) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part(), name)


class StandingActs:
    """Stands for the acts of the server under test: each group is a `Standing`."""

    def __getattr__(self, name: str) -> Standing:
        return Standing(lambda: getattr(ApiServer.under_test.acts, name))


@cache
def shared_application() -> FastAPI:
    """The API of the server under test. To make one takes longer than most tests, so each process makes one alone."""
    return new_application()


def new_application(proxies: tuple[str, ...] = (), openid: OpenId | None = None) -> FastAPI:
    """The API of the server under test, as after a restart; behind these proxies, with this provider."""
    acts: Any = StandingActs()
    watched: Any = Standing(lambda: ApiServer.under_test)
    redis: Any = Standing(lambda: ApiServer.under_test.redis)
    return make_api(
        acts,
        watched,
        lambda scope, headers: ApiServer.under_test.authentication(scope, headers),
        redis=redis,
        proxies=proxies,
        openid=openid,
    )


@cache
def usual_definitions() -> definitions.Definitions:
    """The definitions of a home that has none of its own."""
    return definitions.load(Path("/nowhere"))


class ApiServer:
    """A server without Asterisk."""

    under_test: ApiServer

    def __init__(self, dispatcher: Dispatcher, records: Records, home: Path) -> None:
        self.dispatcher, self.records, self.home = dispatcher, records, home
        self.view = View(lambda: dispatcher.state)
        self.phones, self.token, self.registry = Phones(), TOKEN, CollectorRegistry()
        self.outside_calls, self.node = False, "one"
        self.authority = b""
        self.redis: Redis | None = None
        self.outbox: Outbox
        self.sessions: Sessions
        self.attempts: Attempts
        self.drafts: Drafts
        self.sound_bytes: SoundBytes
        self.database: Database
        self.definitions = usual_definitions()
        self.identity_key = b"a key for tests"
        self.wrong: list[str] = []
        self.doubtful: list[str] = []
        metrics = Metrics(self.registry, View(lambda: dispatcher.state), unwritable=lambda: dispatcher.refused)
        dispatcher.listen(metrics.follow)
        settings = Settings(home=home)
        self.sound = SoundFiles(open_store(settings), Workshop(environment_of(settings)))
        self.acts = UseCases(self)
        self.acts.users.passwords = Passwords(QUICK)
        self.authentication = Authentication(lambda: self.token, self.acts.tokens, self.acts.links, self.acts.sign_in)

    @property
    def page_phones(self) -> Any:
        raise Conflict("no Asterisk here")

    @property
    def trunks(self) -> Any:
        raise Conflict("no Asterisk here")

    @property
    def conversation_channels(self) -> Any:
        raise Conflict("no Asterisk here")

    @property
    def recording_channels(self) -> Any:
        raise Conflict("no Asterisk here")

    @property
    def monitoring(self) -> Any:
        raise Conflict("no Asterisk here")

    def application(self) -> FastAPI:
        """The API of this server."""
        ApiServer.under_test = self
        return shared_application()

    def problems(self) -> list[str]:
        return self.wrong

    def warnings(self) -> list[str]:
        return self.doubtful

    def examine(self, home: Path) -> list[Found]:
        return examine(home, time.time())

    async def reload(self) -> str:
        self.definitions = definitions.load(self.home)
        return self.definitions.source

    async def tell(self, *events: object) -> None:
        """These happened, and the records show it."""
        await self.dispatcher.record(*events)
        assert await self.dispatcher.until(lambda state: not state.unwritten, 5)
        await self.records.caught_up()

    async def call(self, number: int, caller: str = "13800138000") -> None:
        """A call arrives."""
        await self.tell(acd.CallArrived(number, caller, "4001", f"PJSIP/{number}", f"u{number}", 0.0, "one"))

    async def queue(self, number: int, caller: str = "") -> None:
        now = self.dispatcher.state.at
        await self.tell(acd.CallQueued(number, "complaint", COMPLAINT, now, caller=caller, category="attitude"))


@asynccontextmanager
async def running(
    redis_server: RedisServer, database: Database, home: Path, *, pace: float = 0.0
) -> AsyncIterator[ApiServer]:
    """A server over this database, until the end of the block; its records take no rest unless `pace` says so."""
    redis = redis_server.connect()
    log = Log(redis)
    lease = await log.acquire("one", 10)
    assert lease is not None
    reading = SyncRedis.from_url(redis_server.url, protocol=2)
    following = ProjectorLoop(Projector(database.write), follower(reading), pace=pace, block_ms=50)
    following.start()
    dispatcher = Dispatcher(log, lease, HotlineState(), lease_ttl=10)
    await dispatcher.start()
    made = ApiServer(dispatcher, Records(database.read, following, lambda: dispatcher.state.position), home)
    made.sessions, made.attempts, made.drafts = Sessions(redis), Attempts(redis), Drafts(redis)
    made.sound_bytes = SoundBytes(redis)
    made.redis, made.outbox, made.database = redis, Outbox(database), database
    await made.tell(acd.PolicySet(made.definitions.policy), CallbackPolicySet(made.definitions.callback.policy))
    yield made
    await made.sound.close()
    await dispatcher.stop()
    await asyncio.to_thread(following.stop)
    with suppress(Exception):
        await redis.aclose()
    reading.close()


@pytest.fixture
async def server(redis_server: RedisServer, migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[ApiServer]:
    shutil.copy(migrated_sqlite, tmp_path / "records.db")
    database = open_database(f"sqlite:///{tmp_path / 'records.db'}")
    async with running(redis_server, database, tmp_path) as made:
        yield made
        with SyncRedis.from_url(redis_server.url) as redis:
            assert untold_keys(redis) == []
    database.dispose()


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client that has the token."""
    transport = httpx.ASGITransport(server.application(), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", headers=headers) as client:
        yield client


def refused(answer: httpx.Response, status: int) -> str:
    """The sentence of a problem, after looking at its shape."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status)
    kind = TYPES[body["type"].removeprefix("/problems/")]
    assert (kind.status, kind.title) == (status, body["title"])
    assert set(body) <= {"type", "title", "status", "detail", "reason", "errors"}
    return str(body["detail"])
