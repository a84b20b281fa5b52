"""Access tokens: issued once in plain text and stored as a digest. A token gives a request its principal."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from server.eventlog.access_events import TokenIssued, TokenRevoked
from server.hotline.access_tokens import AccessToken, digest
from server.storage.queries.paging import QueryError
from server.usecases.audit import REFUSED, SIGN_IN, SIGN_OUT
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act, scope_holds
from server.usecases.principal import Principal, Role
from server.usecases.server import Acts, Server

OWNER = "administrator"
"""The principal's name of a request with the token file of the home."""
PREFIX = "sansheng_"
_WITH_A_NUMBER = (Role.AGENT, Role.LEADER)
"""Roles whose reach goes by a work number."""


class TokenActs(Acts):
    """Acts raise Forbidden, and NotLeading where they change something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._issuing = asyncio.Lock()

    def principal(self, token: str, origin: str) -> Principal | None:
        """The principal of a request with this token from `origin`; None when the token is not valid."""
        found = self._view.access_tokens.known(token)
        if found is None or not found.holds(self._clock()):
            return None
        issued = found.issued
        return Principal(issued.name, Role(issued.role), origin, issued.agent, frozenset(issued.scopes))

    def number(self, token: str) -> int | None:
        """The number of the token with this text; None when it is not valid."""
        found = self._view.access_tokens.known(token)
        return found.id if found is not None and self.holds(found) else None

    def valid(self, number: int) -> bool:
        """Whether the token of this number holds now."""
        found = self._view.access_tokens.get(number)
        return found is not None and self.holds(found)

    def holds(self, token: AccessToken) -> bool:
        """Whether the server answers requests with this token now."""
        return token.holds(self._clock())

    async def create(
        self,
        who: Principal,
        *,
        name: str,
        role: Role,
        agent: str = "",
        scopes: Iterable[str] = (),
        expires_at: float | None = None,
    ) -> tuple[AccessToken, str]:
        """(the token's entry, the token itself, which is shown only here). `expires_at` is UTC epoch seconds."""
        self.permissions.require(who, Act.MANAGE_TOKENS)
        scopes = tuple(dict.fromkeys(scopes))
        self._check(name, role, agent, scopes, expires_at)
        token = PREFIX + secrets.token_urlsafe(32)
        async with self._issuing:
            known = self._view.access_tokens
            if any(each.issued.name == name and each.holds(self._clock()) for each in known):
                raise Conflict(f"there is a token named {name} already: revoke it first, or choose another name")
            number = known.last + 1
            issued = TokenIssued(number, name, role.value, digest(token), expires_at, agent, scopes, who.name)
            await self._record(who, Act.MANAGE_TOKENS, issued, subject=f"token {number} {name}: {role.value} created")
        found = self._view.access_tokens.get(number)
        assert found is not None
        return found, token

    def list(self, who: Principal) -> list[AccessToken]:
        """All tokens ever issued, newest first."""
        self.permissions.require(who, Act.MANAGE_TOKENS)
        return sorted(self._view.access_tokens, key=lambda token: token.id, reverse=True)

    async def revoke(self, who: Principal, number: int, reason: str = "") -> AccessToken:
        """Revoke a token, at once and on every server. Raises NotFound, Conflict."""
        self.permissions.require(who, Act.MANAGE_TOKENS)
        found = self._view.access_tokens.get(number)
        if found is None:
            raise NotFound(f"there is no token {number}: see `sansheng token list`")
        if found.revoked_at is not None:
            raise Conflict(f"token {number} {found.issued.name} is revoked already")
        subject = f"token {number} {found.issued.name}: revoked"
        await self._record(
            who, Act.MANAGE_TOKENS, TokenRevoked(number, who.name, reason), subject=subject, reason=reason
        )
        return self._view.access_tokens.get(number) or found

    async def audit(self, who: Principal, filters: dict[str, str], limit: int, cursor: str | None) -> dict[str, Any]:
        """One page of the audit, newest first, with every act that was answered before. Raises QueryError."""
        self.permissions.require(who, Act.READ_AUDIT)
        if (act := filters.get("act")) and act not in (known := (*Act, SIGN_IN, REFUSED, SIGN_OUT)):
            raise QueryError(f"there is no act {act[:80]}: there are {', '.join(known)}")
        await self._server.records.caught_up()
        return await self._server.records.page("audit", filters, limit, cursor)

    def _check(self, name: str, role: Role, agent: str, scopes: tuple[str, ...], expires_at: float | None) -> None:
        if name.lower() == OWNER:
            raise Invalid("name", f"{OWNER} is the name of the machine's owner: choose another one")
        if role in _WITH_A_NUMBER and not agent:
            raise Invalid("agent", f"a token of role {role} is for one agent: give the work number with --agent")
        if agent and self._view.floor.agent(agent) is None:
            raise Invalid("agent", f"there is no agent {agent}: see `sansheng agent list`")
        if role is Role.SERVICE and not scopes:
            raise Invalid(
                "scope", "a service may do what its scopes say: give --scope, such as calls.read or callbacks.*"
            )
        if role is not Role.SERVICE and scopes:
            raise Invalid("scope", f"scopes are for services: what the role {role} may do is fixed")
        for scope in scopes:
            if not any(scope_holds(scope, act) for act in Act):
                raise Invalid("scope", f"there is no scope {scope}: there are {', '.join(Act)}, and GROUP.*")
        if expires_at is not None and expires_at <= self._clock():
            raise Invalid("time", "that is in the past: give an instant to come")
