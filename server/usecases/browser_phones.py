"""Acts on the phone in the agent's browser: a page is given the phone of its sign-in, and signs it off.

The secret is of this sign-in alone. It ends with it: by sign-off, by sign-out, when the session is over, and when the
user is disabled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from redis.exceptions import RedisError

from server.hotline.dispatcher import NotLeading
from server.usecases.errors import Conflict, NotFound
from server.usecases.page_phones import GUESTS, Line, OpenedPhone
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server
from server.usecases.sign_in import SignInActs

_log = structlog.get_logger("browser_phones")

EVERY = 2.0
"""Seconds between two looks at which sign-ins hold."""
LASTS = 24 * 3600.0
"""Seconds for which a page's secret holds, if nothing ends it earlier."""
GUEST_LASTS = 3600.0


class BrowserPhoneActs(Acts):
    """`sign_in` says which sessions hold. Acts raise Forbidden, Conflict for a principal without a work number,
    NotFound for one whose agent is gone, and NotLeading."""

    def __init__(self, server: Server, sign_in: SignInActs, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._sign_in = sign_in

    async def open(self, who: Principal, *, take_over: bool = False) -> OpenedPhone:
        """The phone of the principal's own work number, for one page. Raises PhoneInUse."""
        agent = self._own(who)
        return await self._server.page_phones.open(agent, sign_in_of(who), self._clock() + LASTS, take_over=take_over)

    async def close(self, who: Principal, id: str | None = None) -> None:
        """The page goes, or wants no phone any more: agents are not rung there. Nothing happens without a phone, nor
        when another page than the one with this id has it by now."""
        await self._server.page_phones.close(self._own(who), sign_in_of(who), id)

    async def open_guest(self, who: Principal) -> tuple[str, OpenedPhone]:
        """(guest, a phone that is no agent's): its calls come in as a caller's. Raises Conflict when all are in use."""
        self.permissions.require(who, Act.TRY_CALL)
        phones, sign_in = self._server.page_phones, sign_in_of(who)
        held = {agent: by for agent, by in phones.holders() if agent in GUESTS}
        free = [each for each in GUESTS if held.get(each) == sign_in] + [each for each in GUESTS if each not in held]
        if not free:
            raise Conflict(f"all {len(GUESTS)} phones for trying are in use: wait until one is put away")
        opened = await phones.open(free[0], sign_in, self._clock() + GUEST_LASTS, take_over=True)
        return free[0], opened

    async def close_guest(self, who: Principal) -> None:
        """The page has tried enough."""
        self.permissions.require(who, Act.TRY_CALL)
        phones, sign_in = self._server.page_phones, sign_in_of(who)
        for agent, held_by in phones.holders():
            if agent in GUESTS and held_by == sign_in:
                await phones.close(agent, sign_in)

    def connect(self, who: Principal, id: str) -> AbstractContextManager[Line]:
        """The page with this id connects. Raises Conflict when it has no phone any more."""
        guest, _, own = id.partition(".")
        if guest in GUESTS:
            self.permissions.require(who, Act.TRY_CALL)
            return self._server.page_phones.attach(guest, own, sign_in_of(who))
        return self._server.page_phones.attach(self._own(who), id, sign_in_of(who))

    async def signed_out(self, sign_in: str) -> None:
        """This sign-in is over, for whatever reason: its phone is signed off."""
        phones = self._server.page_phones
        for agent, held_by in phones.holders():
            if held_by == sign_in:
                await phones.close(agent, sign_in)

    async def keep(self) -> None:
        """Sign off the phones of sign-ins that hold no more, again and again, until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._sign_off()
            except (Conflict, NotLeading, RedisError) as error:
                _log.info("pages' phones cannot be compared with their sign-ins now", why=str(error))

    async def _sign_off(self) -> None:
        holders = self._server.page_phones.holders()
        if not holders:
            return
        hold = {each.id for each in await self._server.sessions.all() if self._sign_in.holds(each)}
        now = self._clock()
        hold |= {_token(each.issued.name) for each in self._view.access_tokens if each.holds(now)}
        for agent, sign_in in holders:
            known = agent in GUESTS or self._view.floor.agent(agent) is not None
            if sign_in not in hold or not known:
                await self._server.page_phones.close(agent, sign_in)

    def _own(self, who: Principal) -> str:
        self.permissions.require(who, Act.USE_PHONE)
        if not who.agent:
            raise Conflict("this sign-in has no work number: a phone in the browser is an agent's")
        if self._view.floor.agent(who.agent) is None:
            raise NotFound(f"there is no agent {who.agent}: add one with `sansheng agent add {who.agent} …`")
        return who.agent


def sign_in_of(who: Principal) -> str:
    """What a page's secret belongs to: the session, or the access token by its name."""
    return who.sign_in or _token(who.name)


def _token(name: str) -> str:
    return f"token {name}"
