"""Law: Asterisk has a copy of the operator's pair for SIP under TLS, which was tried: a broken pair never reaches it.

Asterisk reads its files with every connection that it opens. The operator's may be half-written then; the copy is
exchanged as a whole. The operator's are `certificate.pem` and `key.pem` in `secrets/sip` of the home.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from server.key_pairs import KeyPair, PairError, read_pair
from server.telephony.asterisk.site import Site

PAIR_FILE = "trunk.pem"
"""The copy in Asterisk's `etc`: the key, and the certificate after it."""
_WITHIN = 3.0


@dataclass(frozen=True, slots=True)
class OwnPair:
    """What Asterisk needs: `text` is the copy's content, empty for none, and `differs` whether it has another one.
    `shown` is the certificate in it as peers see it (DER). `problem` is a sentence on what is wrong."""

    text: str = ""
    differs: bool = False
    shown: bytes = b""
    problem: str = ""


def own_pair(site: Site, now: datetime | None = None) -> OwnPair:
    """The pair for the trunks' TLS: the operator's if it works, else the one of before."""
    if all(trunk.transport != "tls" for trunk in site.trunks):
        return OwnPair()
    folder, copy = site.home / "secrets" / "sip", site.layout.etc / PAIR_FILE
    files = folder / "certificate.pem", folder / "key.pem"
    try:
        had = copy.read_text("ascii")
    except (OSError, ValueError):
        had = ""
    if not had and not any(each.exists() for each in files):
        return OwnPair()
    problem = ""
    try:
        pair = read_pair(*files)
        text = _text(pair)
    except (PairError, ValueError) as error:
        try:
            pair, text = read_pair(copy, copy), had
            problem = f"{error}. Trunks with TLS go on with the pair of before: write both files again"
        except PairError:
            return OwnPair(problem=f"{error}. Trunks with TLS have no certificate: write both files again")
    if ending := pair.ending(files[0], now or datetime.now(UTC)):
        problem = f"{problem}; {ending}" if problem else ending
    return OwnPair(text, text != had, pair.shown, problem)


async def shown_at(site: Site) -> bytes:
    """The certificate (DER) that Asterisk shows to who comes over TLS; empty where nobody answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(site.bind, site.bind)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_WITHIN):
            _, writer = await asyncio.open_connection(host, site.sip_tls_port, ssl=context)
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return bytes(found or b"")
    return b""


def _text(pair: KeyPair) -> str:
    return f"{pair.key.decode('ascii').strip()}\n{pair.certificate.decode('ascii').strip()}\n"
