"""One call to an outside number is one attempt, whatever trunks are tried: the next is asked only where a refusal says
nothing of the number.

The result is that of the last trunk. Every place that dials an outside number does it here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from server.hotline.trunks import LEGACY, Trunk, agent_endpoint
from server.telephony.agi.server import AgiCall
from server.telephony.channels import dial
from server.telephony.trunks.answers import REDIRECTED, names_trunk, sentence, sip_status
from server.telephony.trunks.routes import Trunks

_log = structlog.get_logger("trunks")
CLI = "trunk-cli^s^1"
"""What runs on the called channel before it is dialled: it takes the number that the call shows."""
SILENT = 6.4
"""Seconds until Asterisk gives a trunk up that says nothing."""
NO_TRUNK = "38"
"""The cause of a call that no trunk takes: network out of order."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """The end of a Dial: its DIALSTATUS and HANGUPCAUSE, the SIP status if one came, and the trunk it went by lastly.

    `refused_by_trunk`: the called number had no part in it. `detail` tells of every trunk that was tried.
    """

    status: str
    cause: str = ""
    sip: int = 0
    trunk: str = ""
    refused_by_trunk: bool = False
    detail: str = ""

    @property
    def answered(self) -> bool:
        """Whether somebody picked up."""
        return self.status == "ANSWER"

    @property
    def redirected(self) -> bool:
        """Whether the carrier sent the call somewhere else (3xx)."""
        return 300 <= self.sip < 400 or (self.status, self.cause) == REDIRECTED


class Outgoing:
    """Dials outside numbers by the trunks there are."""

    def __init__(self, trunks: Trunks) -> None:
        self.trunks = trunks

    async def dial(
        self,
        agi: AgiCall,
        number: str,
        ring_for: float,
        options: str,
        shows: str = "",
        *,
        agent: str = "",
        go_on: Callable[[], bool] = lambda: True,
        music_after: str = "",
    ) -> Dialled:
        """Dial by one trunk after the other, until somebody answers or the number is refused.

        `shows` is the hotline's number where the trunk names no other; empty: the channel's own. `agent` is the one who
        is at this number: the channel's name tells so. `go_on` is asked before each further trunk. `music_after` as
        `AgiCall.execute` takes it. Raises ValueError for what is no number, and what AgiCall raises.
        """
        dial.outside(number)
        tried: list[str] = []
        told: list[str] = []
        last = Dialled("CHANUNAVAIL", NO_TRUNK, refused_by_trunk=True)
        while (trunk := self.trunks.choose(number, tried)) is not None and (not tried or go_on()):
            tried.append(trunk.name)
            last = await self._by(agi, trunk, number, ring_for, options, shows, music_after, agent)
            told.append(f"{trunk.name}: {'answered' if last.answered else sentence(last.sip, last.status, last.cause)}")
            if not last.refused_by_trunk:
                if last.status:
                    self.trunks.worked(trunk)
                break
            self.trunks.failed(trunk, last.sip)
            _log.warning("a trunk did not take a call", trunk=trunk.name, answer=told[-1])
        return replace(last, detail=self._detail(number, last, told))

    def _detail(self, number: str, last: Dialled, told: list[str]) -> str:
        if not told:
            why = "; ".join(f"{each.trunk.name}: {each.why_not}" for each in self.trunks.routes(number))
            return f"no trunk takes it ({why or 'there is none'})"
        if len(told) == 1 and last.trunk == LEGACY:
            return f"{last.status} {last.cause}"
        return "by trunk " + ", ".join(told)

    async def _by(
        self,
        agi: AgiCall,
        trunk: Trunk,
        number: str,
        ring_for: float,
        options: str,
        shows: str,
        music_after: str,
        agent: str,
    ) -> Dialled:
        region = self.trunks.region
        endpoint = agent_endpoint(agent, trunk.name) if agent else trunk.endpoint
        device = dial.outside(trunk.dialled(number, region), endpoint)
        shown = trunk.presented(shows, region)
        named = f"b({CLI}({shown}))" if shown and trunk.name != LEGACY else ""
        # What another Dial left on this channel may not be taken for what comes of this one.
        await agi.execute("MSet", "DIALSTATUS=")
        await agi.execute("HangupCauseClear")
        self.trunks.begin(trunk, agi.unique_id)
        try:
            # i: a carrier that redirects is followed nowhere.
            ring = str(max(1, round(ring_for)))
            await agi.execute("Dial", device, ring, f"{options}i{named}", music_after=music_after)
        finally:
            rang = self.trunks.over(trunk, agi.unique_id)
        status = await agi.get_variable("DIALSTATUS") or ""
        if status in ("ANSWER", "CANCEL", ""):
            return Dialled(status, trunk=trunk.name)
        cause = await agi.get_variable("HANGUPCAUSE") or ""
        sip = await self._sip(agi)
        silent = status == "NOANSWER" and not sip and cause != dial.UNAVAILABLE
        by_trunk = (silent or names_trunk(status, cause, sip)) and not rang
        return Dialled(status, cause, sip, trunk.name, by_trunk)

    async def _sip(self, agi: AgiCall) -> int:
        """The SIP status that the call which was just dialled came to; 0 when none came."""
        channel = (await agi.get_variable("HANGUPCAUSE_KEYS()") or "").rpartition(",")[2]
        return sip_status(await agi.get_variable(f"HANGUPCAUSE({channel},tech)") or "") if channel else 0
