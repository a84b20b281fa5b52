"""`sansheng demo callback`: what must be so before it can begin, and what it asks of the hotline's API.

Nobody but the demo's own telephones is ever called: it begins only where calls go out to a telephone of its own on this
machine, and whatever is still promised to its customer at the end is cancelled.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acd.callbacks.policy import Dialling
from server.commands.call_story import Script, StoryEnded
from server.commands.callback_story import Promise, tell
from server.commands.demo_agent import AGENT, agent_there, host, how_to_listen, recorded, signs_in
from server.commands.output import fields, say
from server.commands.records import described
from server.commands.shared import Refused, queries, request, settings, zone
from server.commands.tickets import described_ticket
from server.config import Settings
from server.hotline.definitions import DEFAULTS, Definitions
from server.telephony.asterisk.site import Layout
from softphone.phone import Phone

_START = "start the server with `SANSHENG_TRUNK=sip:127.0.0.1:5090 make run`"
_TRUNK = re.compile(r"sip:(?:[^@]*@)?(?P<host>[\d.]+)(?::(?P<port>\d+))?(?:;(?!.*transport=tcp).*)?", re.IGNORECASE)
_DAY = 86_400.0
_CATEGORY = "attitude"
_DIGITS = "14"
"""The keys that a caller presses for that category."""
_SETTLED = 10.0
_SHOWN = ("number", "queue", "category", "state", "attempts", "promised_at", "source", "ticket")


async def run(definitions: Definitions, talk: float, satisfaction: str) -> None:
    """Play the story, and print its records. Raises Refused."""
    here = settings()
    queue, category = _matter(definitions)
    now = await asyncio.to_thread(_queue, queue)
    bind, port = _customer_stands_at(here)
    _calls_go_out_now(definitions)
    rules, outgoing = definitions.callback.policy.of(queue), definitions.callback.outgoing
    # A shorter talk would keep no promise, and the customer would be called again when the demo is over.
    script = Script(_number(), digits=_DIGITS, talk=max(talk, rules.kept_after + 1), satisfaction=satisfaction)
    how = Promise(_is_offered(definitions, now), rules.dialling is Dialling.CUSTOMER_FIRST, outgoing)
    phone = Phone(script.caller, host(here), here.sip_port, bind=bind, port=port)
    try:
        await phone.open()
    except OSError:
        other = f"SANSHENG_TRUNK=sip:{bind}:{port + 1} make run"
        raise Refused(
            f"{bind}:{port}, where calls go out to, is not free, and the customer's telephone of the demo is to stand"
            f" there: end what listens there, or start the server with `{other}`"
        ) from None
    try:
        async with agent_there(definitions) as agent:
            hotline = _Hotline(script.caller, queue, category, agent)
            try:
                await tell(script, how, phone, agent, hotline, say)
            except StoryEnded as error:
                raise Refused(f"the demo stopped: {error}") from None
            finally:
                await hotline.cancel()
    finally:
        await phone.close()
    await asyncio.to_thread(_show, script.caller)


@dataclass(frozen=True, slots=True)
class _Hotline:
    """The API, as the story needs it."""

    number: str
    queue: str
    category: str
    agent: Phone

    async def promise(self) -> Mapping[str, Any] | None:
        return next(iter(await asyncio.to_thread(_promises, self.number)), None)

    async def ask(self) -> Mapping[str, Any]:
        body = {"number": self.number, "queue": self.queue, "category": self.category, "owner": AGENT}
        return dict(await asyncio.to_thread(request, "POST", "/api/v1/callbacks", body | _WHY))

    async def agent_is_there(self) -> None:
        await signs_in(self.agent)

    async def cancel(self) -> None:
        """Cancel the promise, so that the hotline calls no phone after the demo."""
        with suppress(Refused):
            for each in await asyncio.to_thread(_promises, self.number):
                if each["state"] in ("pending", "dialling"):
                    await asyncio.to_thread(request, "POST", f"/api/v1/callbacks/{each['id']}/cancel", _WHY)


_WHY = {"reason": "a demo"}


def _promises(number: str) -> list[dict[str, Any]]:
    return list(request("GET", f"/api/v1/callbacks?number={number}&limit=10")["items"])


def _queue(name: str) -> dict[str, Any]:
    """The queue as it is now; a server that is down says so here."""
    for each in request("GET", "/api/v1/queues")["items"]:
        if each["name"] == name:
            return dict(each)
    raise Refused(f"the running server has no queue {name} (yet): see `sansheng check`")


def _is_offered(definitions: Definitions, queue: Mapping[str, Any]) -> bool:
    """Whether the hotline offers a caller a callback at once: by callback mode, or by a queue without agents."""
    mode = queue["callback"]
    ways = next(each.overflow for each in definitions.policy.queues if each.name == queue["name"])
    hopeless = any(way.to == "callback" and way.hopeless == 0 for way in ways)
    return bool(mode["active"] or (hopeless and mode["mode"] != "off" and not queue["agents"]))


def _number() -> str:
    """A mobile number, another one each time: the promises to one number are limited."""
    return f"138001{secrets.randbelow(100_000):05}"


# Before it begins


def _matter(definitions: Definitions) -> tuple[str, str]:
    category = _CATEGORY if _CATEGORY in definitions.categories.names else ""
    queue, category = definitions.matter(category)
    return queue, category


def _customer_stands_at(here: Settings) -> tuple[str, int]:
    """The address to which the running server's calls go out, if it can be the demo's. Raises Refused."""
    if here.asterisk:
        raise Refused("Asterisk runs on another machine, and the customer of the demo can only be called from this one")
    trunk = _trunk_in_force(here)
    if not trunk:
        raise Refused(f"no calls go out, so the demo can call no customer back: {_START}")
    found = _TRUNK.fullmatch(trunk)
    if not found or not _loopback(found["host"]):
        raise Refused(
            f"calls go out to {trunk}, where real telephones may ring, and the customer of the demo stands on this"
            f" machine, on UDP: {_START}"
        )
    return found["host"], int(found["port"] or 5060)


def _trunk_in_force(here: Settings) -> str:
    """The trunk in Asterisk's configuration, whatever this shell's own SANSHENG_TRUNK says."""
    try:
        told = (Layout(here.root).etc / "pjsip.conf").read_text(encoding="utf-8")
    except OSError:
        return ""
    section = re.search(r"(?m)^\[trunk-out\]\ntype=aor\n(?:.+\n)*?contact=(.+)$", told)
    return section[1].strip() if section else ""


def _loopback(address: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(address).is_loopback
    return False


def _calls_go_out_now(definitions: Definitions) -> None:
    """Outside the hours the customer would wait for tomorrow. Raises Refused."""
    now = time.time()
    opens = definitions.calls_allowed(now)
    if opens <= now:
        return
    at = datetime.fromtimestamp(opens, zone())
    file = settings().root / "hotline.toml"
    copied = f"copy {DEFAULTS} to {file}, and there" if definitions.source == str(DEFAULTS) else f"in {file}"
    when = f"{at:%H:%M}" if opens < now + _DAY else f"{at:%Y-%m-%d %H:%M}"
    raise Refused(
        f"the hotline calls no customer at this hour, and a new promise is kept at {when}:"
        f' for the demo, {copied} set window = "00:00-24:00" and business_hours = false under [callback]'
    )


# Afterwards


def _show(number: str) -> None:
    deadline = time.monotonic() + _SETTLED
    while (promise := _promises(number)[0])["state"] == "connected" and time.monotonic() < deadline:
        time.sleep(0.1)
    found = recorded(number, 0)
    with queries() as records:
        ticket = records.ticket_show(found["ticket"]) if found["ticket"] else None
    say(f"\ncallback {promise['id']}")
    for line in (*fields(promise, [name for name in _SHOWN if name in promise], zone()), "", *described(found, zone())):
        say(line)
    if ticket is not None:
        say("")
        for line in described_ticket(ticket, zone()):
            say(line)
    say(f"\n{how_to_listen(found)}")
