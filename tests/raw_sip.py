"""A SIP peer that writes its requests by hand, for requests that no well-behaved phone would send."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n"


class RawSip(asyncio.DatagramProtocol):
    """One UDP socket; `async with RawSip(port) as peer`. Parts of URIs are given as they go on the wire, escaped."""

    def __init__(self, port: int, bind: str = "") -> None:
        self.port, self._bind = port, bind
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> RawSip:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(
            lambda: self,
            local_addr=(self._bind, 0) if self._bind else None,
            remote_addr=("127.0.0.1", self.port),
        )
        self.address = "{}:{}".format(*self.transport.get_extra_info("sockname"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.put_nowait(data)

    def invite(
        self,
        caller: str,
        called: str = "4008001234",
        name: str = "",
        headers: Mapping[str, str] | None = None,
        sender: str = "",
        sdp: str = SDP,
    ) -> str:
        """Send an INVITE; its Call-ID. `sender` is the whole address in From, instead of `name` and `caller`."""
        call_id = secrets.token_hex(8)
        display = f'"{name}" ' if name else ""
        sender = sender or f"{display}<sip:{caller}@127.0.0.1>"
        lines = [
            f"INVITE sip:{called}@127.0.0.1:{self.port} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};rport;branch=z9hG4bK{call_id}",
            f"From: {sender};tag={call_id}",
            f"To: <sip:{called}@127.0.0.1>",
            f"Call-ID: {call_id}",
            "CSeq: 1 INVITE",
            "Max-Forwards: 70",
            f"Contact: <sip:raw@{self.address}>",
            *(f"{key}: {value}" for key, value in (headers or {}).items()),
            *(("Content-Type: application/sdp",) if sdp else ()),
            f"Content-Length: {len(sdp)}",
        ]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + sdp).encode())
        return call_id

    def register(self, user: str) -> None:
        """Send a REGISTER without a password."""
        call_id = secrets.token_hex(8)
        lines = [
            f"REGISTER sip:127.0.0.1:{self.port} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};rport;branch=z9hG4bK{call_id}",
            f"From: <sip:{user}@127.0.0.1>;tag={call_id}",
            f"To: <sip:{user}@127.0.0.1>",
            f"Call-ID: {call_id}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:{user}@{self.address}>",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n").encode())

    def acknowledge(self, answer: bytes, method: str = "ACK", sdp: str = "") -> None:
        """Send the ACK to a final answer, or the BYE of the call that it began; `sdp` answers a late offer."""
        via, sender, to, call_id = (_header(answer, name) for name in ("Via", "From", "To", "Call-ID"))
        if answer.startswith(b"SIP/2.0 2"):
            via = f"SIP/2.0/UDP {self.address};rport;branch=z9hG4bK{secrets.token_hex(8)}"
        lines = [
            f"{method} sip:x@127.0.0.1:{self.port} SIP/2.0",
            f"Via: {via}",
            f"From: {sender}",
            f"To: {to}",
            f"Call-ID: {call_id}",
            f"CSeq: {1 if method == 'ACK' else 2} {method}",
            "Max-Forwards: 70",
            *(("Content-Type: application/sdp",) if sdp else ()),
            f"Content-Length: {len(sdp)}",
        ]
        self.transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + sdp).encode())

    async def final(self, call_id: str, within: float = 5.0) -> int:
        """The status of the final answer to an INVITE, which is acknowledged. A call that is answered goes on."""
        answer = await self.answer(call_id, within)
        self.acknowledge(answer)
        return int(answer.split(b" ", 2)[1])

    async def answer(self, call_id: str, within: float = 5.0) -> bytes:
        """The final answer to an INVITE."""
        async with asyncio.timeout(within):
            while True:
                answer = await self.came.get()
                status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"SIP/2.0 ") else 0
                if call_id.encode() in answer and status >= 200 and "INVITE" in _header(answer, "CSeq"):
                    return answer


def _header(message: bytes, name: str) -> str:
    found = re.search(rf"(?im)^{name}: *(.*?)\r$", message.decode("utf-8", "replace"))
    return found[1] if found else ""
