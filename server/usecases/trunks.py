"""Acts on the trunks: their state, which of them a number goes by, a call that tries one, a trace for the carrier."""

from __future__ import annotations

from typing import Any

from server.hotline.parties import canonical
from server.usecases.errors import Conflict, Invalid
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts

LONGEST_TRACE = 300.0
"""Seconds."""


class TrunkActs(Acts):
    """Every act raises Forbidden and NotLeading."""

    async def state(self, who: Principal) -> list[dict[str, Any]]:
        """Each trunk: name, up, registered, calls, max_calls, problem; in the order in which calls try them."""
        self.permissions.require(who, Act.READ_TRUNKS)
        return self._server.trunks.state()

    async def routes(self, who: Principal, number: str) -> list[dict[str, Any]]:
        """For each trunk: the number as it would dial it, the number that it shows, and why it would not be taken.

        Raises Invalid for what is no number.
        """
        self.permissions.require(who, Act.READ_TRUNKS)
        return self._server.trunks.routes_of(self._dialled(number))

    async def test(self, who: Principal, number: str) -> dict[str, Any]:
        """Call the number for a moment; the carrier's answer. Raises Invalid and Conflict."""
        self.permissions.require(who, Act.TEST_TRUNK)
        number = self._dialled(number)
        callback = self._server.definitions.callback
        if (checked := callback.check(number)).reason not in ("", "own"):
            raise Invalid("number", checked.sentence)
        await self._record(who, Act.TEST_TRUNK, subject=f"a call to {number}")
        return await self._server.trunks.test(number, callback.outgoing)

    async def trace(self, who: Principal, seconds: float) -> str:
        """The SIP messages of the next seconds, masked. Raises Invalid and Conflict."""
        self.permissions.require(who, Act.TRACE_TRUNKS)
        if not 0 < seconds <= LONGEST_TRACE:
            raise Invalid("time", f"seconds must be from 1 to {LONGEST_TRACE:g}")
        if self._server.trunks.tracing:
            raise Conflict("another trace is being made: wait until it ends")
        await self._record(who, Act.TRACE_TRUNKS, subject=f"{seconds:g} s")
        return await self._server.trunks.trace(seconds)

    def _dialled(self, number: str) -> str:
        found = canonical(number, self._server.definitions.callback.region)
        if not found.lstrip("+").isdecimal():
            raise Invalid("number", f"{number[:40]} is no number that can be dialled")
        return found
