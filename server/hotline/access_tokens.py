"""Access tokens as the log has them. A token is known by its digest, and holds until it expires or is revoked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from server.eventlog.access_events import TokenIssued, TokenRevoked


def digest(token: str) -> str:
    """The SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One token. Instants are UTC epoch seconds; `revoked_at` is None while the token is not revoked."""

    issued: TokenIssued
    issued_at: float
    revoked_at: float | None = None
    revoked_by: str = ""

    @property
    def id(self) -> int:
        """The token's number."""
        return self.issued.token

    def holds(self, now: float) -> bool:
        """Whether requests with this token are answered at `now` (UTC epoch seconds)."""
        expires = self.issued.expires_at
        return self.revoked_at is None and (expires is None or now < expires)


class AccessTokens:
    """All tokens that were ever issued, by number."""

    def __init__(self) -> None:
        self._by_id: dict[int, AccessToken] = {}
        self._by_digest: dict[str, int] = {}

    def __iter__(self) -> Iterator[AccessToken]:
        return iter(self._by_id.values())

    @property
    def last(self) -> int:
        """The number of the last token that was issued; 0 before the first."""
        return max(self._by_id, default=0)

    def get(self, number: int) -> AccessToken | None:
        """The token of this number."""
        return self._by_id.get(number)

    def known(self, token: str) -> AccessToken | None:
        """The token with this text, whether it holds or not."""
        return self._by_id.get(self._by_digest.get(digest(token), 0))

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if isinstance(event, TokenIssued):
            self._keep(AccessToken(event, at))
        elif isinstance(event, TokenRevoked) and (token := self.get(event.token)) and token.revoked_at is None:
            self._keep(replace(token, revoked_at=at, revoked_by=event.by))

    def _keep(self, token: AccessToken) -> None:
        self._by_id[token.id] = token
        self._by_digest[token.issued.digest] = token.id

    def snapshot(self) -> list[AccessToken]:
        """All tokens, as `restore` takes them after JSON."""
        return list(self)

    @classmethod
    def restore(cls, tokens: list[Any]) -> AccessTokens:
        """The inverse of `snapshot`, from decoded JSON."""
        made = cls()
        for each in tokens:
            made._keep(msgspec.convert(each, AccessToken))
        return made
