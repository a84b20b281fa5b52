"""Which server leads: this one stands by, takes the lead when it is free, and stands by again when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from server.eventlog.log import Lease, Log
from server.hotline.dispatcher import NotLeading
from server.hotline.standby import Standby
from server.hotline.state import HotlineState
from server.leadership import Leadership

_log = structlog.get_logger("election")
_NOTHING_YET = HotlineState()
_PAUSE = 1.0
"""Seconds after a lead that could not begin."""


class Election:
    """One server's part in it. `begin` starts a lead with its lease and with the state that the log has then.

    `node` is this server's name, a lease lasts `ttl` seconds, `say` tells the operator who leads, `address` is where
    people reach this server's pages.
    """

    def __init__(
        self,
        node: str,
        ttl: float,
        begin: Callable[[Log, Lease, HotlineState], Awaitable[Leadership]],
        say: Callable[[str], None],
        address: str = "",
    ) -> None:
        self.leadership: Leadership | None = None
        """This server's lead; None while it does not lead."""
        self._node, self._ttl, self._begin, self._say = node, ttl, begin, say
        self._address = address
        self._standby: Standby | None = None
        self._why_not = ""

    async def lead(self, log: Log) -> None:
        """Return when this server leads and takes calls; until then it stands by. Raises as `begin` does.

        A lead that another server takes while it begins is no fault: this server stands by for the next.
        """
        while True:
            self._standby = Standby(log, self._node, self._ttl, self._address)
            lease, state = await self._standby.lead(lambda leader: self._say(f"{leader} leads: standing by"))
            try:
                leadership = await self._begin(log, lease, state)
            except NotLeading as error:
                _log.warning("the lead was lost while it began", why=str(error))
                await asyncio.sleep(_PAUSE)
                continue
            self._standby, self.leadership = None, leadership
            return

    async def lead_again(self, log: Log) -> None:
        """Whenever the lead is lost: let go of everything, stand by, and lead when it is this server's turn again."""
        while True:
            if self.leadership is not None:
                lost = self.leadership
                await lost.lost.wait()
                self.leadership, self._why_not = None, lost.dispatcher.problem
                self._say(f"{self._why_not}: standing by")
                await lost.stop()
            try:
                await self.lead(log)
                self._why_not = ""
                self._say("leading again")
            except Exception as error:
                # The cause may be gone the next time: a server that gave up would never take over.
                self._why_not = str(error)
                _log.exception("this server cannot lead")
                await asyncio.sleep(_PAUSE)

    def leading(self) -> Leadership:
        """This server's lead. Raises NotLeading, which names the server that leads."""
        if self.leadership is None:
            address = self._standby.leader_address if self._standby is not None else ""
            raise NotLeading(f"{self.why_not()}: ask the server that leads", address)
        return self.leadership

    def why_not(self) -> str:
        """Why this server does not lead, as a sentence."""
        if self._standby is not None and self._standby.problem:
            return self._standby.problem
        if self._standby is not None and self._standby.leader:
            return f"this server stands by, {self._standby.leader} leads"
        return self._why_not or "the server is starting"

    def state(self) -> HotlineState:
        """What the log says now, as far as this server has played it."""
        if self.leadership is not None:
            return self.leadership.dispatcher.state
        return self._standby.state if self._standby is not None else _NOTHING_YET
