"""From a log entry to rows, for access: tokens, users, and the audit."""

from __future__ import annotations

from server.eventlog.access_events import ActAudited, TokenIssued, TokenRevoked
from server.eventlog.log import Entry
from server.eventlog.user_events import UserAdded, UserChanged, UserDisabled, UserEnabled, UserPasswordSet
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


@RULES.on(UserAdded)
def _(event: UserAdded, entry: Entry, rows: Rows) -> None:
    user = rows.users[event.user]
    if user.added_at is not None:
        return  # a name is given once
    user.display, user.role, user.agent, user.teams = event.display, event.role, event.agent, "\n".join(event.teams)
    user.department, user.language, user.subject = event.department, event.language, event.subject
    user.must_change, user.added_at, user.added_by = event.must_change, utc(entry.at), event.by
    user.password_at = utc(entry.at) if event.digest else None


@RULES.on(UserChanged)
def _(event: UserChanged, entry: Entry, rows: Rows) -> None:
    user = rows.users[event.user]
    user.display, user.role, user.agent, user.teams = event.display, event.role, event.agent, "\n".join(event.teams)
    user.department, user.language = event.department, event.language


@RULES.on(UserPasswordSet)
def _(event: UserPasswordSet, entry: Entry, rows: Rows) -> None:
    user = rows.users[event.user]
    user.must_change, user.password_at = event.must_change, utc(entry.at)


@RULES.on(UserDisabled)
def _(event: UserDisabled, entry: Entry, rows: Rows) -> None:
    rows.users[event.user].disabled = True


@RULES.on(UserEnabled)
def _(event: UserEnabled, entry: Entry, rows: Rows) -> None:
    rows.users[event.user].disabled = False


@RULES.on(ActAudited)
def _(event: ActAudited, entry: Entry, rows: Rows) -> None:
    rows.add(audit_row(event, utc(entry.at)))
