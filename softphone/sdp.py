"""Session descriptions of a telephone: one audio stream, G.711 and digits, and an answer takes from the offer only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from softphone.audio import ALAW, CODECS, ULAW

EVENT_TYPE = 101
"""Our payload type for digits (RFC 4733); an answer keeps the offerer's."""

_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Media:
    """Where one side wants its audio, and in what. `payload_types` stand in order of preference."""

    host: str
    port: int
    payload_types: tuple[int, ...] = (ALAW.payload_type, ULAW.payload_type)
    event_type: int | None = EVENT_TYPE
    direction: str = "sendrecv"


def parse(body: bytes) -> Media:
    """The first audio stream of a description. Raises ValueError with what is missing."""
    host, port, types, event_type, direction = "", 0, [], None, "sendrecv"
    section = "session"
    for line in body.decode("utf-8", "replace").splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            if section == "audio":
                break
            words = value.split()
            section = words[0] if words else "?"
            if section == "audio":
                if len(words) < 4:
                    raise ValueError(f"the description's audio line is incomplete: {line!r}")
                port, types = int(words[1].split("/")[0]), [int(word) for word in words[3:] if word.isdecimal()]
        elif section not in ("session", "audio"):
            continue
        elif kind == "c" and value.split():
            host = value.split()[-1].split("/")[0]
        elif kind == "a" and value in ("sendrecv", *_MIRRORED):
            direction = value
        elif kind == "a" and value.startswith("rtpmap:") and value.lower().endswith("telephone-event/8000"):
            event_type = int(value[len("rtpmap:") :].split()[0])
    if section != "audio" or not host:
        raise ValueError("the description names no audio stream, or no address for it")
    return Media(host, port, tuple(number for number in types if number != event_type), event_type, direction)


def answer(offer: Media, ours: Media) -> Media:
    """Ours, narrowed to one codec of the offer. Raises ValueError if there is none in common."""
    common = [number for number in offer.payload_types if number in ours.payload_types]
    if not common:
        raise ValueError(f"the other side offers payload types {offer.payload_types}, we speak {ours.payload_types}")
    direction = _MIRRORED.get(offer.direction, "sendrecv")
    return replace(ours, payload_types=(common[0],), event_type=offer.event_type, direction=direction)


def render(media: Media, version: int) -> bytes:
    """The description as it goes into a message; `version` rises with each one of a call."""
    events = [] if media.event_type is None else [media.event_type]
    lines = [
        "v=0",
        f"o=sansheng {media.port} {version} IN IP4 {media.host}",
        "s=sansheng",
        f"c=IN IP4 {media.host}",
        "t=0 0",
        f"m=audio {media.port} RTP/AVP {' '.join(str(number) for number in (*media.payload_types, *events))}",
        *(f"a=rtpmap:{number} {CODECS[number].name}/8000" for number in media.payload_types),
    ]
    for number in events:
        lines += [f"a=rtpmap:{number} telephone-event/8000", f"a=fmtp:{number} 0-16"]
    lines += ["a=ptime:20", f"a={media.direction}", ""]
    return "\r\n".join(lines).encode()
