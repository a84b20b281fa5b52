"""AMI on the wire: panoramisk's protocol with its faults closed.

The law: the bytes that arrive, in any pieces, become whole messages or end the connection with a reason; an event
that is not framed as Asterisk frames events is counted and left out. What is sent is exactly one action. Nothing is
sent twice, and nothing that was given up is kept.
"""

from __future__ import annotations

import asyncio
import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

GREETING = "Asterisk Call Manager/"
MAX_GREETING = 256
MAX_MESSAGE = 4_000_000
"""Characters of one message. The longest real ones are the output of console commands."""
MAX_LINE = 1_022
"""Bytes of one header without its line end: Asterisk throws a longer one away."""
MAX_HEADERS = 128

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile(r"[\r\n\0]")
_REMEMBERED = 256
_EVENT = re.compile(r"(?:[A-Za-z][\w-]*(?:\([^)\r\n]*\))?: [^\r\n\0]*(?:\r\n|\Z))+")
"""An event as Asterisk frames it: a name and a value in each line."""
_ONCE = ("Event", "Channel", "Uniqueid", "Linkedid", "DestChannel", "DestUniqueid")
"""Headers that no event has twice."""

_log = structlog.get_logger("ami")


class AmiError(Exception):
    """An action that was not done, or not known to be done."""


class AmiLost(AmiError):
    """The link went down, or was down: the action may or may not have been done, and is not sent again."""


class AmiTimeout(AmiError):
    """Asterisk did not answer in time: the action may or may not have been done."""


class AmiFailed(AmiError):
    """Asterisk answered with an error. `message` is what it said."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"Asterisk refused {action}: {message}")
        self.action = action
        self.message = message


class _AmiMessage(Mapping[str, str]):
    """Headers of one message. Names in any case; a header that came several times is joined by line ends."""

    __slots__ = ("_message",)

    def __init__(self, message: Message) -> None:
        self._message = message

    def __getitem__(self, name: str) -> str:
        value = self._message[name]
        return value if isinstance(value, str) else "\n".join(value)

    def all(self, name: str) -> list[str]:
        """Every value of a header that may come several times; none: an empty list."""
        value = self._message.get(name, [])
        return [value] if isinstance(value, str) else list(value)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._message

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._message if name != "content")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {dict(self)}>"


class AmiEvent(_AmiMessage):
    """One event: `event.name`, `event["Uniqueid"]`."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """What happened, as Asterisk calls it: `DTMFEnd`."""
        return self["Event"]


class AmiReply(_AmiMessage):
    """The answer to one action: `reply["Message"]`, `reply.all("Output")`."""

    __slots__ = ()

    @property
    def success(self) -> bool:
        """Whether Asterisk did it."""
        return self.get("Response", "") in Message.success_responses

    @property
    def text(self) -> str:
        """What Asterisk said about it, or ""."""
        return self.get("Message", "")


class AmiAction(Action):  # type: ignore[misc]
    """One action and its future: a reply, or with `as_list` the reply and every message of the list it began.

    Raises ValueError for what AMI cannot carry: line ends (they would begin another header, or another action),
    text that is not Unicode, a header longer than Asterisk reads.
    """

    def __init__(self, name: str, headers: Mapping[str, Any], *, as_list: bool) -> None:
        given = {key: value for key, value in headers.items() if value is not None}
        super().__init__({"Action": name, **given}, as_list=as_list)
        self.name = name
        for value in (name, *given):
            if _NAME.fullmatch(value) is None:
                raise ValueError(f"{value!r} is no name of an AMI action or header")
        for key in list(self):
            value = self[key]
            many = isinstance(value, list | tuple)
            texts = [_text(name, key, item) for item in (value if many else [value])]
            self[key] = texts if many else texts[0]
        self.wire = str(self).encode()
        """The action as it is sent."""
        lines = self.wire.splitlines()
        if len(lines) > MAX_HEADERS:
            raise ValueError(f"{name}: {len(lines)} headers are more than the {MAX_HEADERS} that Asterisk reads")
        for line in lines:
            if len(line) > MAX_LINE:
                raise ValueError(f"{name}: a header of {len(line)} bytes is too long for Asterisk: {line[:60]!r}")

    def takes(self, message: Message) -> bool:
        """Whether a message with this action's id is part of its answer, and not an event that the action caused."""
        # OriginateResponse is an event with a header Response.
        return "Event" not in message or (bool(self.as_list) and bool(self.responses))

    def add_message(self, message: Message) -> bool:
        """Take one message of the answer; whether the answer is complete."""
        self.responses.append(message)
        begins = len(self.responses) == 1
        if self.as_list and begins and AmiReply(message).success and message.get("EventList", "").lower() == "start":
            return False
        if begins or not self.as_list or message.get("EventList", "").lower() in ("complete", "cancelled"):
            if not self.future.done():
                self.future.set_result(self.responses)
            return True
        return False


def _text(action: str, header: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _FORBIDDEN.search(text):
        raise ValueError(f"{action}: {header} cannot hold a line end or NUL: {text[:60]!r}")
    return text


class AmiProtocol(AMIProtocol):  # type: ignore[misc]
    """One connection. `greeted` is set when the other side turns out to be AMI, `lost` (why) when it ends."""

    factory: AmiManager

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: the connection is there."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self.greeted: asyncio.Future[str] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._buffer = ""
        self._given_up: deque[str] = deque(maxlen=_REMEMBERED)

    def send(self, data: AmiAction, as_list: bool | None = None) -> asyncio.Future[list[Message]]:
        """Write one action, once."""
        self.responses[data.id] = data
        self.transport.write(data.wire)
        future: asyncio.Future[list[Message]] = data.future
        return future

    def forget(self, action: AmiAction) -> None:
        """Nobody waits for this action any more; what still comes of its list is left out."""
        if self.responses.pop(action.id, None) is not None and action.as_list:
            self._given_up.append(action.id)

    def data_received(self, data: bytes) -> None:
        """asyncio's: bytes came. Never raises: what cannot be understood ends the connection."""
        try:
            for message in self._messages(self._decoder.decode(data)):
                if self.closed:
                    return
                self.handle_message(message)
        except Exception as problem:
            _log.exception("the AMI stream cannot be read")
            self.end(f"the stream cannot be read: {problem}")

    def handle_message(self, message: Message) -> None:
        """Give a message to the action it answers, or to the receiver of events."""
        action = self.responses.get(message.action_id)
        if action is not None and action.takes(message):
            if action.add_message(message):
                del self.responses[action.id]
        elif "Event" in message:
            if message.action_id not in self._given_up:
                self.factory.dispatch(message)
        else:
            _log.debug("an answer that nobody waits for any more", action_id=message.action_id)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's: the connection ended from outside."""
        self.end(str(exc) if exc is not None else "Asterisk closed the connection")

    def end(self, why: str) -> None:
        """End the connection, for the first reason given. Waiting actions fail, and nothing is sent again."""
        if self.lost.done():
            return
        self.closed = True
        self.lost.set_result(why)
        self.transport.abort()
        for action in list(self.responses.values()):
            if not action.future.done():
                action.future.set_exception(AmiLost(f"{action.name}: {why}"))
        self.responses.clear()
        self._buffer = ""

    def close(self) -> None:
        """panoramisk's name for it."""
        self.end("the link was closed")

    def _messages(self, text: str) -> Iterator[Message]:
        start = max(0, len(self._buffer) - 3)
        self._buffer += text
        if self.version is None and not self._greeting():
            return
        at = 0
        while (end := self._buffer.find("\r\n\r\n", start)) >= 0:
            block, at = self._buffer[at:end], end + 4
            start = at
            message = Message.from_line(block)
            if message is None or ("Event" in message and not _is_framed(block, message)):
                self.factory.leave_out(block)
            else:
                yield message
        self._buffer = self._buffer[at:]
        if len(self._buffer) > MAX_MESSAGE:
            self.end(f"a message of more than {MAX_MESSAGE} characters")

    def _greeting(self) -> bool:
        line, end, rest = self._buffer.partition("\r\n")
        if not (line.startswith(GREETING) or (not end and GREETING.startswith(line))) or len(line) > MAX_GREETING:
            self.end(f"this is not AMI: it begins with {line[:40]!r}")
        elif end:
            self.version = line.removeprefix(GREETING)
            self._buffer = rest
            self.greeted.set_result(self.version)
        return self.version is not None


def _is_framed(block: str, message: Message) -> bool:
    return _EVENT.fullmatch(block) is not None and all(isinstance(message.get(name, ""), str) for name in _ONCE)


class AmiManager(Manager):  # type: ignore[misc]
    """panoramisk's manager with everything taken out that acts by itself: log-in, pings, reconnecting, replay.

    What is left: connecting, sending, and one handler for all events. `server.telephony.ami.link.Ami` decides when.
    """

    def __init__(
        self, host: str, port: int, on_event: Callable[[AmiEvent], None], on_odd: Callable[[str], None]
    ) -> None:
        super().__init__(
            host=host, port=port, protocol_factory=AmiProtocol, loop=asyncio.get_running_loop(), forgetable_actions=()
        )
        self.protocol: AmiProtocol | None = None
        self._on_event = on_event
        self.leave_out = on_odd
        """Told the text of a message that is none, or of an event with odd framing."""
        self._closed = False

    def connection_made(self, f: asyncio.Future[tuple[asyncio.Transport, AmiProtocol]]) -> None:
        """panoramisk's: connecting ended, one way or the other; `connect()` returns or raises."""
        if not f.cancelled() and f.exception() is None:
            _, self.protocol = f.result()
            self.protocol.factory = self
            if self._closed:
                self.protocol.close()

    async def send_awaiting_actions(self, *_: object) -> None:
        """panoramisk's replay after a reconnect: a call that was placed is not placed again."""

    def dispatch(self, event: Message) -> None:
        """One event, as it came."""
        self._on_event(AmiEvent(event))

    def close(self) -> None:
        """End the connection, or the one that is just being made."""
        self._closed = True
        if self.protocol is not None:
            self.protocol.close()
