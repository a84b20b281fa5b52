"""SIP over the wire: datagrams, and some connections, to the port that the trunk's calls come to.

An input that Asterisk takes for a call is answered; the sender then says goodbye as a telephone would, so that the
calls of thousands of inputs do not fill the hotline. Each input also goes through the softphone's reader.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Self

from softphone import sdp
from softphone.sip import Malformed
from softphone.sip import parse as parse_sip
from tests.fuzz.mutator import Grammar
from tests.fuzz.running import CALLEE, CANARY, CANARY_EVENT, Running
from tests.fuzz.target import Flaw, time_limit

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 0 101\r\n"
    b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
)
FROM = b'From: "Fuzz" <sip:13900139000@127.0.0.1>;tag=f%(n)\r\n'
FOR_A_HEADER = b'From: "Fuzz" <sip:139%%0Aagi_callerid%%3A%%20%s@127.0.0.1>;tag=f%%(n)\r\n' % CANARY.encode()
FOR_AN_EVENT = b'From: "Fuzz" <sip:139%%0D%%0AEvent%%3A%%20%s@127.0.0.1>;tag=f%%(n)\r\n' % CANARY_EVENT.encode()


def _request(
    method: bytes, *headers: bytes, body: bytes = b"", sender: bytes = FROM, number: bytes = CALLEE.encode()
) -> bytes:
    head = (
        b"%s sip:%s@127.0.0.1:%%(server) SIP/2.0\r\n"
        b"Via: SIP/2.0/%%(protocol) 127.0.0.1:%%(port);branch=z9hG4bK-fuzz-%%(n);rport\r\nMax-Forwards: 70\r\n"
        b"%sTo: <sip:%s@127.0.0.1>\r\nCall-ID: fuzz-%%(n)@127.0.0.1\r\nCSeq: 1 %s\r\n"
        b"Contact: <sip:fuzz@127.0.0.1:%%(port)>\r\n"
    ) % (method, number, sender, number, method)
    return head + b"".join(each + b"\r\n" for each in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


TYPE = b"Content-Type: application/sdp"
INVITE = _request(b"INVITE", TYPE, b"Allow: INVITE, ACK, CANCEL, BYE, UPDATE, INFO", body=SDP)
EXAMPLES = (
    INVITE,
    _request(b"INVITE", TYPE, body=SDP, sender=FOR_A_HEADER),
    _request(b"INVITE", TYPE, body=SDP, sender=FOR_AN_EVENT),
    _request(b"INVITE", TYPE, body=SDP, number=b"400%0Aagi_callerid%3A%20" + CANARY.encode()),
    _request(b"INVITE", TYPE, b"P-Asserted-Identity: <sip:13900139001@127.0.0.1>", b"Privacy: id", body=SDP),
    _request(b"INVITE", TYPE, b"Diversion: <sip:13900139002@127.0.0.1>;reason=no-answer;counter=1", body=SDP),
    _request(b"INVITE", b"Supported: replaces, timer, 100rel", b"Session-Expires: 90;refresher=uac", b"Min-SE: 90"),
    _request(b"OPTIONS", b"Accept: application/sdp"),
    _request(b"REGISTER", b"Expires: 120",
             b'Authorization: Digest username="7001", realm="sansheng", nonce="1", uri="sip:a", response="0"'),
    _request(b"BYE"),
    _request(b"CANCEL"),
    _request(b"ACK"),
    _request(b"INFO", b"Content-Type: application/dtmf-relay", body=b"Signal=5\r\nDuration=100\r\n"),
    _request(b"UPDATE", TYPE, body=SDP),
    _request(b"SUBSCRIBE", b"Event: presence", b"Expires: 60"),
    _request(b"NOTIFY", b"Event: message-summary", b"Subscription-State: active", body=b"Messages-Waiting: yes\r\n"),
    _request(b"MESSAGE", b"Content-Type: text/plain", body="您好".encode()),
    _request(b"REFER", b"Refer-To: <sip:1001@127.0.0.1?Replaces=a%3Bto-tag%3Db>"),
    _request(b"PUBLISH", b"Event: presence", body=b"<presence/>"),
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:%(server);branch=z9hG4bK-x\r\n" + FROM
    + b"To: <sip:a@127.0.0.1>;tag=t\r\nCall-ID: fuzz-%(n)@127.0.0.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
    b"\r\n\r\n",
)  # fmt: skip
SHARES = (3, 1, 1, 1, 1, 1, 1, *(1.0,) * (len(EXAMPLES) - 7))
WORDS = (
    b"%0Aagi_callerid%3A%20" + CANARY.encode(), b"%0D%0Aagi_callerid%3A%20" + CANARY.encode(), b"%0Aagi_arg_1%3A%201",
    b"%0D%0AEvent%3A%20" + CANARY_EVENT.encode(),
    b"%0D%0A%0D%0AEvent%3A%20" + CANARY_EVENT.encode() + b"%0D%0A%0D%0A",
    b"%0D%0A" + CANARY_EVENT.encode() + b"%3A%201", b"\x0a", b"${SHELL(id)}", b"${CHANNEL}", b"&PJSIP/7001",
    b",1,Hangup", b"sip:", b"sips:", b"tel:+8613900139000", b";tag=", b";lr", b";transport=tcp", b";maddr=127.0.0.9",
    b"<", b">", b'"', b"[::1]", b"[", b"*;expires=0", b"Via: SIP/2.0/UDP x\r\n", b"Route: <sip:127.0.0.1;lr>\r\n",
    b"Require: fuzz\r\n", b"Content-Length: 999999\r\n", b"Content-Length: -1\r\n",
    b"Replaces: a;to-tag=b;from-tag=c\r\n", b"l: 0\r\n", b"i: x\r\n", b"Content-Type: multipart/mixed;boundary=b\r\n",
    b"--b\r\n", b"m=audio 65536 RTP/AVP 8\r\n", b"m=image 9 udptl t38\r\n", b"c=IN IP6 ::1\r\n",
    b"c=IN IP4 256.0.0.1\r\n", b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", b"a=rtcp-mux\r\n",
    b"a=candidate:1 1 UDP 1 x 9 typ host\r\n", b"UNKNOWN", b"SIP/3.0", b"anonymous@anonymous.invalid", b"7001",
    b"*45",
)  # fmt: skip
LARGEST_DATAGRAM = 60_000
OVER_TCP = 16
"""Every so many inputs go over a connection, and so do those too large for a datagram."""
A_SECOND = 200
"""Inputs: of these, so few are calls that the hotline's own limit of new calls is not reached."""
LISTENS = (0.0, 0.3, 1.0, 2.0)
"""Seconds after which one caller after the other says goodbye."""
_TAG = re.compile(rb";tag=[^;\r\n]+")
_HEADER = re.compile(rb"(?im)^(via|from|to|call-id|cseq|record-route):[^\r\n]*")


class Sip(Running):
    """One telephone that says the inputs, and ends what comes of them."""

    at_once = 8
    grammar = Grammar(EXAMPLES, WORDS, SHARES)
    never_logged = ("an AGI connection was closed",)
    """All connections are Asterisk's here, and what Asterisk says is never wrong unless a caller wrote it."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Peer(self), local_addr=("127.0.0.1", 0))
        self._stack.callback(self._transport.close)
        self._port = self._transport.get_extra_info("sockname")[1]
        self._server = ("127.0.0.1", self.hotline.sip_port)
        self._next = loop.time()
        return self

    async def give(self, index: int, data: bytes) -> None:
        """One datagram or one connection."""
        protocol = b"TCP" if index % OVER_TCP == 0 or len(data) > LARGEST_DATAGRAM else b"UDP"
        names = {b"%(n)": b"%d" % index, b"%(port)": b"%d" % self._port, b"%(server)": b"%d" % self._server[1]}
        for name, value in {**names, b"%(protocol)": protocol}.items():
            data = data.replace(name, value)
        _softphone_reads(data)
        loop = asyncio.get_running_loop()
        self._next = max(self._next + 1 / A_SECOND, loop.time() - 1)
        await asyncio.sleep(self._next - loop.time())
        if protocol == b"TCP":
            await self._connect(data)
        else:
            self._transport.sendto(data, self._server)

    async def _connect(self, data: bytes) -> None:
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection(*self._server)
            try:
                writer.write(data)
                while answer := await asyncio.wait_for(reader.read(65_536), 0.1):
                    for each in answer.split(b"SIP/2.0 ")[1:]:
                        for reply in self.replies(b"SIP/2.0 " + each, b"TCP"):
                            writer.write(reply)
            finally:
                writer.close()

    def heard(self, data: bytes) -> None:
        """A datagram came: a call that is answered is confirmed and ended, a request is agreed to."""
        for reply in self.replies(data, b"UDP"):
            self._transport.sendto(reply, self._server)

    def replies(self, data: bytes, protocol: bytes) -> list[bytes]:
        """A telephone's answer to this."""
        found = {match[1].lower(): match[0] for match in _HEADER.finditer(data)}
        cseq = re.search(rb"(\d+)\s+(\w+)", found.get(b"cseq", b""))
        if not data.startswith(b"SIP/2.0"):
            kept = b"\r\n".join(match[0] for match in _HEADER.finditer(data))
            return (
                [b"SIP/2.0 200 OK\r\n" + kept + b"\r\nContent-Length: 0\r\n\r\n"] if not data.startswith(b"ACK") else []
            )
        if cseq is None or cseq[2] != b"INVITE" or not data.startswith(b"SIP/2.0 2"):
            return []
        call = b"".join(_TAG.findall(found.get(b"to", b""))) or data
        if call not in self.answered:
            self.answered.add(call)
            goodbye = self._in_dialog(found, b"BYE", b"999999", b"UDP")
            after = LISTENS[len(self.answered) % len(LISTENS)]
            asyncio.get_running_loop().call_later(after, self._transport.sendto, goodbye, self._server)
        return [self._in_dialog(found, b"ACK", cseq[1], protocol)]

    def _in_dialog(self, found: dict[bytes, bytes], method: bytes, number: bytes, protocol: bytes) -> bytes:
        # A dialog is known by its tags and its Call-ID: names that only Asterisk can read are left out.
        tags = [b"".join(_TAG.findall(found.get(name, b""))[-1:]) for name in (b"from", b"to")]
        names = [b"%s: <sip:a@127.0.0.1>%s" % each for each in zip((b"From", b"To"), tags, strict=True)]
        names.append(found.get(b"call-id", b"Call-ID: none"))
        branch = b"z9hG4bK-%s-%d" % (method, len(self.answered))
        return b"\r\n".join(
            (
                b"%s sip:127.0.0.1:%d SIP/2.0" % (method, self._server[1]),
                b"Via: SIP/2.0/%s 127.0.0.1:%d;branch=%s;rport" % (protocol, self._port, branch),
                *names,
                b"CSeq: %s %s" % (number, method),
                b"Max-Forwards: 70",
                b"Content-Length: 0",
                b"\r\n",
            )
        )


class _Peer(asyncio.DatagramProtocol):
    def __init__(self, sip: Sip) -> None:
        self._sip = sip

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._sip.heard(data)


def _softphone_reads(data: bytes) -> None:
    try:
        with time_limit():
            message = parse_sip(data)
            with suppress(ValueError):
                sdp.parse(message.body)
    except Malformed:
        return
    except Exception as problem:
        raise Flaw(f"the softphone's reader raises {type(problem).__name__}: {problem}") from problem
