"""SIP messages for the carrier, without what is nobody else's: numbers are masked, secrets and keys are left out.

Asterisk writes packets into a file of this user's for a while; they are read, masked and removed. It writes no more
when the time is up, when the file is long enough, or when the server that asked begins anew.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from server.telephony.ami.link import AmiError
from server.telephony.asterisk.control import ask, control_socket, quoted
from server.telephony.asterisk.site import Layout

LONGEST = 300.0
"""Seconds of one trace."""
MOST = 20_000_000
"""Bytes of packets after which a trace ends."""
_STEP = 0.2
_HEADER, _PACKET, _IP, _UDP, _TCP = 24, 16, 20, 8, 20
_ETHERNET = 14
_URI = re.compile(r"(?i)\b(sips?|tel):([^@;>\s\"]*)")
_RUN = re.compile(r"\+?\d[\d().-]{5,}\d")
_NAME = re.compile(
    r"(?im)^((?:From|To|f|t|Contact|m|P-Asserted-Identity|P-Preferred-Identity|Remote-Party-ID|Diversion)\s*:\s*)(\"[^\"]*\"|[^<\r\n\"]+?)(?=\s*<)"
)
_SECRETS = re.compile(r"(?i)\b(response|cnonce|nonce|password|opaque)=(\"[^\"]*\"|[^,\s]+)")
_KEYS = re.compile(r"(?im)^(a=crypto:\S+ \S+ inline:)\S+")
_DTMF = re.compile(r"(?im)^(Signal\s*=\s*)\S+")


class Trace:
    """Traces of one Asterisk, one at a time."""

    def __init__(self, layout: Layout) -> None:
        self._socket, self._file = control_socket(layout), layout.run / "trace.pcap"
        self._lock = asyncio.Lock()

    @property
    def busy(self) -> bool:
        """Whether a trace is being made."""
        return self._lock.locked()

    async def settle(self) -> None:
        """Nothing is written for a server that is gone."""
        if self._file.exists():
            await self._stop()
            self._file.unlink(missing_ok=True)

    async def take(self, seconds: float) -> str:
        """The messages of the next `seconds`, as text. Raises AmiError."""
        async with self._lock:
            self._file.unlink(missing_ok=True)
            self._file.touch(mode=0o600)
            try:
                await ask(self._socket, "pjsip set logger verbose off")
                await ask(self._socket, f"pjsip set logger pcap {quoted(str(self._file))}")
                await ask(self._socket, "pjsip set logger on")
                loop = asyncio.get_running_loop()
                end = loop.time() + min(seconds, LONGEST)
                while (left := end - loop.time()) > 0 and self._file.stat().st_size < MOST:  # noqa: ASYNC110
                    await asyncio.sleep(min(_STEP, left))
                await self._stop()
                return await asyncio.to_thread(self._read)
            finally:
                await self._stop()
                self._file.unlink(missing_ok=True)

    async def _stop(self) -> None:
        with suppress(AmiError):
            await ask(self._socket, "pjsip set logger off")

    def _read(self) -> str:
        return told(self._file)


def told(file: Path) -> str:
    """The masked messages of a file of packets, each under a line with its instant and the two addresses."""
    parts = [
        f"--- {when} {source} -> {target}\n{masked(message)}\n" for when, source, target, message in _packets(file)
    ]
    return "\n".join(parts)


def masked(message: str) -> str:
    """A SIP message without whole numbers, names, digits that were keyed, and whatever proves who somebody is."""
    text = _NAME.sub(lambda found: found[1] + ("" if not found[2].strip() else '"…"'), message)
    text = _URI.sub(lambda found: f"{found[1]}:{_hidden(found[2])}", text)
    text = _SECRETS.sub(r'\1="…"', text)
    text = _KEYS.sub(r"\1…", text)
    return _DTMF.sub(r"\1…", text)


def _hidden(user: str) -> str:
    return _RUN.sub(lambda found: f"{found[0][:3]}****{found[0][-4:] if len(found[0]) > 8 else ''}", user)


def _packets(file: Path) -> Iterator[tuple[str, str, str, str]]:
    data = file.read_bytes()
    at = _HEADER
    while at + _PACKET <= len(data):
        seconds, micro, length, _ = struct.unpack_from("<IIII", data, at)
        at += _PACKET
        packet, at = data[at : at + length], at + length
        found = _of_packet(packet)
        if found is not None:
            when = datetime.fromtimestamp(seconds + micro / 1e6, UTC).isoformat(timespec="milliseconds")
            yield when, *found


def _of_packet(packet: bytes) -> tuple[str, str, str] | None:
    """Source, target and message of one Ethernet frame with IPv4 or IPv6, UDP or TCP; None for what is none."""
    kind = int.from_bytes(packet[12:14], "big")
    body = packet[_ETHERNET:]
    if kind == 0x0800 and len(body) > _IP:
        source, target, protocol, rest = _dotted(body[12:16]), _dotted(body[16:20]), body[9], body[(body[0] & 15) * 4 :]
    elif kind == 0x86DD and len(body) > 40:
        source, target = body[8:24].hex(":", 2), body[24:40].hex(":", 2)
        protocol, rest = body[6], body[40:]
    else:
        return None
    if len(rest) < _UDP:
        return None
    ports = struct.unpack_from(">HH", rest)
    sound = rest[_UDP:] if protocol == 17 else rest[_TCP:]
    message = sound.decode("utf-8", "replace").replace("\r\n", "\n")
    return f"{source}:{ports[0]}", f"{target}:{ports[1]}", message


def _dotted(address: bytes) -> str:
    return ".".join(str(each) for each in address)
