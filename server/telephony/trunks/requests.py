"""What people may ask of the trunks, for the acts: their state, a number's way, a trial call, a trace."""

from __future__ import annotations

from typing import Any

from server.telephony.ami.link import AmiError
from server.telephony.trunks.routes import Trunks
from server.telephony.trunks.trace import Trace
from server.telephony.trunks.trial import Trial
from server.usecases.errors import Conflict


class TrunkRequests:
    """Raises Conflict when Asterisk cannot do it now."""

    def __init__(self, trunks: Trunks, trial: Trial, trace: Trace) -> None:
        self._trunks, self._trial, self._trace = trunks, trial, trace

    @property
    def tracing(self) -> bool:
        """Whether a trace is being made."""
        return self._trace.busy

    def state(self) -> list[dict[str, Any]]:
        """A row for each trunk."""
        return self._trunks.state()

    def routes_of(self, number: str) -> list[dict[str, Any]]:
        """A row for each trunk: the number as it dials it, and why it does not take it."""
        region = self._trunks.region
        return [
            {"trunk": each.trunk.name, "dialled": each.trunk.dialled(number, region), "why_not": each.why_not}
            for each in self._trunks.routes(number)
        ]

    async def test(self, number: str, shows: str) -> dict[str, Any]:
        """Call the number for a moment."""
        if self._trunks.choose(number) is None:
            why = "; ".join(f"{each.trunk.name}: {each.why_not}" for each in self._trunks.routes(number))
            raise Conflict(f"no trunk takes this number: {why or 'there is no trunk'}")
        try:
            return await self._trial.call(number, shows)
        except (AmiError, TimeoutError) as error:
            raise Conflict(f"the call could not be placed: {error or 'nothing came of it'}") from None

    async def trace(self, seconds: float) -> str:
        """The SIP messages of the next seconds, masked."""
        try:
            return await self._trace.take(seconds)
        except (AmiError, OSError) as error:
            raise Conflict(f"no trace can be made: {error}") from None
