"""A short real call to a number, by the trunk that would take it, to learn the carrier's answer."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from dataclasses import dataclass
from typing import Any

from server.telephony.agi.server import AgiCall, AgiError
from server.telephony.ami.link import Ami
from server.telephony.trunks.outgoing import Dialled, Outgoing

RING_FOR = 20.0
TALK = 1
"""Seconds after which the call is hung up, when somebody picks up."""
_WITHIN = 60.0
_LONGEST = 60_000
"""Milliseconds that Asterisk keeps the line."""


@dataclass(slots=True)
class _Asked:
    number: str
    shows: str
    came: asyncio.Future[Dialled]


class Trial:
    """The handler of AGI connections from `trunk-test`, and the act that opens such a line."""

    def __init__(self, ami: Ami, outgoing: Outgoing) -> None:
        self._ami, self._outgoing = ami, outgoing
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}

    async def __call__(self, agi: AgiCall) -> None:
        """Dial the number that this line was opened for."""
        (which,) = agi.numbers(1)
        asked = self._asked.pop(which, None)
        if asked is None:
            await agi.hangup()
            return
        try:
            dialled = await self._outgoing.dial(agi, asked.number, RING_FOR, f"gS({TALK})", asked.shows)
        except (AgiError, ValueError) as error:
            dialled = Dialled("", detail=f"the call could not be placed: {error}")
        if not asked.came.done():
            asked.came.set_result(dialled)

    async def call(self, number: str, shows: str) -> dict[str, Any]:
        """Place the call: `answered`, `sip` (0: no answer), `trunk`, `detail`. Raises AmiError and TimeoutError."""
        which = next(self._numbers)
        asked = self._asked[which] = _Asked(number, shows, asyncio.get_running_loop().create_future())
        try:
            line = f"{secrets.randbelow(10**9):09d}-{which:06d}"
            await self._ami.originate(
                f"trial-{line}",
                variables=[f"__SANSHENG_TRIAL={which}"],
                Channel="Local/s@trunk-test",
                OtherChannelId=f"trialled-{line}",
                Application="Wait",
                Data="60",
                Timeout=str(_LONGEST),
            )
            async with asyncio.timeout(_WITHIN):
                dialled = await asked.came
        finally:
            self._asked.pop(which, None)
        return {
            "answered": dialled.answered,
            "sip": 200 if dialled.answered else dialled.sip,
            "trunk": dialled.trunk,
            "detail": dialled.detail,
        }
