"""Law: a connection that lasts, a stream or a WebSocket, ends within a second of its sign-in.

The gate looks at the principal when a connection begins. From then on `Lasting` looks every second, at all that last in
one question to Redis, whether their sessions and tokens still hold. To last is no doing of the user: a session that is
used for nothing else ends when it was idle for long enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection

from server.usecases.sign_in import SignInActs
from server.usecases.tokens import TokenActs
from server.web.authentication import bearer_of, origin_of, session_of

EVERY = 1.0
"""Seconds between two looks."""
_log = structlog.get_logger("access")


class Lasting:
    """The connections that last now. The owner's token holds as long as the server runs."""

    def __init__(self, sessions: SignInActs, tokens: TokenActs, every: float = EVERY) -> None:
        self._sessions, self._tokens, self._every = sessions, tokens, every
        self._of_session: dict[asyncio.Event, str] = {}
        self._of_token: dict[asyncio.Event, str] = {}
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def __call__(self, connection: HTTPConnection) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the sign-in of this connection holds no more."""
        ended = asyncio.Event()
        signed_in, token = session_of(connection), bearer_of(connection.headers)
        if signed_in is not None:
            self._of_session[ended] = signed_in.digest
        elif self._tokens.principal(token, origin_of(connection.scope)) is not None:
            self._of_token[ended] = token
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield ended
        finally:
            self._of_session.pop(ended, None)
            self._of_token.pop(ended, None)
            if not (self._of_session or self._of_token) and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                over = await self._sessions.ended(set(self._of_session.values()))
            except RedisError as error:
                _log.warning("sessions cannot be read: lasting connections stay", error=str(error))
                continue
            for ended, digest in self._of_session.items():
                if digest in over:
                    ended.set()
            for ended, token in self._of_token.items():
                if self._tokens.principal(token, "") is None:
                    ended.set()


def lasting(connection: HTTPConnection) -> Lasting:
    """Those of the application that serves this connection: `async with lasting(request)(request) as ended`."""
    found: Lasting = connection.app.state.lasting
    return found
