"""A page's telephone as far as SIP goes: it has the phone of its sign-in, answers calls, and sends no sound.

It reaches Asterisk as pages do, through the server.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from typing import TYPE_CHECKING, Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from softphone import digest

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

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


async def sign_in_token(hotline: Hotline, agent: str, name: str = "") -> str:
    """A token with which a page may act as this agent."""
    asked = {"name": name or f"page of {agent}", "role": "agent", "agent": agent}
    return str((await hotline.request("POST", "/api/v1/tokens", asked))["token"])


class BrowserPhone:
    """A page of `agent`: `async with BrowserPhone(hotline, "1001", token) as page`. `rings`: it answers only what it is
    told to answer by itself."""

    def __init__(
        self, hotline: Hotline, agent: str, token: str, *, rings: bool = False, takeover: bool = False
    ) -> None:
        self._hotline, self.agent, self.token = hotline, agent, token
        self.proof = {"Authorization": f"Bearer {token}"}
        """What the page shows with each request; of a session another."""
        self._rings, self._takeover = rings, takeover
        self._tag, self._call_id = secrets.token_hex(6), secrets.token_hex(8)
        self._contact = f"<sip:{secrets.token_hex(4)}@{secrets.token_hex(4)}.invalid;transport=ws>"
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._socket: ClientConnection
        self.answered = asyncio.Event()
        """A call was answered."""
        self.invited = asyncio.Event()
        self.invites: list[str] = []
        """The INVITEs that came."""
        self.ended = asyncio.Event()
        """A call was ended by the other side: BYE or CANCEL."""
        self.asked = 0
        """How many OPTIONS came."""
        self.given: dict[str, Any] = {}

    async def open(self) -> httpx.Response:
        """Ask for the phone of this sign-in."""
        return await self.post("/api/v1/phone", {"takeover": self._takeover})

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        """Ask the server for something."""
        async with httpx.AsyncClient(trust_env=False, timeout=20, verify=False) as client:
            return await client.post(self._hotline.api + path, json=body, headers=self.proof)

    async def __aenter__(self) -> BrowserPhone:
        answer = await self.open()
        assert answer.status_code == 200, answer.text
        self.given = answer.json()
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def connect(self) -> None:
        """Connect and register; again, if the connection broke."""
        self._socket = await self.socket()
        self._reading = asyncio.create_task(self._read())
        assert (await self.register()).startswith("SIP/2.0 200")

    async def socket(self, **headers: str | None) -> ClientConnection:
        """A connection to the server. Raises InvalidStatus where it is refused."""
        return await connect(
            f"{self._hotline.api.replace('http', 'ws', 1)}{self.given['url']}",
            subprotocols=[Subprotocol("sip")],
            additional_headers={name: value for name, value in {**self.proof, **headers}.items() if value},
            compression=None,
            proxy=None,
        )

    def close(self) -> None:
        """The page is closed in the middle of everything: the connection is gone."""
        self._reading.cancel()
        self._socket.transport.abort()

    async def closed(self) -> int:
        """Wait until the server has disconnected this page; the close code."""
        await asyncio.wait_for(asyncio.shield(self._reading), 10)
        return self._socket.close_code or 0

    async def register(self, user: str = "", expires: int = 120) -> str:
        """Register, and return the first line of the last answer."""
        proof, user = "", user or f"{self.agent}-web"
        for sequence in (1, 2):
            uri, aor = "sip:sansheng", f"<sip:{user}@sansheng>"
            lines = [
                f"REGISTER {uri} SIP/2.0",
                f"Via: SIP/2.0/WS phone.invalid;branch=z9hG4bK{secrets.token_hex(8)}",
                "Max-Forwards: 70",
                f"From: {aor};tag={self._tag}",
                f"To: {aor}",
                f"Call-ID: {self._call_id}",
                f"CSeq: {sequence} REGISTER",
                f"Contact: {self._contact}",
                f"Expires: {expires}",
                *((f"Authorization: {proof}",) if proof else ()),
                "Content-Length: 0",
            ]
            await self.send("\r\n".join(lines) + "\r\n\r\n")
            answer = await asyncio.wait_for(self._answers.get(), 10)
            if not answer.startswith("SIP/2.0 401"):
                break
            asked = [_header(answer, "WWW-Authenticate")]
            given = self.given
            proof = digest.credentials(asked, method="REGISTER", uri=uri, user=given["user"], ha1=given["ha1"])
        return answer.partition("\r\n")[0]

    async def send(self, text: str) -> None:
        """Send what is written, whatever it is."""
        await self._socket.send(text)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                await self._receive(str(message))
        except ConnectionClosed:
            pass

    async def _receive(self, message: str) -> None:
        if not message.strip():
            return  # keeps the connection alive
        method = message.split(" ", 1)[0]
        if method == "SIP/2.0":
            self._answers.put_nowait(message)
        elif method == "INVITE":
            self.invites.append(message)
            self.invited.set()
            await self._respond(message, "180 Ringing")
            if not self._rings or self.header("Auto-Answer") == "yes":
                await self.answer()
        elif method == "ACK":
            self.answered.set()
        else:
            self.asked += method == "OPTIONS"
            if method in ("BYE", "CANCEL"):
                self.ended.set()
            await self._respond(message, "200 OK")
            if method == "CANCEL":
                await self._respond(self.invites[-1], "487 Request Terminated")

    def header(self, name: str) -> str:
        """What the last INVITE says of itself: Call, Purpose or Auto-Answer."""
        return _header(self.invites[-1], f"X-Sansheng-{name}") if self.invites else ""

    async def answer(self) -> None:
        """Answer the last call."""
        mid = re.search(r"a=mid:(\S+)", self.invites[-1])
        fingerprint = ":".join(f"{each:02X}" for each in os.urandom(32))
        body = _SDP.format(mid=mid[1] if mid else "0", fingerprint=fingerprint).replace("\n", "\r\n")
        await self._respond(self.invites[-1], "200 OK", body)

    async def _respond(self, message: str, status: str, body: str = "") -> None:
        kept = [line for line in message.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq|record-route):", line)]
        to = _header(message, "To")
        lines = [
            f"SIP/2.0 {status}",
            *kept,
            f"To: {to}" + ("" if ";tag=" in to else f";tag={self._tag}"),
            f"Contact: {self._contact}",
            *(("Content-Type: application/sdp",) if body else ()),
            f"Content-Length: {len(body)}",
        ]
        await self.send("\r\n".join(lines) + "\r\n\r\n" + body)


def _header(message: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}: *(.*?)\r$", message)
    return found[1] if found else ""
