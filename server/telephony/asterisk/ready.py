"""Ready means that calls come in: Asterisk itself must listen on every port, because it boots "fully" without a port
that another one holds.

Asterisk proves who it is by its control socket, which only this user can open, and by our management secret. What it
answers to strangers tells nothing of the installation, so the ports are compared with what its process has open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from server.processes.sockets import Held, held, meets
from server.telephony.ami.link import AmiError
from server.telephony.asterisk import control
from server.telephony.asterisk.configure import AMI_SECRET, secret
from server.telephony.asterisk.files import AMI_USER
from server.telephony.asterisk.site import HTTP_BIND, Site

STEP = 2.0
"""Seconds that one question may take."""
PAUSE = 0.05


class NotReady(Exception):
    """Asterisk cannot take calls; the text says which part is missing and what to do."""


async def ready(site: Site, within: float = 20.0) -> None:
    """Return once management says that Asterisk is fully booted, and Asterisk listens on the ports of SIP and browsers.

    Asks again until `within` seconds have passed, then raises NotReady with the first thing that is missing. A port
    held by a stranger is found as soon as Asterisk itself is up, since it will not try again.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    up = False
    while True:
        try:
            await ask_ami(site)
            if not up:
                up = True
                deadline = min(deadline, loop.time() + STEP)
            await look_at_ports(site)
            return
        except NotReady:
            if loop.time() >= deadline:
                raise
            await asyncio.sleep(PAUSE)


async def ask_ami(site: Site) -> None:
    """Log in to management as our user and wait until Asterisk says that it is fully booted."""
    port = site.ami_port
    password = secret(site.layout, AMI_SECRET)
    login = f"Action: Login\r\nUsername: {AMI_USER}\r\nSecret: {password}\r\nEvents: system\r\n\r\n"
    stop = "Action: Logoff\r\n\r\n"
    what = f"Asterisk's management port {port}"
    answer = await _talk(port, (login + stop).encode(), what)
    if b"Asterisk Call Manager" not in answer:
        raise NotReady(_stranger(what, "SANSHENG_AMI_PORT"))
    if b"Authentication failed" in answer:
        raise NotReady(f"{what} is another Asterisk's, it refuses our secret: stop that one, or set SANSHENG_AMI_PORT")
    if b"Event: FullyBooted" not in answer:
        raise NotReady("Asterisk is starting")


async def look_at_ports(site: Site) -> None:
    """Every port is Asterisk's own."""
    try:
        pid = (await control.ask(control.control_socket(site.layout), "core show version")).pid
    except AmiError as error:
        raise NotReady(str(error)) from None
    everything = await asyncio.to_thread(held, pid)
    # A process with capabilities of its own may not be looked into: then a port that is listened on must do.
    seen = any(each.pid == pid for each in everything)
    phones = f"port {site.http_port} for browsers' phones"
    for what, bind, protocol, port, setting in (
        (f"SIP port {site.sip_port} (UDP)", site.bind, "udp", site.sip_port, "SANSHENG_SIP_PORT"),
        (f"SIP port {site.sip_port} (TCP)", site.bind, "tcp", site.sip_port, "SANSHENG_SIP_PORT"),
        (phones, HTTP_BIND, "tcp", site.http_port, "SANSHENG_ASTERISK_HTTP_PORT"),
    ):
        there = [each for each in everything if _stands_at(each, bind, protocol, port)]
        if any(each.pid == pid or not seen for each in there):
            continue
        if there:
            raise NotReady(_stranger(what, setting))
        raise NotReady(_silent(what, setting))


def readiness(site: Site, within: float = 20.0) -> Callable[[], Awaitable[None]]:
    """`ready` for one site, as the supervisor of children takes it."""

    async def check() -> None:
        await ready(site, within)

    return check


def _stands_at(each: Held, bind: str, protocol: str, port: int) -> bool:
    return (each.protocol, each.port) == (protocol, port) and meets(each.address, bind)


async def _talk(port: int, question: bytes, what: str) -> bytes:
    try:
        async with asyncio.timeout(STEP):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(question)
                answer = b""
                while b"Goodbye" not in answer and len(answer) < 65536:
                    part = await reader.read(4096)
                    if not part:
                        break
                    answer += part
                return answer
            finally:
                writer.close()
    except (OSError, TimeoutError):
        raise NotReady(_silent(what, "SANSHENG_AMI_PORT")) from None


def _silent(what: str, setting: str) -> str:
    return f"{what} does not answer: see asterisk/log/messages for why, or set {setting} to a free port"


def _stranger(what: str, setting: str) -> str:
    return f"{what} is held by another program: stop it, or set {setting} to a free port"
