"""Keys as a capture file for sipp to send: one RTP stream whose sequence and timestamps only ever rise.

sipp ships one capture for each key, cut from one recording, and a server takes what goes backwards in it for late
packets: the same key twice, or 2 after *, is lost. So the whole sequence is written as one capture.
"""

from __future__ import annotations

import struct

KEYS = "0123456789*#ABCD"
EVENT_TYPE = 101
FRAME = 160
PERIOD = 0.02

_FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_ETHERNET = bytes(12) + b"\x08\x00"


def keys_as_capture(digits: str, *, seconds: float = 0.1, gap: float = 0.2, port: int = 10000) -> bytes:
    """A pcap file that presses `digits` for `seconds` each, `gap` apart (RFC 4733, payload type 101)."""
    held, apart = round(seconds / PERIOD), round(gap / PERIOD)
    packets, sequence, slot = [], 1000, 0
    for digit in digits:
        ages = [*range(held), *[held] * 3]
        for age in ages:
            lasted, end = min(age + 1, held) * FRAME, age == held
            event = struct.pack("!BBH", KEYS.index(digit), 0x8A if end else 0x0A, lasted)
            kind = EVENT_TYPE | (0x80 if age == 0 else 0)
            rtp = struct.pack("!BBHII", 0x80, kind, sequence, 8000 + slot * FRAME, 0x53414E53) + event
            packets.append(_record((slot + age) * PERIOD, rtp, port))
            sequence += 1
        slot += held + apart
    return _FILE_HEADER + b"".join(packets)


def duration(digits: str, *, seconds: float = 0.1, gap: float = 0.2) -> float:
    """Seconds that the capture of `digits` takes, the last gap included."""
    return len(digits) * (round(seconds / PERIOD) + round(gap / PERIOD)) * PERIOD


def _record(at: float, payload: bytes, port: int) -> bytes:
    udp = struct.pack("!HHHH", port, port, 8 + len(payload), 0)
    loopback = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, loopback, loopback)
    frame = _ETHERNET + ip + udp + payload
    return struct.pack("<IIII", 1000 + int(at), round(at % 1 * 1e6), len(frame), len(frame)) + frame
