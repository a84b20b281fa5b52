"""SIP over UDP for a phone: each request ends in exactly one final response, within its time.

Retransmission, acknowledgement and duplicates are settled here (RFC 3261, 17); what a call means is settled in
`softphone`. Messages are read and written by `sipmessage`; what is no sound message is dropped with a line in the log.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import cast

import structlog
from sipmessage import URI, Message, Request, Response, Via
from sipmessage import Address as AddressHeader

log = structlog.get_logger("softphone")

Address = tuple[str, int]
Key = tuple[str, str, str]
Header = tuple[str, str]

T1 = 0.5
T2 = 4.0
"""Seconds to the first retransmission, and at most between two."""
LIFETIME = 64 * T1
"""Seconds after which a transaction without an answer has failed, and one with an answer is forgotten."""
PATIENCE = 180.0
"""Seconds that an INVITE may ring."""
USER_AGENT = "sansheng softphone"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY"

_PHRASES = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    603: "Decline",
}


class Malformed(Exception):
    """A datagram that is no sound SIP message."""


def parse(datagram: bytes) -> Request | Response:
    """One datagram as a message that can be routed and matched. Raises Malformed."""
    try:
        message = Message.parse(datagram)
        if not message.via or not message.via[0].parameters.get("branch"):
            raise ValueError("its Via has no branch")
        if not message.call_id or message.from_address.parameters.get("tag") is None:
            raise ValueError("it has no Call-ID or no From tag")
        _ = message.to_address, message.cseq, message.contact, message.record_route
        if message.content_length is not None:
            message.body = message.body[: max(0, message.content_length)]
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"not a SIP message: {error}") from error
    return message


def uri_of(header: str) -> URI:
    """The URI in an address header."""
    return AddressHeader.parse(header).uri


def tag_of(header: str) -> str:
    """The tag in a From or To header."""
    return AddressHeader.parse(header).parameters.get("tag") or ""


def branch() -> str:
    """A new transaction's mark."""
    return f"z9hG4bK{secrets.token_hex(8)}"


def compose(message: Request | Response, headers: Iterable[Header], body: bytes = b"") -> bytes:
    """The message with `headers` added, as it goes out."""
    for name, value in headers:
        message.headers.add(name, value)
    message.headers.set("Content-Length", str(len(body)))
    message.body = body
    return bytes(message)


@dataclass(slots=True)
class _Sent:
    """A request of ours. `ack` is what each final response to an INVITE is answered with."""

    method: str
    datagram: bytes
    to: Address
    final: asyncio.Future[Response]
    provisional: Callable[[Response], None] | None
    provisionals: int = 0
    ack: tuple[bytes, Address] | None = None
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class _Received:
    """A request of theirs, and our last response to it."""

    request: Request
    to: Address
    response: bytes = b""
    final: int = 0
    timer: asyncio.TimerHandle | None = field(default=None)


class Wire(asyncio.DatagramProtocol):
    """One UDP socket's transactions. `on_request` gets each new request once, ACK never."""

    def __init__(self, on_request: Callable[[Request], None], on_unconfirmed: Callable[[Request], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_request = on_request
        self._on_unconfirmed = on_unconfirmed
        self.unplugged = False
        """Nothing goes out and nothing comes in, as when the phone has lost its network."""
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self._sent: dict[tuple[str, str], _Sent] = {}
        self._received: dict[Key, _Received] = {}
        self._unconfirmed: dict[tuple[str, int], Key] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address: Address = transport.get_extra_info("sockname")[:2]

    async def close(self) -> None:
        """Forget everything and let go of the socket; requests still unanswered fail with ConnectionError."""
        for sent in self._sent.values():
            if sent.timer:
                sent.timer.cancel()
            if not sent.final.done():
                sent.final.set_exception(ConnectionError(f"the phone was closed before its {sent.method} was answered"))
                sent.final.exception()
        for received in self._received.values():
            if received.timer:
                received.timer.cancel()
        self._sent.clear()
        self._received.clear()
        self._unconfirmed.clear()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            await self._closed.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()

    # Requests of ours

    def request(
        self, datagram: bytes, to: Address, provisional: Callable[[Response], None] | None = None
    ) -> asyncio.Future[Response]:
        """Send a request; the future holds its final response, or TimeoutError when none came in time."""
        request = cast(Request, parse(datagram))
        final: asyncio.Future[Response] = self._loop.create_future()
        sent = _Sent(request.method, datagram, to, final, provisional)
        key = (cast(str, request.via[0].parameters["branch"]), request.method)
        self._sent[key] = sent
        self._resend(key, T1, self._loop.time() + LIFETIME)
        return final

    def send(self, datagram: bytes, to: Address) -> None:
        """Send without expecting an answer."""
        if self._transport is not None and not self.unplugged:
            self._transport.sendto(datagram, to)

    def acknowledge(self, response: Response, ack: bytes, to: Address) -> None:
        """Answer a 2xx to our INVITE with `ack`, now and each time it is repeated."""
        sent = self._sent.get(_key_of_response(response))
        if sent is not None:
            sent.ack = (ack, to)
        self.send(ack, to)

    def _resend(self, key: tuple[str, str], after: float, until: float) -> None:
        sent = self._sent[key]
        now = self._loop.time()
        if now >= until:
            return self._give_up(key, LIFETIME)
        self.send(sent.datagram, sent.to)
        longer = 2 * after if sent.method == "INVITE" else min(2 * after, T2)
        sent.timer = self._loop.call_later(min(after, until - now), self._resend, key, longer, until)

    def _give_up(self, key: tuple[str, str], after: float) -> None:
        sent = self._sent.pop(key)
        host, port = sent.to
        if not sent.final.done():
            sent.final.set_exception(TimeoutError(f"{host}:{port} did not answer our {sent.method} in {after:g} s"))
            sent.final.exception()

    def _on_response(self, response: Response) -> None:
        key = _key_of_response(response)
        sent = self._sent.get(key)
        if sent is None:
            return
        if response.code < 200:
            sent.provisionals += 1
            if sent.timer and sent.method == "INVITE" and sent.provisionals == 1:
                # It has arrived: it may ring now, but not for ever.
                sent.timer.cancel()
                sent.timer = self._loop.call_later(PATIENCE, self._give_up, key, PATIENCE)
            if sent.provisional and not sent.final.done():
                sent.provisional(response)
        elif sent.final.done():
            if sent.ack:
                self.send(*sent.ack)
        else:
            if sent.timer:
                sent.timer.cancel()
            if sent.method == "INVITE" and response.code >= 300:
                sent.ack = (_hop_ack(sent.datagram, response), sent.to)
                self.send(*sent.ack)
            sent.timer = self._loop.call_later(LIFETIME, self._sent.pop, key, None)
            sent.final.set_result(response)

    # Requests of theirs

    def respond(
        self, request: Request, code: int, headers: Iterable[Header] = (), body: bytes = b"", *, tag: str = ""
    ) -> None:
        """Answer a request; `tag` marks our side of the dialog. Only the first final answer goes out."""
        received = self._received.get(_key_of_request(request))
        if received is None or received.final:
            return
        response = Response(code, _PHRASES.get(code, "Refused"))
        for name in ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route"):
            for value in request.headers.getlist(name):
                marked = name == "To" and tag and request.to_address.parameters.get("tag") is None
                response.headers.add(name, f"{value};tag={tag}" if marked else value)
        received.response = compose(response, [("User-Agent", USER_AGENT), *headers], body)
        self.send(received.response, received.to)
        if code < 200:
            return
        received.final = code
        if received.timer:
            received.timer.cancel()
        key = _key_of_request(request)
        if request.method == "INVITE":
            self._unconfirmed[(request.call_id, request.cseq.sequence)] = key
            received.timer = self._loop.call_later(T1, self._repeat, key, 2 * T1, self._loop.time() + LIFETIME)
        else:
            received.timer = self._loop.call_later(LIFETIME, self._received.pop, key, None)

    def _repeat(self, key: Key, after: float, until: float) -> None:
        received = self._received[key]
        if self._loop.time() >= until:
            del self._received[key]
            self._unconfirmed.pop((received.request.call_id, received.request.cseq.sequence), None)
            if received.final < 300:
                self._on_unconfirmed(received.request)
            return
        self.send(received.response, received.to)
        received.timer = self._loop.call_later(after, self._repeat, key, min(2 * after, T2), until)

    def _on_ack(self, ack: Request) -> None:
        key = self._unconfirmed.pop((ack.call_id, ack.cseq.sequence), None)
        received = self._received.get(key) if key else None
        if key and received and received.timer:
            received.timer.cancel()
            received.timer = self._loop.call_later(LIFETIME, self._received.pop, key, None)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.unplugged or not data.strip(b"\r\n\0"):
            return  # Or a keep-alive.
        try:
            message = parse(data)
        except Malformed as error:
            log.warning("datagram ignored", source=f"{addr[0]}:{addr[1]}", reason=str(error), start=data[:60])
            return
        if isinstance(message, Response):
            self._on_response(message)
        elif message.method == "ACK":
            self._on_ack(message)
        else:
            self._on_new(message, addr)

    def _on_new(self, request: Request, addr: Address) -> None:
        key = _key_of_request(request)
        known = self._received.get(key)
        if known is not None:
            if known.response:
                self.send(known.response, known.to)
            return
        via = request.via[0]
        to = (addr[0], addr[1] if "rport" in via.parameters else via.port or 5060)
        stamped = replace(via, parameters=via.parameters.replace(received=addr[0]))
        if "rport" in via.parameters:
            stamped = replace(stamped, parameters=stamped.parameters.replace(rport=str(addr[1])))
        request.via = [stamped, *request.via[1:]]
        forget = self._loop.call_later(PATIENCE, self._received.pop, key, None)
        self._received[key] = _Received(request, to, timer=forget)
        self._on_request(request)

    def error_received(self, exc: Exception) -> None:
        log.info("the network refused a datagram", reason=str(exc))


def _key_of_response(response: Response) -> tuple[str, str]:
    return cast(str, response.via[0].parameters["branch"]), response.cseq.method


def _key_of_request(request: Request) -> Key:
    via: Via = request.via[0]
    return cast(str, via.parameters["branch"]), f"{via.host}:{via.port}", request.method


def _hop_ack(invite: bytes, response: Response) -> bytes:
    """The ACK to a refusal: it belongs to the INVITE's own transaction (RFC 3261, 17.1.1.3)."""
    request = cast(Request, parse(invite))
    ack = Request("ACK", request.uri)
    headers = [("Via", str(request.via[0])), ("Max-Forwards", "70"), ("From", request.headers["From"])]
    headers += [("To", response.headers["To"]), ("Call-ID", request.call_id)]
    headers += [("CSeq", f"{request.cseq.sequence} ACK"), *(("Route", one) for one in request.headers.getlist("Route"))]
    return compose(ack, headers)
