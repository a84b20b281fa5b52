"""What goes to the carrier in a trace has no whole number, no name, no key that was pressed, and no secret."""

from __future__ import annotations

import struct
from pathlib import Path

from server.telephony.trunks.trace import masked, told

INVITE = """INVITE sip:+8613912345678@carrier.example;user=phone SIP/2.0
Via: SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bK13912345678
From: "李女士" <sip:02155667788@hotline.example>;tag=99887766554433
To: Li Ming <tel:+86-139-1234-5678>
Call-ID: 1391234567812345@hotline
CSeq: 3 INVITE
P-Asserted-Identity: <sip:02155667788@hotline.example>
Authorization: Digest username="4008001234", realm="x", nonce="abc123", uri="sip:13912345678@c", response="0123456789"
Content-Type: application/sdp

v=0
o=- 835349818835349818 1 IN IP4 203.0.113.7
m=audio 4000 RTP/SAVP 8 101
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
"""


def test_numbers_names_and_secrets_are_masked_and_the_rest_stays() -> None:
    text = masked(INVITE)
    for hidden in ("13912345678@", "139-1234-5678", "02155667788", "李女士", "Li Ming", "abc123", "0123456789", "d0Rm"):
        assert hidden not in text, hidden
    for shown in (
        "INVITE sip:+86****5678@carrier.example;user=phone SIP/2.0",
        "Call-ID: 1391234567812345@hotline",
        "tag=99887766554433",
        "m=audio 4000 RTP/SAVP 8 101",
        'realm="x"',
    ):
        assert shown in text, shown


def test_keys_that_were_pressed_are_masked() -> None:
    assert masked("INFO sip:1 SIP/2.0\n\nSignal=5\nDuration=160") == "INFO sip:1 SIP/2.0\n\nSignal=…\nDuration=160"


def test_a_file_of_packets_is_read_to_where_it_is_whole(tmp_path: Path) -> None:
    def packet(source: int, message: bytes) -> bytes:
        udp = struct.pack(">HHHH", source, 5060, 8 + len(message), 0) + message
        ip = (
            struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
            + bytes((127, 0, 0, 1, 203, 0, 113, 7))
            + udp
        )
        frame = bytes(12) + b"\x08\x00" + ip
        return struct.pack("<IIII", 1_800_000_000, 5000, len(frame), len(frame)) + frame

    file = tmp_path / "t.pcap"
    whole = packet(5080, b"OPTIONS sip:13912345678@c SIP/2.0\r\n\r\n")
    file.write_bytes(bytes(24) + whole + packet(5081, b"SIP/2.0 200 OK\r\n\r\n")[:30])
    assert told(file).startswith(
        "--- 2027-01-15T08:00:00.005+00:00 127.0.0.1:5080 -> 203.0.113.7:5060\nOPTIONS sip:139****5678@c SIP/2.0\n"
    )
    file.write_bytes(b"")
    assert told(file) == ""
