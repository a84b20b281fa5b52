"""Ready means that calls come in: the program behind every port is asked, because Asterisk boots "fully" without a
port that another one holds.

Asterisk names this installation in each answer (`Site.signature`), so another one on the same port is told apart.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable

from server.telephony.asterisk.configure import AMI_SECRET, secret
from server.telephony.asterisk.files import AMI_USER
from server.telephony.asterisk.site import Site

STEP = 2.0
"""Seconds that one question may take."""
PAUSE = 0.05
RESEND = 0.25


class NotReady(Exception):
    """Asterisk cannot take calls; the text says which part is missing and what to do."""


async def ready(site: Site, within: float = 20.0) -> None:
    """Return once management, SIP over UDP and TCP, and the browsers' port answer as this installation's Asterisk.

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
            for question in (ask_udp, ask_tcp, ask_http):
                await question(site)
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
    answer = await _talk("127.0.0.1", port, (login + stop).encode(), what, b"Goodbye")
    if b"Asterisk Call Manager" not in answer:
        raise NotReady(_stranger(what, "SANSHENG_AMI_PORT"))
    if b"Authentication failed" in answer:
        raise NotReady(f"{what} is another Asterisk's, it refuses our secret: stop that one, or set SANSHENG_AMI_PORT")
    if b"Event: FullyBooted" not in answer:
        raise NotReady("Asterisk is starting")


async def ask_udp(site: Site) -> None:
    """SIP OPTIONS over UDP."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()

    class Question(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not answered.done():
                answered.set_result(data)

        def error_received(self, exc: Exception) -> None:
            if not answered.done():
                answered.set_exception(exc)

    what = f"SIP port {site.sip_port} (UDP)"
    host = _reach(site.bind)
    try:
        transport, _ = await loop.create_datagram_endpoint(Question, remote_addr=(host, site.sip_port))
        try:
            question = _options(site, "UDP", transport.get_extra_info("sockname"))
            async with asyncio.timeout(STEP):
                while not answered.done():
                    transport.sendto(question)
                    await asyncio.wait((answered,), timeout=RESEND)
            answer = answered.result()
        finally:
            transport.close()
    except (OSError, TimeoutError):
        raise NotReady(_silent(what, "SANSHENG_SIP_PORT")) from None
    _expect(site, answer, what, "SANSHENG_SIP_PORT")


async def ask_tcp(site: Site) -> None:
    """SIP OPTIONS over TCP."""
    what = f"SIP port {site.sip_port} (TCP)"
    question = _options(site, "TCP", ("127.0.0.1", 9))
    answer = await _talk(_reach(site.bind), site.sip_port, question, what, b"\r\n\r\n", "SANSHENG_SIP_PORT")
    _expect(site, answer, what, "SANSHENG_SIP_PORT")


async def ask_http(site: Site) -> None:
    """The web server that browsers' phones connect to."""
    what = f"port {site.http_port} for browsers' phones"
    question = b"GET / HTTP/1.1\r\nHost: sansheng\r\nConnection: close\r\n\r\n"
    answer = await _talk(_reach(site.bind), site.http_port, question, what, b"\r\n\r\n", "SANSHENG_ASTERISK_HTTP_PORT")
    _expect(site, answer, what, "SANSHENG_ASTERISK_HTTP_PORT")


def readiness(site: Site, within: float = 20.0) -> Callable[[], Awaitable[None]]:
    """`ready` for one site, as the supervisor of children takes it."""

    async def check() -> None:
        await ready(site, within)

    return check


async def _talk(
    host: str, port: int, question: bytes, what: str, end: bytes, setting: str = "SANSHENG_AMI_PORT"
) -> bytes:
    try:
        async with asyncio.timeout(STEP):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(question)
                answer = b""
                while end not in answer and len(answer) < 65536:
                    part = await reader.read(4096)
                    if not part:
                        break
                    answer += part
                return answer
            finally:
                writer.close()
    except (OSError, TimeoutError):
        raise NotReady(_silent(what, setting)) from None


def _options(site: Site, transport: str, local: tuple[str, int]) -> bytes:
    tag = secrets.token_hex(6)
    host = f"[{local[0]}]" if ":" in local[0] else local[0]
    lines = (
        f"OPTIONS sip:ready@{host}:{site.sip_port} SIP/2.0",
        f"Via: SIP/2.0/{transport} {host}:{local[1]};branch=z9hG4bK{tag};rport",
        f"From: <sip:doctor@{host}>;tag={tag}",
        f"To: <sip:ready@{host}>",
        f"Call-ID: {tag}@sansheng",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 5",
        f"Contact: <sip:doctor@{host}:{local[1]}>",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _expect(site: Site, answer: bytes, what: str, setting: str) -> None:
    if not re.search(rb"(?im)^server:\s*" + re.escape(site.signature).encode() + rb"\s*$", answer):
        raise NotReady(_stranger(what, setting))


def _reach(bind: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(bind, bind)


def _silent(what: str, setting: str) -> str:
    return f"{what} does not answer: see asterisk/log/messages for why, or set {setting} to a free port"


def _stranger(what: str, setting: str) -> str:
    return f"{what} is held by another program: stop it, or set {setting} to a free port"
