"""From a log entry to rows, for access: tokens, and the audit."""

from __future__ import annotations

from server.eventlog.access_events import ActAudited, TokenIssued, TokenRevoked
from server.eventlog.log import Entry
from server.storage.audit import audit_row
from server.storage.projections.rows import Rows, utc
from server.storage.projections.rules import Rules

RULES = Rules()


@RULES.on(TokenIssued)
def _(event: TokenIssued, entry: Entry, rows: Rows) -> None:
    token = rows.access_tokens[event.token]
    token.name, token.role, token.agent, token.digest = event.name, event.role, event.agent, event.digest
    token.scopes, token.issued_at, token.issued_by = " ".join(event.scopes), utc(entry.at), event.by
    token.expires_at = None if event.expires_at is None else utc(event.expires_at)


@RULES.on(TokenRevoked)
def _(event: TokenRevoked, entry: Entry, rows: Rows) -> None:
    token = rows.access_tokens[event.token]
    token.revoked_at, token.revoked_by = token.revoked_at or utc(entry.at), token.revoked_by or event.by


@RULES.on(ActAudited)
def _(event: ActAudited, entry: Entry, rows: Rows) -> None:
    rows.add(audit_row(event, utc(entry.at)))
