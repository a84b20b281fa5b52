"""Every kind of problem that the API answers with: a name of its own, a status, a title, and what to do about it.

The `type` of a problem is `/problems/NAME`, relative to the server, which explains it there without a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind. `advice` says what happened and what the client does."""

    name: str
    status: int
    title: str
    advice: str

    @property
    def uri(self) -> str:
        """As `type` of a problem has it."""
        return f"/problems/{self.name}"


_TABLE = """
bad-request | 400 | Bad Request
    Path, query or the framing of the body cannot be read. Send UTF-8 without control characters, `%` as
    `%25`, and a Content-Length.
wrong-question | 400 | Wrong question
    A filter or a cursor does not fit this list. The sentence names it and what would be right; take a cursor
    from `next` of the page before.
wrong-idempotency-key | 400 | Wrong Idempotency-Key
    The key is empty, too long, or not printable ASCII. Send a random one of at most 255 characters, such as a
    UUID.
not-authenticated | 401 | Not allowed
    The request has neither a valid bearer token nor the cookie of a session that holds. Sign in, or give a
    token: sessions end, tokens expire or are revoked.
wrong-sign-in | 401 | Wrong sign-in
    Name and password do not belong together, or the user is disabled. Type both again; after some wrong
    attempts the next must wait.
link-not-valid | 401 | Link not valid
    The signature of this link is wrong, or its time is over. Ask for a new link.
forbidden | 403 | Not allowed for this role
    The principal's role, or the token's scopes, do not allow this act, or not on this subject. The sentence
    says which roles may.
cross-site | 403 | Cross-site request
    A request with a session's cookie came from a page of another site, or without the session's CSRF token.
    Send `X-CSRF-Token` with the `csrf` of `GET /api/v1/session`, from a page of the server's own origin.
password-must-change | 403 | Password must be changed
    The user has to choose another password first: `POST /api/v1/session/password`.
not-found | 404 | Not found
    What the path names does not exist, or no more. Look at the list.
no-such-path | 404 | No such path
    The API has no such path. See `/api/v1/openapi.json`.
method-not-allowed | 405 | Method Not Allowed
    The path takes other methods: `Allow` names them.
too-slow | 408 | Request Timeout
    The body did not arrive in time. Send it at once.
conflict | 409 | Cannot be done now
    The subject's present state does not allow the act; nothing was changed. Look at the subject, then decide.
phone-in-use | 409 | Phone in use
    Another page has the phone in the browser, and is connected. Close that page, or ask with `takeover: true`:
    the other page is disconnected then.
in-progress | 409 | In progress
    A request with this Idempotency-Key is being answered. Wait as long as `Retry-After` says, and send the
    same again.
outcome-unknown | 409 | Outcome unknown
    The server ended while it did what this Idempotency-Key asked for. Look whether it was done; if not, send
    it with another key.
changed | 412 | Changed since
    The resource is not what `If-Match` names any more (or, with `If-None-Match: *`, exists). Get it again,
    and decide anew.
too-large | 413 | Content Too Large
    The body is too long. Send less.
uri-too-long | 414 | URI Too Long
    Path and query are too long. Ask with fewer filters.
range-outside | 416 | Range Not Satisfiable
    The range lies outside the file. `Content-Range` says how long it is.
invalid-request | 422 | Request cannot be used
    Fields are missing, unknown or wrong; `errors` names each.
invalid-value | 422 | Value cannot be used
    A value is well-formed and cannot be used; `reason` says in one word why, the sentence what would be
    right.
key-used | 422 | Idempotency-Key was used
    Another request had this Idempotency-Key within 24 hours. Send each new request with a new key.
too-many-attempts | 429 | Too many attempts
    There were too many wrong attempts to sign in. Wait as long as `Retry-After` says, and try again.
headers-too-large | 431 | Request Header Fields Too Large
    The headers are too long. Send fewer.
internal-error | 500 | Internal error
    The server failed at this request; its log says why. Whether anything was done must be looked up.
not-leading | 503 | Not leading
    Another server leads, or none does yet. Wait as long as `Retry-After` says, and send the same again.
unavailable | 503 | Service Unavailable
    A part that this request needs does not answer. Send the same again later.
version-not-supported | 505 | HTTP Version Not Supported
    Ask in HTTP/1.1.
"""


def _read(table: str) -> dict[str, ProblemType]:
    found: dict[str, ProblemType] = {}
    for block in re.split(r"\n(?=\S)", table.strip()):
        head, *advice = block.splitlines()
        name, status, title = (cell.strip() for cell in head.split("|"))
        found[name] = ProblemType(name, int(status), title, " ".join(line.strip() for line in advice))
    return found


TYPES = _read(_TABLE)
_BY_TITLE = {(each.status, each.title): each for each in TYPES.values()}


def type_of(status: int, title: str) -> str:
    """The URI of the kind with this status and title; `about:blank` for one that says no more than its status."""
    found = _BY_TITLE.get((status, title))
    return found.uri if found else "about:blank"
