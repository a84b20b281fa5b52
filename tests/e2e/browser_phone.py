"""A browser's telephone as far as SIP goes: it registers over a WebSocket, answers calls, and sends no sound."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import secrets
from contextlib import suppress

from softphone import digest

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 8
a=mid:{mid}
a=ice-ufrag:phone
a=ice-pwd:nobodysendsanythingatall
a=fingerprint:sha-256 {fingerprint}
a=setup:active
a=rtcp-mux
a=rtpmap:8 PCMA/8000
a=sendrecv
"""


class BrowserPhone:
    """The second device of `agent`: `async with BrowserPhone("1001", secret, http_port) as phone`."""

    def __init__(self, agent: str, secret: str, port: int) -> None:
        self._agent, self._secret, self._port = agent, secret, port
        self._tag, self._call_id = secrets.token_hex(6), secrets.token_hex(8)
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self.answered = asyncio.Event()
        """A call was answered."""
        self.asked = 0
        """How many OPTIONS came."""

    async def __aenter__(self) -> BrowserPhone:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._writer.write(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        self._reading = asyncio.create_task(self._read())
        await self._register()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await asyncio.gather(self._reading, return_exceptions=True)

    def close(self) -> None:
        """The page is closed in the middle of everything: the connection is gone."""
        self._writer.transport.abort()
        self._reading.cancel()

    async def _register(self) -> None:
        proof = ""
        for sequence in (1, 2):
            uri, aor = "sip:127.0.0.1", f"<sip:{self._agent}-web@127.0.0.1>"
            lines = [
                f"REGISTER {uri} SIP/2.0",
                f"Via: SIP/2.0/WS phone.invalid;branch=z9hG4bK{secrets.token_hex(8)}",
                "Max-Forwards: 70",
                f"From: {aor};tag={self._tag}",
                f"To: {aor}",
                f"Call-ID: {self._call_id}",
                f"CSeq: {sequence} REGISTER",
                f"Contact: <sip:{self._agent}@phone.invalid;transport=ws>",
                "Expires: 120",
                *((f"Authorization: {proof}",) if proof else ()),
                "Content-Length: 0",
            ]
            self._send("\r\n".join(lines) + "\r\n\r\n")
            answer = await asyncio.wait_for(self._answers.get(), 10)
            if answer.startswith("SIP/2.0 200"):
                return
            asked = [_header(answer, "WWW-Authenticate")]
            proof = digest.credentials(asked, method="REGISTER", uri=uri, user=self._agent, secret=self._secret)
        raise AssertionError(answer)

    async def _read(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, length = await self._reader.readexactly(2)
                if length == 126:
                    length = int.from_bytes(await self._reader.readexactly(2), "big")
                payload = await self._reader.readexactly(length)
                if first & 15 == _CLOSE:
                    return
                if first & 15 == _PING:
                    self._frame(_PONG, payload)
                else:
                    self._receive(payload.decode("utf-8", "replace"))

    def _receive(self, message: str) -> None:
        method = message.split(" ", 1)[0]
        if method == "SIP/2.0":
            self._answers.put_nowait(message)
        elif method == "INVITE":
            mid = re.search(r"a=mid:(\S+)", message)
            fingerprint = ":".join(f"{each:02X}" for each in os.urandom(32))
            body = _SDP.format(mid=mid[1] if mid else "0", fingerprint=fingerprint).replace("\n", "\r\n")
            self._respond(message, "200 OK", body)
        elif method == "ACK":
            self.answered.set()
        else:
            self.asked += method == "OPTIONS"
            self._respond(message, "200 OK")

    def _respond(self, message: str, status: str, body: str = "") -> None:
        kept = [line for line in message.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq|record-route):", line)]
        to = _header(message, "To")
        lines = [
            f"SIP/2.0 {status}",
            *kept,
            f"To: {to}" + ("" if ";tag=" in to else f";tag={self._tag}"),
            f"Contact: <sip:{self._agent}@phone.invalid;transport=ws>",
            *(("Content-Type: application/sdp",) if body else ()),
            f"Content-Length: {len(body)}",
        ]
        self._send("\r\n".join(lines) + "\r\n\r\n" + body)

    def _send(self, text: str) -> None:
        self._frame(_TEXT, text.encode())

    def _frame(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        head = bytes((0x80 | kind, 0x80 | size)) if size < 126 else bytes((0x80 | kind, 0xFE)) + size.to_bytes(2, "big")
        mask = os.urandom(4)
        self._writer.write(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))


def _header(message: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}: *(.*?)\r$", message)
    return found[1] if found else ""
