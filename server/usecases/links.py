"""Signed links: one path, for one purpose, until an instant; whoever has the link may fetch it without a token.

A link is signed by a secret of the home (`secrets/links`). Making one is in the audit, with the principal and the
purpose; a request by a link has a principal of its own, whose name says both. To end all links, delete the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from server.usecases.errors import Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal, Role
from server.usecases.server import Acts

HOUR, LONGEST = 3_600.0, 7 * 86_400.0
"""Seconds for which a link holds: by default, and at most."""
SIGNATURE = "signature"
_PATHS = re.compile(r"/api/v1/recordings/[1-9][0-9]{0,15}/(audio|peaks)", re.ASCII)
"""What a link may lead to."""
_SCOPES = frozenset({"recordings.*"})


@dataclass(frozen=True, slots=True)
class Link:
    """A path with its query, and the instant (UTC epoch seconds) up to which it holds."""

    url: str
    expires_at: int


def sign(secret: bytes, path: str, purpose: str, by: str, expires_at: int) -> str:
    """The path with a query that proves the rest: its end, its purpose, and the principal who made it."""
    asked = {"expires": str(expires_at), "purpose": purpose, "by": by}
    return f"{path}?{urlencode({**asked, SIGNATURE: _signature(secret, path, **asked)})}"


def principal_of_link(secret: bytes, path: str, query: str, origin: str, now: float) -> Principal | None:
    """The principal of a GET with this path and query; None if the link is not signed by `secret`, or is over.

    `now` is UTC epoch seconds. The principal reaches the path alone: that is the caller's to see to.
    """
    given = parse_qs(query, keep_blank_values=True)
    words = {name: given.get(name, []) for name in ("expires", "purpose", "by", SIGNATURE)}
    if not _PATHS.fullmatch(path) or any(len(each) != 1 for each in words.values()):
        return None
    expires, purpose, by, signature = (each[0] for each in words.values())
    right = _signature(secret, path, expires=expires, purpose=purpose, by=by)
    if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")) or float(expires) < now:
        return None
    return Principal(f"link of {by}: {purpose}", Role.SERVICE, origin, scopes=_SCOPES)


def secret_of(home: Path) -> bytes:
    """The secret of this home's links; made when there is none. Raises OSError."""
    path = home / "secrets" / "links"
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".links.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode() + b"\n")
        try:
            os.link(draft, path)  # of two that make one, the first holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_bytes().strip()


class LinkActs(Acts):
    """Links to recordings for another system. Acts raise Forbidden, NotFound, Invalid and NotLeading."""

    async def recording(self, who: Principal, number: int, purpose: str, seconds: float = HOUR) -> Link:
        """A link to the sound of this recording. The audit has it before it is shown."""
        self.permissions.require(who, Act.LINK_RECORDING)
        found: dict[str, Any] | None = await self._server.records.one("recordings", number)
        if found is None:
            raise NotFound(f"there is no recording {number}")
        self.permissions.require(who, Act.LINK_RECORDING, found["agent"] or "")
        if not purpose.strip():
            raise Invalid("purpose", "say what the recording is wanted for: it is kept in the audit")
        if not 1 <= seconds <= LONGEST:
            raise Invalid("time", f"a link holds from 1 second to {LONGEST / 86_400:g} days")
        expires_at = int(self._clock() + seconds)
        secret = await asyncio.to_thread(secret_of, self._server.home)
        subject = f"recording {number}: a link for {seconds:g} s"
        await self._record(who, Act.LINK_RECORDING, subject=subject, reason=purpose)
        return Link(sign(secret, f"/api/v1/recordings/{number}/audio", purpose, who.name, expires_at), expires_at)

    def principal(self, path: str, query: str, origin: str) -> Principal | None:
        """The principal of a GET with this path and query; None if they are no link that holds."""
        return principal_of_link(secret_of(self._server.home), path, query, origin, self._clock())


def _signature(secret: bytes, path: str, *, expires: str, purpose: str, by: str) -> str:
    # Each part with its length, so that no part can take a piece of its neighbour.
    parts = b"".join(f"{len(each.encode())}:".encode() + each.encode() for each in (path, expires, purpose, by))
    return hmac.new(secret, b"sansheng link 1\n" + parts, hashlib.sha256).hexdigest()
