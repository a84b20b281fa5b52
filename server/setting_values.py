"""How the text of a setting is read: each reader gives the value; its ValueError says what would be right."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ROLES = ("agent", "leader", "supervisor", "qa", "department", "administrator")
"""The roles of people."""
_WORD = r"[\w.!~*'%+-]+"
SIP_ADDRESS = re.compile(
    rf"sips?:({_WORD}@)?(?P<host>\w[\w.-]*|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{{1,5}}))?(;\w[\w.-]*(={_WORD})?)*", re.ASCII
)


def is_sip_address(text: str) -> bool:
    """Whether `text` is a plain SIP address: user, host, port and parameters, without a password and headers."""
    match = SIP_ADDRESS.fullmatch(text)
    if match is None:
        return False
    if match["host"].startswith("["):
        try:
            ipaddress.IPv6Address(match["host"][1:-1])
        except ValueError:
            return False
    return 1 <= int(match["port"] or 5060) <= 65535


def as_it_is(text: str) -> str:
    return text


def path(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("name a folder, such as /var/lib/sansheng")
    return Path(text)


def recording_store(text: str) -> Path | str:
    if "://" not in text:
        return path(text)
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?", text, re.ASCII) or ".." in text:
        raise ValueError("name a folder, or a bucket such as s3://bucket/prefix")
    return text


def time_of_day(text: str) -> str:
    if text != "never" and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text, re.ASCII):
        raise ValueError("give a time of day such as 03:30, or never")
    return text


def port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)


def address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("give an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all") from None


def servers(text: str) -> tuple[str, ...]:
    found = tuple(each.strip() for each in text.split(","))
    if not all(re.fullmatch(r"[A-Za-z0-9_.\-\[\]:]+:\d+", each) for each in found):
        raise ValueError("give host:port of every server, such as 127.0.0.1:4573,127.0.0.1:4574")
    return found


def networks(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    try:
        for each in found:
            ipaddress.ip_network(each, strict=False)
    except ValueError:
        raise ValueError("give IP addresses or networks, such as 203.0.113.0/29,198.51.100.7") from None
    return found


def host_names(text: str) -> tuple[str, ...]:
    found = tuple(text.replace(",", " ").split())
    if not all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", each, re.ASCII) for each in found):
        raise ValueError("give names by which browsers address this machine, such as desk.example.com,desk")
    return found


def oidc_issuer(text: str) -> str:
    parts = urlsplit(text)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme not in (("http", "https") if local else ("https",)) or not parts.hostname or parts.query:
        raise ValueError("give the provider's issuer, such as https://login.example.com/realms/hotline")
    return text


def claimed_roles(text: str) -> tuple[tuple[str, str], ...]:
    parts = (each.rpartition("=") for each in text.split(","))
    found = tuple((value.strip(), role.strip()) for value, _, role in parts)
    if not all(value and role in ROLES for value, role in found):
        raise ValueError(f"give values and roles, such as hotline-agents=agent; there are {', '.join(ROLES)}")
    return found


def port_range(text: str) -> str:
    match = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", text)
    if not match or not 1024 <= int(match[1]) <= int(match[2]) - 19 <= 65516:
        raise ValueError("give a range of ports within 1024-65535, at least 20, such as 10000-10999")
    return f"{int(match[1])}-{int(match[2])}"


def sip_address(text: str) -> str:
    if text and not is_sip_address(text):
        raise ValueError("give a SIP address, such as sip:127.0.0.1:5090, or nothing for no outgoing calls")
    return text


def count(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
            raise ValueError(f"give a whole number from {least} to {most}")
        return int(text)

    return read


def seconds(least: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least <= value <= 3600:
            raise ValueError(f"give a number of seconds from {least:g} to 3600")
        return value

    return read


def seconds_or_never(text: str) -> float:
    if text != "0":
        try:
            if 2 <= float(text) <= 3600:
                return float(text)
        except ValueError:
            pass
        raise ValueError("give a number of seconds from 2 to 3600, or 0 for never")
    return 0.0


def server_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}", text, re.ASCII):
        raise ValueError("give a name of up to 64 letters, digits, spaces, '.', '_', '/' and '-', such as PBX")
    return text


def mailbox(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", text, re.ASCII):
        raise ValueError("give a mail address, such as leader@example.com")
    return text


def mailboxes(text: str) -> tuple[str, ...]:
    return tuple(mailbox(each.strip()) for each in text.split(",")) if text.strip() else ()


def quarter_of_an_hour(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):(00|15|30|45)", text, re.ASCII):
        raise ValueError("give a quarter of an hour, such as 08:00")
    return text


def web_address(text: str) -> str:
    """The address of pages, without what stands after the host."""
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query):
        raise ValueError("give the address of the pages without a path, such as https://hotline.example.com")
    if text and (parts.username or parts.fragment or not text.isprintable()):
        raise ValueError("give the address of the pages without a user, such as https://hotline.example.com")
    return text.rstrip("/")


def url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and text.partition("://")[0].partition("+")[0] not in schemes:
            raise ValueError(f"give a URL that begins with {' or '.join(f'{each}://' for each in schemes)}")
        return text

    return read
