"""Law: a connection that lasts, a stream or a WebSocket, ends within a second of its sign-in.

The gate looks at the principal when a connection begins. From then on `Lasting` looks every second whether the sessions
and tokens of all that last still hold, a few at a time: the loop that carries calls is never held up by hundreds. To
last is no doing of the user: a session that is used for nothing else ends when it was idle for long enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from redis.exceptions import RedisError
from starlette.requests import HTTPConnection

from server.usecases.sign_in import SignInActs
from server.usecases.tokens import TokenActs
from server.web.authentication import bearer_of, session_of

EVERY = 1.0
"""Seconds between two looks."""
AT_ONCE = 50
"""Connections that are looked at together, by one question to Redis."""
_log = structlog.get_logger("access")
_T = TypeVar("_T")


class Lasting:
    """The connections that last now. The owner's token holds as long as the server runs."""

    def __init__(self, sessions: SignInActs, tokens: TokenActs, every: float = EVERY) -> None:
        self._sessions, self._tokens, self._every = sessions, tokens, every
        self._of_session: dict[asyncio.Event, str] = {}
        self._of_token: dict[asyncio.Event, int] = {}
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def __call__(self, connection: HTTPConnection) -> AsyncIterator[asyncio.Event]:
        """An event that is set when the sign-in of this connection holds no more."""
        ended = asyncio.Event()
        if (signed_in := session_of(connection)) is not None:
            self._of_session[ended] = signed_in.digest
        elif (token := self._tokens.number(bearer_of(connection.headers))) is not None:
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
                for some in _parts(self._of_session):
                    over = await self._sessions.ended({digest for _, digest in some})
                    for ended, digest in some:
                        if digest in over:
                            ended.set()
            except RedisError as error:
                _log.warning("sessions cannot be read: lasting connections stay", error=str(error))
            for those in _parts(self._of_token):
                await asyncio.sleep(0)
                for ended, token in those:
                    if not self._tokens.valid(token):
                        ended.set()


def _parts(of: Mapping[asyncio.Event, _T]) -> list[list[tuple[asyncio.Event, _T]]]:
    all_of_them = list(of.items())
    return [all_of_them[start : start + AT_ONCE] for start in range(0, len(all_of_them), AT_ONCE)]


def lasting(connection: HTTPConnection) -> Lasting:
    """Those of the application that serves this connection: `async with lasting(request)(request) as ended`."""
    found: Lasting = connection.app.state.lasting
    return found
