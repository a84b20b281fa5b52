"""INVITEs in the name of the trunk whose sender acknowledges nothing and answers nothing, as a flood of forged ones."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

T1 = 0.5
"""Seconds until an INVITE of which nothing is heard is sent again, for the first time."""
_CALL = re.compile(rb"\r\nCall-ID: forged-(\d+)@", re.IGNORECASE)
_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class Forger:
    """One socket, and what came back to it. Times are of the loop's clock (monotonic seconds)."""

    def __init__(self, sip_port: int, *, again: bool = False) -> None:
        self.codes: dict[int, int] = {}
        """Call → the final answer to its INVITE."""
        self.answered_at: dict[int, float] = {}
        """Call → when that came."""
        self.ended_at: dict[int, float] = {}
        """Call → when it was sent a BYE."""
        self._sip_port, self._again = sip_port, again
        self._sent = 0
        self._heeded: set[int] = set()
        """The calls that anything came for."""
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._read)

    @property
    def finals(self) -> Counter[int]:
        """Final code → how many calls have it."""
        return Counter(self.codes.values())

    def send(self, count: int, *, offer: bool = True) -> None:
        """Send INVITEs of `count` callers at once; without `offer` they leave it to the other side."""
        for _ in range(count):
            self._sent += 1
            self._deliver(self._sent, self._invite(self._sent, _OFFER if offer else ""), T1)

    def _deliver(self, call: int, invite: bytes, again: float) -> None:
        """Send an INVITE, `again` until anything comes back: a busy machine drops what it cannot read."""
        if call not in self._heeded and self._socket.fileno() >= 0:
            self._socket.sendto(invite, ("127.0.0.1", self._sip_port))
            if self._again:
                self._loop.call_later(again, self._deliver, call, invite, 2 * again)

    async def flood(self, count: int, *, offer: bool = True, rate: float = 100.0) -> None:
        """Send INVITEs of `count` callers, `rate` a second at most: none come at once because this process was late."""
        for _ in range(count):
            self.send(1, offer=offer)
            await asyncio.sleep(1 / rate)

    async def until(self, holds: Callable[[], bool], within: float) -> None:
        """Wait until what came back `holds`. Raises TimeoutError saying what did."""
        try:
            async with asyncio.timeout(within):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            text = f"of {self._sent} INVITEs {dict(self.finals)} were answered and {len(self.ended_at)} ended"
            raise TimeoutError(f"{text} within {within:g} s") from None

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _invite(self, call: int, offer: str) -> bytes:
        us, them = f"127.0.0.1:{self._socket.getsockname()[1]}", f"4008001234@127.0.0.1:{self._sip_port}"
        lines = [
            f"INVITE sip:{them} SIP/2.0",
            f"Via: SIP/2.0/UDP {us};rport;branch=z9hG4bK-forged-{call}",
            "Max-Forwards: 70",
            f"From: <sip:139{call:08}@127.0.0.1>;tag=forged-{call}",
            f"To: <sip:{them}>",
            f"Call-ID: forged-{call}@{us}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:139{call:08}@{us}>",
            *(("Content-Type: application/sdp",) if offer else ()),
            f"Content-Length: {len(offer)}",
        ]
        return ("\r\n".join(lines) + f"\r\n\r\n{offer}").encode()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except BlockingIOError:
                break
            found = _CALL.search(data)
            call = int(found[1]) if found else 0
            self._heeded.add(call)
            if data.startswith(b"BYE "):
                self.ended_at.setdefault(call, self._loop.time())
            elif data.startswith(b"SIP/2.0 ") and (code := int(data[8:11])) >= 200:
                self.codes.setdefault(call, code)
                self.answered_at.setdefault(call, self._loop.time())
        self._changed.set()


def audio_sockets(pid: int, ports: tuple[int, int]) -> int:
    """UDP sockets that the process holds in the range of audio ports."""
    held = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            held.add(os.readlink(link))
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    first, last = ports
    return sum(first <= int(row[1].rpartition(":")[2], 16) <= last and f"socket:[{row[9]}]" in held for row in rows)


@contextmanager
def forging(sip_port: int, *, again: bool = False) -> Iterator[Forger]:
    """A forger of calls to this port of 127.0.0.1; `again`: of which each arrives, however busy the machine is."""
    forger = Forger(sip_port, again=again)
    try:
        yield forger
    finally:
        forger.close()
