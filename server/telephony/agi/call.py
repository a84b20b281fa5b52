"""One caller's AGI session, as the handlers see it.

The law: one command at a time. Asterisk breaks off a prompt without a reply when another command arrives, so a
second command waits until the first is answered, even if the task that sent the first was cancelled. The one exception
is music that Asterisk must start after an application that does not look at the connection (`execute`).
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import structlog

from server import bounds
from server.telephony.agi.wire import (
    AgiDead,
    AgiError,
    AgiGone,
    AgiHangup,
    AgiProtocolError,
    AgiRefused,
    AgiReply,
    AgiRequest,
    ReplyReader,
    encode_command,
)

_log = structlog.get_logger("agi")
_UNKNOWN = ("", "unknown")
_LONGEST_NUMBER = 80
_LONGEST_NAME = 80
"""Characters; Asterisk cuts what is dialled to as many."""
_KEY = re.compile(r"[0-9]{1,3}")
_AHEAD = 0.2
"""Seconds after which Asterisk has read a command: it would take two that come at once for one, and look at the second
only when a third comes."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """How a recording ended. `samples` counts what is in the file, at the file's own rate."""

    ended_by: Literal["digit", "time", "hangup"]
    digit: str | None
    samples: int


class _Pending:
    """A command and the coroutine that waits for its reply."""

    __slots__ = ("future", "held", "line", "name")

    def __init__(self, name: str, line: bytes, future: asyncio.Future[AgiReply]) -> None:
        self.name = name
        self.line = line
        self.future = future
        self.held: AgiReply | None = None


class AgiCall:
    """A channel inside `AGI()`. Made by `AgiFactory`, handed to its handler, over when the handler returns.

    Every command raises AgiHangup once the caller is gone, AgiGone when the connection is, AgiRefused when Asterisk
    says no, and ValueError for arguments that AGI cannot carry. A command may take hours (a conversation); giving up
    waiting for one (cancellation, a timeout) does not stop it in Asterisk, and the next one waits for its end.
    """

    def __init__(self, env: Mapping[str, str], write: Callable[[bytes], None]) -> None:
        self.env: Mapping[str, str] = MappingProxyType(dict(env))
        """The headers that Asterisk sent, without their `agi_`."""
        self.request = AgiRequest.parse(self.env.get("request", ""))
        self.hung_up = False
        """Asterisk said HANGUP: the caller left, or the channel was redirected or hung up from outside."""
        self.closed = False
        """The connection has ended: no command can be sent any more."""
        self._write = write
        self._why_closed = ""
        self._reader = ReplyReader()
        self._current: _Pending | None = None
        """The command that is waited for."""
        self._sent: deque[_Pending] = deque()
        """All that Asterisk has not answered, in order: the current command, and what was sent ahead."""
        self._waiting: deque[_Pending] = deque()
        self._holding: asyncio.TimerHandle | None = None
        """While the next command waits for the reply to what was sent ahead, but not for long."""
        self._over = asyncio.Event()
        self._began = False
        """Whether a command was sent: before that, Asterisk has nothing to say."""

    def __repr__(self) -> str:
        return f"<AgiCall {self.channel} {self.unique_id} {self.script}>"

    # Who is calling, and for what

    @property
    def script(self) -> str:
        """The path of the request: `hotline` in `agi://host/hotline?language=en`."""
        return self.request.script

    @property
    def query(self) -> Mapping[str, str]:
        """The query of the request; the last of several equal keys counts."""
        return self.request.query

    @property
    def channel(self) -> str:
        """Asterisk's name of the channel."""
        return self.env.get("channel", "")

    @property
    def unique_id(self) -> str:
        """Asterisk's id of the channel, as AMI events call it too."""
        return self.env.get("uniqueid", "")

    @property
    def caller(self) -> str:
        """The caller's number, or "" if it is withheld."""
        number = bounds.line(self.env.get("callerid", ""), _LONGEST_NUMBER)
        return "" if number in _UNKNOWN else number

    @property
    def caller_name(self) -> str:
        """The caller's name, or "" if there is none."""
        name = bounds.line(self.env.get("calleridname", ""), _LONGEST_NAME)
        return "" if name in _UNKNOWN else name

    @property
    def called(self) -> str:
        """The number that was dialled."""
        number = self.env.get("dnid", "")
        return bounds.line(self.env.get("extension", "") if number in _UNKNOWN else number, _LONGEST_NUMBER)

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """What the dialplan gave in the request URL as `1`, `2` and so on."""
        found: list[str] = []
        while (value := self.query.get(str(len(found) + 1))) is not None:
            found.append(value)
        return tuple(found)

    def numbers(self, count: int) -> tuple[int, ...]:
        """The first `count` arguments as whole numbers; 0 for one that is missing or no such number."""
        return tuple(_whole(text) for text in (*self.arguments, *[""] * count)[:count])

    # Commands

    async def command(self, name: str, *args: object) -> AgiReply:
        """Send one AGI command and wait for its reply, however long that takes.

        Raises AgiRefused for 510, 511 (as AgiDead, which is an AgiHangup too) and 520. A `result=-1` is returned as
        it is: only the conveniences below know what it means for their command.
        """
        return await self._answered(self._asked(name, *args))

    def _asked(self, name: str, *args: object) -> _Pending:
        line = encode_command(name, *args)
        if self.closed:
            raise self._ending(name)
        pending = _Pending(name, line, asyncio.get_running_loop().create_future())
        self._waiting.append(pending)
        if self._holding is None:
            self._send_next()
        return pending

    async def _answered(self, pending: _Pending) -> AgiReply:
        reply = await pending.future
        if reply.code == 200:
            return reply
        raise (AgiDead if reply.code == 511 else AgiRefused)(pending.name, reply.code, reply.data)

    async def wait_hangup(self) -> None:
        """Return when the caller is gone or the connection is lost; `hung_up` and `closed` tell which."""
        await self._over.wait()

    async def answer(self) -> None:
        """Answer the channel; nothing happens if it is answered."""
        await self._on_channel("ANSWER")

    async def hangup(self) -> None:
        """Hang the channel up, if it still is up. The session itself goes on until its handler returns."""
        if not self.hung_up:
            with suppress(AgiDead):
                await self.command("HANGUP")

    async def stream_file(self, path: str, escape: str = "") -> str | None:
        """Play a sound file (path without its extension); the digit out of `escape` that broke it off, or None."""
        return _digit("STREAM FILE", await self._on_channel("STREAM FILE", path, escape))

    async def control_stream_file(
        self,
        path: str,
        escape: str = "",
        *,
        skip_ms: int = 3000,
        forward: str = "",
        rewind: str = "",
        pause: str = "",
        offset_ms: int = 0,
    ) -> str | None:
        """Like `stream_file`, and AMI's ControlPlayback can stop, pause or wind it.

        The keys default to none: `forward`, `rewind` and `pause` are the caller's, and a digit used for one of them
        cannot be an answer to the prompt.
        """
        # Asterisk takes an empty key for its own default (# and *); a letter no telephone sends stands for none.
        keys = (forward or "x", rewind or "x", pause or "x")
        name = "CONTROL STREAM FILE"
        return _digit(name, await self._on_channel(name, path, escape, skip_ms, *keys, offset_ms))

    async def wait_for_digit(self, ms: int) -> str | None:
        """The next digit within `ms` milliseconds (-1: without limit), or None."""
        return _digit("WAIT FOR DIGIT", await self._on_channel("WAIT FOR DIGIT", ms))

    async def get_variable(self, name: str) -> str | None:
        """A variable or function, `HANGUPCAUSE` or `CHANNEL(language)`; None if it is not set. Also after hangup.

        With `${` in it, `name` is an expression as in the dialplan, and what is not set is the empty string.
        Asterisk gives the first 1023 bytes of a single variable, and an expression whole.
        """
        reply = await self.command("GET FULL VARIABLE" if "${" in name else "GET VARIABLE", name)
        return reply.data if reply.result == "1" else None

    async def set_variable(self, name: str, value: object) -> None:
        """Set a channel variable or function. Also after hangup."""
        await self.command("SET VARIABLE", name, value)

    async def execute(self, app: str, *args: object, music_after: str = "") -> str:
        """Run a dialplan application; its result, "0" as a rule.

        Arguments are joined with commas, as in the dialplan. "-1" means that the application wants the call ended
        while the channel is still up; AgiHangup that it is not. AgiRefused: there is no such application.
        Asterisk starts the music class `music_after` when the application is over, also when this server is frozen
        then; only for an application that does not look at the connection, such as Dial and Bridge.
        """
        options = ",".join(str(arg) for arg in args)
        pending = self._asked("EXEC", app, options)
        if music_after:
            asyncio.get_running_loop().call_later(_AHEAD, self._send_ahead, pending, music_after)
        reply = await self._answered(pending)
        if reply.result == "-2":
            raise AgiRefused("EXEC", 200, f"there is no application {app}")
        if reply.result == "-1":
            await self._raise_if_hung_up("EXEC")
        return reply.result

    async def set_music(self, on: bool, cls: str = "") -> None:
        """Start or stop music on hold; `cls` names the music class."""
        await self.command("SET MUSIC", "on" if on else "off", *([cls] if cls else []))

    async def record_file(
        self,
        path: str,
        *,
        format: str = "wav",
        escape: str = "#",
        limit_ms: int = -1,
        silence: int = 0,
        beep: bool = False,
    ) -> Recorded:
        """Record the caller into `path` + "." + `format`, until a digit out of `escape`, a time, or hanging up.

        `limit_ms` is the longest (-1: none), `silence` the seconds of silence that end it (0: none). Hanging up is
        the usual end of a message and no error here. Raises AgiRefused if the file cannot be written.
        """
        extra = [*(["BEEP"] if beep else []), *([f"s={silence}"] if silence else [])]
        reply = await self.command("RECORD FILE", path, format, escape, limit_ms, *extra)
        samples = reply.endpos or 0
        if reply.result in ("-1", "") and reply.data not in ("hangup", "timeout"):
            await self._raise_if_hung_up("RECORD FILE")
            raise AgiRefused("RECORD FILE", 200, f"{path}.{format}: {reply.data or 'failed'}")
        if reply.data == "timeout":
            return Recorded("time", None, samples)
        if reply.data == "hangup":
            return Recorded("hangup", None, samples)
        return Recorded("digit", _digit("RECORD FILE", reply), samples)

    async def _on_channel(self, name: str, *args: object) -> AgiReply:
        """A command whose `result=-1` is a hangup, or else a failure of its own (a sound file that is not there)."""
        reply = await self.command(name, *args)
        if reply.result == "-1":
            await self._raise_if_hung_up(name)
            raise AgiRefused(name, 200, f"{args[0] if args else 'it'} failed on a channel that is up")
        return reply

    async def _raise_if_hung_up(self, name: str) -> None:
        # Asterisk says HANGUP before it reads the next command: its reply comes after, and settles which it was.
        if not self.hung_up:
            await self.command("NOOP")
        if self.hung_up:
            raise AgiHangup(f"{self.channel} hung up during {name}")

    # What the connection tells

    def line_came(self, line: str) -> None:
        """One line from Asterisk. Raises AgiProtocolError if no reply can begin or go on with it."""
        if line == "HANGUP" and not self._reader.midway:
            self.hung_up = True
            self._over.set()
            return
        current = self._sent[0] if self._sent else None
        if current is None:
            if not self._began:
                raise AgiProtocolError(f"something came after the end of the header: {line[:80]!r}")
            # The rest of a value with ")" before its line end. It belongs to no later command.
            _log.warning("a line that answers nothing was left out", channel=self.channel, line=line[:80])
            return
        reply = self._reader.feed(line)
        if reply is None:
            return
        if current.held is not None:
            reply = current.held
        elif current.name == "EXEC" and reply.result == "1":
            # Asterisk takes an application's result 1 for "wrong usage" and sends the usage text after it.
            current.held = reply
            return
        self._sent.popleft()
        if not current.future.done():
            current.future.set_result(reply)
        if current is self._current:
            self._current = None
        if self._sent and self._current is None:
            # Asterisk would read the line sent ahead and the next command at once, and look at the first alone.
            self._holding = asyncio.get_running_loop().call_later(_AHEAD, self._release)
        else:
            self._release()

    def connection_ended(self, why: str) -> None:
        """The connection is gone: the command that waits for a reply fails."""
        if self.closed:
            return
        self.closed = True
        self._why_closed = why
        self._over.set()
        waiting = [self._current, *self._waiting]
        self._current = None
        self._sent.clear()
        self._waiting.clear()
        self._release()
        for pending in waiting:
            if pending is not None and not pending.future.done():
                pending.future.set_exception(self._ending(pending.name))

    def _release(self) -> None:
        """Nothing holds the next command up any longer."""
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        self._send_next()

    def _send_next(self) -> None:
        while self._waiting and self._current is None:
            pending = self._waiting.popleft()
            if not pending.future.done():
                self._current = pending
                self._send(pending)
                return

    def _send(self, pending: _Pending) -> None:
        self._sent.append(pending)
        self._began = True
        self._write(pending.line)

    def _send_ahead(self, pending: _Pending, music: str) -> None:
        """While this command runs: what Asterisk is to do when it is over. Nobody waits for the reply."""
        if self._current is pending and not self.closed and not self.hung_up:
            name = "SET MUSIC"
            self._send(_Pending(name, encode_command(name, "on", music), asyncio.get_running_loop().create_future()))

    def _ending(self, name: str) -> AgiError:
        if self.hung_up:
            return AgiHangup(f"{self.channel} hung up: no {name}")
        return AgiGone(f"{self.channel}: {self._why_closed}: no {name}")


def _whole(text: str) -> int:
    try:
        return bounds.whole(text)
    except ValueError:
        return 0


def _digit(name: str, reply: AgiReply) -> str | None:
    """The key pressed: Asterisk gives its character code, 0 for none."""
    if _KEY.fullmatch(reply.result) is None or (code := int(reply.result)) > 127:
        raise AgiProtocolError(f"{name}: the result {reply.result[:40]!r} is no key")
    return chr(code) if code else None
