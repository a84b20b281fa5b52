"""Law: of requests with the same Idempotency-Key, one is done, and all have the same answer for a day.

A POST with a key is entered in Redis before it is done, and its answer is kept there; both survive a restart. A request
that was being done when the server ended is not done again: its client is told that the outcome is not known.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.usecases.principal import Principal
from server.web.authentication import cookie_of
from server.web.problems import problem

KEPT = 86_400
"""Seconds for which an answer is kept."""
LONGEST_KEY = 255
MOST_KEPT = 1_000_000
"""Bytes of an answer that is kept."""
HEADER = "idempotency-key"
_NOT_DONE = 503
"""An answer with this status says that nothing was done: the same key may be sent again."""
_OWN_HEADERS = frozenset({"content-type", "location", "etag", "retry-after"})
_log = structlog.get_logger("api")


class Idempotency:
    """ASGI middleware behind the gate, which has read the body and found the principal."""

    def __init__(self, app: ASGIApp, redis: Redis | None, prefix: str = "sansheng") -> None:
        self.app, self._redis, self._prefix = app, redis, prefix
        self._run = secrets.token_hex(8)
        """Of this run of the server: what another run left in progress is not being done any more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else None
        if key is None or self._redis is None or "principal" not in scope.get("state", {}):
            return await self.app(scope, receive, send)
        if not 1 <= len(key) <= LONGEST_KEY or not all(" " <= each <= "~" for each in key):
            sentence = f"Idempotency-Key must be 1 to {LONGEST_KEY} printable ASCII characters, such as a UUID"
            return await problem(400, "Wrong Idempotency-Key", sentence)(scope, receive, send)
        message = await receive()
        body = message.get("body", b"")
        place, cipher = self._place(scope, key), _cipher(scope, key)
        asked = _fingerprint(scope, body)
        try:
            refused = await self._enter(self._redis, place, asked, cipher)
        except RedisError as error:
            sentence = f"answers to requests with Idempotency-Key cannot be kept now: {type(error).__name__}"
            refused = problem(503, "Service Unavailable", sentence, headers={"Retry-After": "2"})
        if refused is not None:
            return await refused(scope, receive, send)
        answer = _Answer(send)
        left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receiving() -> Message:
            return left.pop() if left else await receive()

        try:
            await self.app(scope, receiving, answer)
        except Exception:
            sentence = "this request failed: the server's log says why"
            failed = problem(500, "Internal error", sentence)
            await self._keep(self._redis, place, asked, cipher, 500, dict(failed.headers), bytes(failed.body))
            raise
        await self._keep(self._redis, place, asked, cipher, answer.status, answer.headers, bytes(answer.body))

    async def _enter(self, redis: Redis, place: str, asked: str, cipher: AESGCM) -> Response | None:
        """Enter the request; what is to be answered instead if its key is known."""
        entry = json.dumps({"asked": asked, "run": self._run})
        if await redis.set(place, entry, nx=True, ex=KEPT):
            return None
        stored = await redis.get(place)
        if stored is None:  # it expired at this moment
            return await self._enter(redis, place, asked, cipher)
        known: dict[str, Any] = json.loads(stored)
        if known["asked"] != asked:
            sentence = "another request had this Idempotency-Key: give each new request a key of its own"
            return problem(422, "Idempotency-Key was used", sentence)
        if "status" in known:
            return _kept_answer(known, cipher)
        if known["run"] == self._run:
            sentence = "a request with this Idempotency-Key is being answered: send the same again in a moment"
            return problem(409, "In progress", sentence, headers={"Retry-After": "1"})
        sentence = (
            "the server ended while it did what this Idempotency-Key asked for: "
            "look whether it was done; if not, send it with another key"
        )
        return problem(409, "Outcome unknown", sentence)

    async def _keep(
        self, redis: Redis, place: str, asked: str, cipher: AESGCM, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        try:
            if status == _NOT_DONE or not status:
                await redis.delete(place)
                return
            nonce = secrets.token_bytes(12)
            entry = {
                "asked": asked,
                "status": status,
                "headers": {name: value for name, value in headers.items() if name in _OWN_HEADERS},
                "nonce": base64.b64encode(nonce).decode(),
                "body": base64.b64encode(cipher.encrypt(nonce, body[:MOST_KEPT], None)).decode(),
            }
            await redis.set(place, json.dumps(entry), keepttl=True)
        except RedisError as error:
            _log.warning("an answer to a request with Idempotency-Key was not kept", error=str(error))

    def _place(self, scope: Scope, key: str) -> str:
        who: Principal = scope["state"]["principal"]
        owner = json.dumps([who.name, who.role, who.agent, key])
        return f"{self._prefix}:answer:{hashlib.sha256(owner.encode()).hexdigest()}"


class _Answer:
    """Passes an answer on, and remembers it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status, self.headers, self.body = 0, dict[str, str](), bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
        await self._send(message)


def _kept_answer(known: dict[str, Any], cipher: AESGCM) -> Response:
    try:
        body = cipher.decrypt(base64.b64decode(known["nonce"]), base64.b64decode(known["body"]), None)
    except InvalidTag:
        sentence = "this Idempotency-Key was sent with another token: send it with the same, or use another key"
        return problem(422, "Idempotency-Key was used", sentence)
    answer = Response(body, known["status"])
    headers = MutableHeaders(raw=answer.raw_headers)
    for name, value in known["headers"].items():
        headers[name] = value
    headers["Idempotency-Replayed"] = "true"
    return answer


def _cipher(scope: Scope, key: str) -> AESGCM:
    """Answers may show a secret once, so they are kept under a key that only the client's token, or the cookie of its
    session, and key give."""
    headers = Headers(scope=scope)
    token = headers.get("authorization") or cookie_of(headers)
    return AESGCM(hashlib.sha256(json.dumps(["idempotency", token, key]).encode()).digest())


def _fingerprint(scope: Scope, body: bytes) -> str:
    target = [scope["method"], scope["path"], scope["query_string"].decode("latin-1"), hashlib.sha256(body).hexdigest()]
    return hashlib.sha256(json.dumps(target).encode()).hexdigest()
