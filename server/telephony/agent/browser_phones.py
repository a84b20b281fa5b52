"""Law: an agent has one browser's phone at a time, and a page that is gone has none.

A page asks for a secret (`open`), registers through the server's WebSocket (`attach`), and signs off (`close`). While
its connection lives, another page takes the phone over only when it says so; a page whose secret was given to another,
or taken away, is disconnected at once.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import structlog

from server.telephony.ami.link import AmiError, AmiLost
from server.telephony.asterisk.pjsip import REALM
from server.telephony.asterisk.web_secrets import Holder, WebSecrets, new_digest
from server.usecases.errors import Conflict
from server.usecases.page_phones import SIGNED_OFF, STOPPING, TAKEN_OVER, Line, OpenedPhone, PhoneInUse

_log = structlog.get_logger("browser_phones")
LEAVES_SOON = 0.5
"""Seconds within which the connection of a page that is gone is seen to be gone."""
LEAVES_WITHIN = 2.0
"""Seconds that a disconnected page's contact has to go before the next page is let in."""


@dataclass(eq=False, slots=True)
class Connection(Line):
    """One page's connection, while it lives. `over` has the close code once it is to end."""

    holder: Holder
    over: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def device(self) -> str:
        """The PJSIP endpoint of the page."""
        return self.holder.device

    async def ended(self) -> int:
        """Return the close code when this page is to be disconnected."""
        return await asyncio.shield(self.over)

    def end(self, code: int) -> None:
        """Disconnect the page."""
        if not self.over.done():
            self.over.set_result(code)


class BrowserPhones:
    """The pages' phones of one lead. `opened` and `gone` are told the agent whose page asked, or was disconnected."""

    def __init__(self, store: WebSecrets, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._holders: dict[str, Holder] = {}
        self._connections: dict[str, Connection] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.opened: Callable[[str], None] = lambda agent: None
        self.gone: Callable[[str], None] = lambda agent: None

    async def begin(self) -> None:
        """Know the phones of before this lead. Raises the link's errors."""
        self._holders |= {holder.agent: holder for holder in await self._store.holders()}
        for holder in list(self._holders.values()):
            if holder.expires_at <= self._clock():
                await self.close(holder.agent)

    async def stop(self) -> None:
        """Disconnect every page: the next lead takes them on."""
        for connection in self._connections.values():
            connection.end(STOPPING)

    def connected(self, agent: str) -> bool:
        """Whether a page of this agent is connected."""
        return agent in self._connections

    async def open(self, agent: str, sign_in: str, expires_at: float, *, take_over: bool) -> OpenedPhone:
        """Give a page a secret; whoever had one loses it. Raises PhoneInUse while another page is connected, unless it
        is to be taken over, and Conflict when Asterisk cannot be told."""
        async with self._locks.setdefault(agent, asyncio.Lock()):
            other = self._connections.get(agent)
            if other is not None and not take_over:
                # A page that is reloaded may be here before its old connection is seen to be gone.
                with suppress(TimeoutError):
                    await asyncio.wait_for(other.left.wait(), LEAVES_SOON)
                other = self._connections.get(agent)
            if other is not None and not take_over:
                raise PhoneInUse(f"the phone of agent {agent} is in another page: close that one, or take it over")
            holder, ha1 = Holder(agent, secrets.token_urlsafe(12), sign_in, expires_at), new_digest(agent)
            await self._tell(self._store.put(holder, ha1))
            self._holders[agent] = holder
            if other is not None:
                await self._disconnect(other, TAKEN_OVER)
            self.opened(agent)
            _log.info("a page has the phone of its sign-in", agent=agent, taken_over=other is not None)
            return OpenedPhone(holder.id, holder.device, REALM, ha1, expires_at)

    async def close(self, agent: str, sign_in: str | None = None, id: str | None = None) -> None:
        """Take the secret away and disconnect the page; of one sign-in or of one page alone, if it is named. Raises
        Conflict."""
        async with self._locks.setdefault(agent, asyncio.Lock()):
            holder = self._holders.get(agent)
            if holder is None or sign_in not in (None, holder.sign_in) or id not in (None, holder.id):
                return
            await self._tell(self._store.remove(agent))
            del self._holders[agent]
            if (connection := self._connections.get(agent)) is not None:
                await self._disconnect(connection, SIGNED_OFF)
            _log.info("a page's phone is signed off", agent=agent)

    def holders(self) -> list[tuple[str, str]]:
        """(agent, sign-in) of every phone that is in a page."""
        return [(holder.agent, holder.sign_in) for holder in self._holders.values()]

    @contextmanager
    def attach(self, agent: str, id: str, sign_in: str) -> Iterator[Connection]:
        """A page connects, until the end of the block. Raises Conflict for a page without a valid secret."""
        holder = self._holders.get(agent)
        if holder is None or (holder.id, holder.sign_in) != (id, sign_in) or holder.expires_at <= self._clock():
            raise Conflict("this page has no phone, or not any more: ask for one with POST /api/v1/phone")
        if (before := self._connections.get(agent)) is not None:
            before.end(STOPPING)  # of the same page: it broke, and that was not noticed yet
        connection = self._connections[agent] = Connection(holder)
        try:
            yield connection
        finally:
            connection.left.set()
            if self._connections.get(agent) is connection:
                del self._connections[agent]
                self.gone(agent)

    async def _disconnect(self, connection: Connection, code: int) -> None:
        connection.end(code)
        try:
            await asyncio.wait_for(connection.left.wait(), LEAVES_WITHIN)
        except TimeoutError:
            _log.warning("a page is not disconnected yet", agent=connection.holder.agent)

    @staticmethod
    async def _tell(telling: object) -> None:
        try:
            await telling  # type: ignore[misc]
        except AmiLost as error:
            raise Conflict(f"there is no link to Asterisk now: {error}") from None
        except AmiError as error:
            raise Conflict(f"Asterisk did not take the phone's secret: {error}") from None
