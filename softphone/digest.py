"""Digest credentials (RFC 8760): the strongest challenge that we know is answered, and the secret never leaves."""

from __future__ import annotations

import hashlib
import secrets
from urllib.request import parse_http_list, parse_keqv_list

from sipmessage import Response

_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
"""In order of preference."""


def credentials(challenges: list[str], *, method: str, uri: str, user: str, secret: str = "", ha1: str = "") -> str:
    """The value of an Authorization header that answers `challenges`. Raises ValueError if none of them is known.

    `ha1` is MD5's digest of user, realm and secret, for those who do not know the secret itself.
    """
    known = {}
    for challenge in challenges:
        scheme, _, rest = challenge.partition(" ")
        given = parse_keqv_list(parse_http_list(rest))
        if scheme.lower() == "digest":
            known[given.get("algorithm", "MD5").upper()] = given
    able = ("MD5",) if ha1 else tuple(_HASHES)
    algorithm = next((name for name in able if name in known), None)
    if algorithm is None:
        raise ValueError(f"the server asks for {', '.join(challenges)}: we know digests of {' and '.join(_HASHES)}")
    given, new = known[algorithm], _HASHES[algorithm]

    def digest(*parts: str) -> str:
        return new(":".join(parts).encode()).hexdigest()

    realm, nonce = given.get("realm", ""), given.get("nonce", "")
    ours, theirs = ha1 or digest(user, realm, secret), digest(method, uri)
    answer = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    tail = [f"algorithm={algorithm}"]
    if "auth" in [word.strip() for word in given.get("qop", "").split(",")]:
        once = secrets.token_hex(8)
        answer |= {"response": digest(ours, nonce, "00000001", once, "auth", theirs), "cnonce": once}
        tail += ["qop=auth", "nc=00000001"]
    else:
        answer["response"] = digest(ours, nonce, theirs)
    if "opaque" in given:
        answer["opaque"] = given["opaque"]
    return "Digest " + ", ".join([f'{name}="{value}"' for name, value in answer.items()] + tail)


def proof(response: Response, method: str, uri: str, user: str, secret: str) -> tuple[str, str]:
    """The header that answers a 401 or 407. Raises ValueError if its challenge is none that we know."""
    asked, answered = (
        ("WWW-Authenticate", "Authorization") if response.code == 401 else ("Proxy-Authenticate", "Proxy-Authorization")
    )
    challenges = response.headers.getlist(asked)
    return answered, credentials(challenges, method=method, uri=uri, user=user, secret=secret)
