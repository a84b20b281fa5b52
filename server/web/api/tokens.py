"""Access tokens and the audit over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from server.hotline.access_tokens import AccessToken
from server.usecases.principal import Role
from server.usecases.tokens import TokenActs
from server.web.api.shapes import (
    AGENT_ID,
    Asked,
    Body,
    Name,
    Number,
    Page,
    Paging,
    Planned,
    Reason,
    Who,
    Word,
    cut,
    instant,
    router,
)
from server.web.problems import answers


class TokenIn(Body):
    """A token to be issued: to one agent (`agent` is the work number), or to a service with scopes."""

    name: Name
    role: Role
    agent: str = Field("", pattern=f"{AGENT_ID}|^$")
    scopes: list[Word] = Field(default_factory=list, max_length=50, examples=[["calls.read", "callbacks.*"]])
    expires_at: Planned | None = None


class RevokeIn(Body):
    """Why a token is to hold no more."""

    reason: Reason = ""


class Token(BaseModel):
    """A token without its text, which is kept nowhere. `holds`: requests with it are answered."""

    id: int
    name: str
    role: Role
    agent: str | None
    scopes: list[str]
    holds: bool
    created_at: str
    created_by: str | None
    expires_at: str | None
    revoked_at: str | None
    revoked_by: str | None


class TokenMade(Token):
    """A token that was just issued."""

    token: str = Field(description="The token itself; no other answer shows it.")


class AuditAsked(Asked):
    """Which entries."""

    by: str | None = None
    act: str | None = None


class AuditEntry(BaseModel):
    """A privileged act: what `by` did in which role, from where, on what, and why."""

    id: int
    at: str
    act: str
    by: str
    role: str
    origin: str
    subject: str | None
    reason: str | None


def token_routes(acts: TokenActs) -> APIRouter:
    """The routes of tokens and of the audit."""
    routes = router("access")

    def shown(token: AccessToken) -> dict[str, Any]:
        issued = token.issued
        return {
            "id": token.id,
            "name": issued.name,
            "role": issued.role,
            "agent": issued.agent or None,
            "scopes": list(issued.scopes),
            "holds": acts.holds(token),
            "created_at": instant(token.issued_at),
            "created_by": issued.by or None,
            "expires_at": None if issued.expires_at is None else instant(issued.expires_at),
            "revoked_at": None if token.revoked_at is None else instant(token.revoked_at),
            "revoked_by": token.revoked_by or None,
        }

    @routes.get("/tokens", response_model=Page[Token], responses=answers(400, 422))
    async def list_tokens(who: Who, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
        """Every token that was ever issued, newest first."""
        return cut((shown(token) for token in acts.list(who)), asked, "token")

    @routes.post("/tokens", status_code=201, response_model=TokenMade, responses=answers(409, 422, 503))
    async def create_token(who: Who, wanted: TokenIn) -> dict[str, Any]:
        """Issue a token. The answer is the only place where it is ever shown."""
        expires = None if wanted.expires_at is None else wanted.expires_at.timestamp()
        made, text = await acts.create(
            who, name=wanted.name, role=wanted.role, agent=wanted.agent, scopes=wanted.scopes, expires_at=expires
        )
        return {**shown(made), "token": text}

    @routes.post("/tokens/{number}/revoke", response_model=Token, responses=answers(404, 409, 422, 503))
    async def revoke_token(who: Who, number: Number, wanted: RevokeIn) -> dict[str, Any]:
        """Let a token hold no more, at once and on every server."""
        return shown(await acts.revoke(who, number, wanted.reason))

    @routes.get("/audit", response_model=Page[AuditEntry], responses=answers(400, 422))
    async def list_audit(who: Who, asked: Annotated[AuditAsked, Query()]) -> dict[str, Any]:
        """Privileged acts and every listening, newest first."""
        return await acts.audit(who, asked.filters(), asked.limit, asked.cursor or None)

    return routes
