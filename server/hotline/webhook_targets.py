"""Law: a webhook reaches public addresses alone, and by https, unless the operator has named its network.

Otherwise whoever may add a webhook could have the server ask its own machine and its neighbours. What counts is the
address that is connected to, not the name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

LONGEST = 2_000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_url(url: str) -> None:
    """Raises ValueError with a sentence for what is no address of a receiver."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"this is no URL: {error}") from None
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise ValueError("give a URL such as https://crm.example.com/sansheng")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a user and password do not belong into the URL: the receiver checks the signature")
    if parts.fragment or len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"a URL is at most {LONGEST} printable ASCII characters, without a fragment")


def refusal(address: str, scheme: str, allowed: Iterable[str]) -> str:
    """Why this IP address is not connected to, as a sentence; empty if it is."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found in ipaddress.ip_network(each, strict=False) for each in allowed):
        return ""
    inner = isinstance(found, ipaddress.IPv6Address) and (found.sixtofour or found.teredo or found in _NAT64)
    if not found.is_global or found.is_multicast or found.is_reserved or inner:
        return f"{found} is no public address: name its network in SANSHENG_WEBHOOK_NETWORKS if it is meant"
    if scheme != "https":
        return "only https is used to public addresses"
    return ""
