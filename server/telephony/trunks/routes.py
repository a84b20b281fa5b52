"""An outgoing call goes by the first trunk that is up, whose pattern fits and that has room.

A trunk that takes no call rests for a while (`trunk_rest`), each by itself. Which trunk takes a number, and why the
others do not, is one list, for calls and for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.hotline.trunks import LEGACY, Trunk, trunk_of
from server.hotline.view import View
from server.telephony.ami.link import Ami, AmiEvent
from server.telephony.trunks.answers import UNAVAILABLE
from server.telephony.trunks.health import TrunkHealth
from server.telephony.trunks.rest import TrunkRest
from server.warned import warned


@dataclass(frozen=True, slots=True)
class Route:
    """One trunk, asked whether it takes a number; `why_not` is empty when it does."""

    trunk: Trunk
    why_not: str = ""


class Trunks:
    """The trunks of one Asterisk. `trunks` gives those of now, in order; `region` the hotline's."""

    def __init__(
        self,
        ami: Ami,
        view: View,
        trunks: Callable[[], tuple[Trunk, ...]],
        region: Callable[[], str],
        messages: Path,
    ) -> None:
        self._ami, self._view, self._trunks, self._region = ami, view, trunks, region
        self.health = TrunkHealth(ami, trunks, messages, self._now_free)
        self.on_free: Callable[[], None] = lambda: None
        """Called when a trunk takes calls again."""
        self._rests: dict[str, TrunkRest] = {}
        self._out: dict[str, str] = {}
        """The trunk of each channel that the hotline opened, by unique id."""
        self._rang: dict[str, bool] = {}
        """Whether a telephone rang, by the channel that dials now."""
        self._pending: dict[str, int] = {}
        """Calls that are being dialled and whose channel Asterisk has not told of."""

    @property
    def region(self) -> str:
        """The region in which numbers are read."""
        return self._region()

    def all(self) -> tuple[Trunk, ...]:
        """The trunks, in order."""
        return self._trunks()

    @property
    def exist(self) -> bool:
        """Whether there is a way out at all."""
        return any(trunk.numbers for trunk in self._trunks())

    @property
    def resting(self) -> bool:
        """Whether no trunk takes calls now."""
        return not any(trunk.numbers and self._free(trunk) for trunk in self._trunks())

    def problems(self) -> list[str]:
        """A sentence for each trunk that takes no calls now."""
        found = [(trunk, self.problem_of(trunk)) for trunk in self._trunks()]
        return [warned("trunk", problem, trunk=trunk.name, error=problem) for trunk, problem in found if problem]

    def problem_of(self, trunk: Trunk) -> str:
        """What is wrong with one trunk, as a sentence; empty when nothing is."""
        health = self.health.of(trunk)
        told = health.problem if health.up is False or health.problem else ""
        return f"trunk {trunk.name}: {told}" if told else self._rest(trunk).problem

    def routes(self, number: str, without: Iterable[str] = ()) -> list[Route]:
        """Each trunk with the reason why this number does not go by it, in the order in which they are tried: those
        that were unavailable (503) just now are the last. `without` were tried."""
        tried = frozenset(without)
        trunks = sorted(self._trunks(), key=lambda trunk: self._rest(trunk).behind)
        return [Route(trunk, self._why_not(trunk, number, tried)) for trunk in trunks]

    def choose(self, number: str, without: Iterable[str] = ()) -> Trunk | None:
        """The trunk that a call to this number goes by now; None when none takes it."""
        return next((route.trunk for route in self.routes(number, without) if not route.why_not), None)

    def calls(self, name: str) -> int:
        """Calls on the trunk, both ways."""
        coming = sum(trunk_of(live.channel) == name for live in self._view.calls if not live.promise)
        going = sum(each == name for each in self._out.values())
        return coming + going + self._pending.get(name, 0)

    def state(self) -> list[dict[str, Any]]:
        """The trunks as `sansheng trunk list` has them."""
        rows = []
        for trunk in self._trunks():
            health = self.health.of(trunk)
            rows.append(
                {
                    "name": trunk.name,
                    "up": self.health.usable(trunk) if health.up is None else health.up,
                    "registered": health.registered,
                    "calls": self.calls(trunk.name),
                    "max_calls": trunk.max_calls,
                    "problem": self.problem_of(trunk),
                }
            )
        return rows

    # What becomes of calls

    def begin(self, trunk: Trunk, by: str) -> None:
        """A call is about to be dialled by this trunk, from the channel with the unique id `by`."""
        self._rang[by] = False
        self._pending[trunk.name] = self._pending.get(trunk.name, 0) + 1

    def over(self, trunk: Trunk, by: str) -> bool:
        """Dialling has ended, however: whether a telephone rang. Without the link to Asterisk it is taken so."""
        self._drop_pending(trunk.name)
        return self._rang.pop(by, False) or not self._ami.is_up

    def failed(self, trunk: Trunk, sip: int = 0) -> None:
        """The trunk did not take a call, and answered so (0: nothing)."""
        if sip == UNAVAILABLE:
            self._rest(trunk).unavailable(trunk.unavailable_seconds)
        self._rest(trunk).failed()

    def worked(self, trunk: Trunk) -> None:
        """The trunk took one."""
        self._rest(trunk).worked()

    def dial_begin(self, event: AmiEvent) -> None:
        """Asterisk dials by a trunk."""
        name = trunk_of(event.get("DestChannel", ""))
        if name:
            self._out[event["DestUniqueid"]] = name
            self._drop_pending(name)

    def dial_state(self, event: AmiEvent) -> None:
        """A telephone rings, or the network says something to be heard."""
        if event.get("Uniqueid") in self._rang and event.get("DialStatus") in ("RINGING", "PROGRESS"):
            self._rang[event["Uniqueid"]] = True

    def hung_up(self, event: AmiEvent) -> None:
        """A channel is gone."""
        self._out.pop(event["Uniqueid"], None)

    def compare(self, channels: Iterable[AmiEvent]) -> None:
        """These are all channels that there are."""
        here = {event["Uniqueid"]: event["Channel"] for event in channels}
        self._out = {key: name for key, name in self._out.items() if key in here}

    def _drop_pending(self, name: str) -> None:
        left = self._pending.get(name, 0) - 1
        if left > 0:
            self._pending[name] = left
        else:
            self._pending.pop(name, None)

    def _why_not(self, trunk: Trunk, number: str, tried: frozenset[str]) -> str:
        if not trunk.carries(number, self._region()):
            return f"its patterns ({', '.join(trunk.numbers) or 'none'}) do not fit"
        if trunk.name in tried:
            return "it was tried"
        if not self.health.usable(trunk):
            return f"it is down: {self.health.of(trunk).problem}"
        if self._rest(trunk).resting:
            return "it took no calls lately, and is left alone for a while"
        if trunk.max_calls and self.calls(trunk.name) >= trunk.max_calls:
            return f"it has no room: {trunk.max_calls} calls (max_calls)"
        return ""

    def _free(self, trunk: Trunk) -> bool:
        full = trunk.max_calls and self.calls(trunk.name) >= trunk.max_calls
        return self.health.usable(trunk) and not self._rest(trunk).resting and not full

    def _rest(self, trunk: Trunk) -> TrunkRest:
        if trunk.name not in self._rests:
            self._rests[trunk.name] = TrunkRest(self._now_free, "" if trunk.name == LEGACY else trunk.name)
        return self._rests[trunk.name]

    def _now_free(self) -> None:
        self.on_free()
