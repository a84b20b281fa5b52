"""The public network that the hotline calls out to: a telephone for every number, and its behaviour when it rings."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from softphone.audio import Tone
from softphone.call import Call
from softphone.phone import Answer, Phone, Policy
from tests.e2e import brisk
from tests.e2e.conftest import Hotline, free_ports, make_home

AGENT_HZ, CUSTOMER_HZ = 600, 1000
OUTGOING = "01065529988"
RULES = f"""
[callback]
outgoing = "{OUTGOING}"
window = "00:00-24:00"
hold = 3600
per_number_per_day = 0
attempts = 3
kept_after = 0
ring_for = 5
delays = {{ busy = 1, no_answer = 1, rejected = 1, machine = 1, failed = 1, hung_up = 1, short = 1, lost = 1 }}

[callback.queues.inquiry]
dialling = "customer_first"
"""
"""The customers of inquiries are called before an agent is; the delays are those of people in a hurry."""


def new_hotline(**settings: str) -> Hotline:
    """A hotline whose calls go out to this network. It is not started."""
    settings.setdefault("SANSHENG_TRUNK", f"sip:127.0.0.1:{free_ports(1)[0]}")
    hotline = Hotline(make_home(), settings)
    brisk.install(hotline.home)
    set_rules(hotline.home, RULES)
    return hotline


def set_rules(home: Path, rules: str) -> None:
    """Other rules of calling back, in place of those that the home has."""
    file = home / "hotline.toml"
    text = re.sub(r"(?ms)^\[callback[\].].*?(?=^\[(?!callback)|\Z)", "", file.read_text(encoding="utf-8"))
    file.write_text(text + rules, encoding="utf-8")


class PublicNetwork:
    """Everybody who is called picks up after a second, unless `does` says something else for their number.

    A list says what they do the first time, the second time, and so on; the last of it holds from then on.
    """

    def __init__(self, hotline: Hotline) -> None:
        self.hotline = hotline
        self.does: dict[str, Policy | list[Policy]] = {}
        self.calls: dict[str, list[Call]] = {}
        """Every call that came in, by the number that was dialled."""
        self._phone = Phone(
            "network", "127.0.0.1", hotline.sip_port, port=int(hotline.settings["SANSHENG_TRUNK"].rpartition(":")[2])
        )
        self._phone.on_invite = self._policy

    def _policy(self, call: Call) -> Policy:
        assert call.invite is not None
        number = call.invite.uri.user or ""
        times = self.calls.setdefault(number, [])
        times.append(call)
        wanted = self.does.get(number) or Answer(1.0, Tone(CUSTOMER_HZ))
        return wanted[min(len(times), len(wanted)) - 1] if isinstance(wanted, list) else wanted

    def times(self, number: str) -> int:
        """How often this number was dialled."""
        return len(self.calls.get(number, ()))

    async def rings(self, number: str, within: float = 15.0, time: int = 1) -> Call:
        """The first (or `time`-th) call to this number, once it comes."""
        await self.hotline.until(lambda: self.times(number) >= time, f"{number} is called, time {time}", within)
        return self.calls[number][time - 1]

    async def promise(self, number: str, category: str = "attitude", **more: Any) -> dict[str, Any]:
        """Promise a callback by the API."""
        body = {"number": number, "category": category, "reason": "a test asks for it", **more}
        return dict(await self.hotline.request("POST", "/api/v1/callbacks", body))

    async def show(self, promise: int) -> dict[str, Any]:
        """The promise with its history."""
        return dict(await self.hotline.request("GET", f"/api/v1/callbacks/{promise}"))

    async def becomes(self, promise: int, state: str, within: float = 20.0) -> dict[str, Any]:
        """Wait until the promise is in this state, and give it."""
        return await self._shown(promise, lambda shown: shown["state"] == state, state, within)

    async def says(self, promise: int, words: str, within: float = 10.0) -> dict[str, Any]:
        """Wait until the promise says this of why it is in its state, and give it."""
        return await self._shown(promise, lambda shown: words in (shown["reason"] or ""), words, within)

    async def _shown(
        self, promise: int, holds: Callable[[dict[str, Any]], bool], what: str, within: float
    ) -> dict[str, Any]:
        end = asyncio.get_running_loop().time() + within
        while not holds(shown := await self.show(promise)):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"promise {promise} is not {what}: {json.dumps(shown)}\n{self.hotline.output()}")
            await asyncio.sleep(0.05)
        return shown


@asynccontextmanager
async def public_network(hotline: Hotline) -> AsyncIterator[PublicNetwork]:
    """The network is there; afterwards no promise is left."""
    network = PublicNetwork(hotline)
    async with network._phone:
        try:
            yield network
        finally:
            await cancel_all(network.hotline)


async def cancel_all(hotline: Hotline) -> None:
    """Cancel every promise."""
    listed = await hotline.request("GET", "/api/v1/callbacks?limit=200")
    for each in listed["items"]:
        if each["state"] in ("pending", "dialling"):
            await hotline.request("POST", f"/api/v1/callbacks/{each['id']}/cancel", {"reason": "the test ends"})


def attempts(shown: dict[str, Any]) -> list[str]:
    """How the attempts of a promise ended, in order."""
    return [each["outcome"] for each in shown["history"]]


def seconds_between(earlier: str, later: str) -> float:
    """Between two instants as the API writes them."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
