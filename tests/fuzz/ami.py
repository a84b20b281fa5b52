"""AMI: a peer over a real socket says what Asterisk never would. The link goes on, and each action gets an answer.

Each input is a connection of its own: most are said after a log-in that goes well, while an action and a list are under
way; every eighth is said instead of the greeting. A subscriber reads every event that comes of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import structlog

from server.telephony.ami.link import Ami, AmiError, AmiEvent, LinkState
from tests.fuzz.mutator import Grammar
from tests.fuzz.target import LONGEST, Flaw, resident

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
START = GREETING + b"Response: Success\r\nActionID: %(action)\r\nMessage: Authentication accepted\r\n\r\n"
PING = b"Response: Success\r\nActionID: %(action)\r\nPing: Pong\r\nTimestamp: 1763772000.125\r\n\r\n"
LIST = b"""\
Response: Success\r
ActionID: %(list)\r
EventList: start\r
Message: Channels will follow\r
\r
Event: CoreShowChannel\r
ActionID: %(list)\r
Channel: PJSIP/trunk-00000001\r
ChannelStateDesc: Up\r
CallerIDNum: 13800138000\r
Uniqueid: 1763772000.1\r
\r
Event: CoreShowChannelsComplete\r
ActionID: %(list)\r
EventList: Complete\r
ListItems: 1\r
\r
"""
EVENTS = b"""\
Event: Newchannel\r
Privilege: call,all\r
Channel: PJSIP/trunk-00000001\r
CallerIDNum: 13800138000\r
CallerIDName: \xe5\xbc\xa0\xe4\xb8\x89\r
Uniqueid: 1763772000.1\r
Linkedid: 1763772000.1\r
ChanVariable: SANSHENG_CALL=12\r
ChanVariable: SANSHENG_OFFER=\r
\r
Event: DTMFEnd\r
Channel: PJSIP/trunk-00000001\r
Uniqueid: 1763772000.1\r
Digit: 5\r
DurationMs: 100\r
Direction: Received\r
\r
Event: OriginateResponse\r
ActionID: %(action)\r
Response: Failure\r
Reason: 8\r
\r
Event: Hangup\r
Uniqueid: 1763772000.1\r
Cause: 16\r
Cause-txt: Normal Clearing\r
\r
"""
ERROR = b"Response: Error\r\nActionID: %(action)\r\nMessage: No such channel\r\n\r\n"
OUTPUT = b"Response: Success\r\nActionID: %(action)\r\nOutput: one\r\nOutput: two\r\n\r\n"
WORDS = (
    b"%(action)", b"%(list)", b"Event: FuzzCanary\r\n", b"Response: Follows\r\n", b"ActionID: \r\n",
    b"EventList: start", b"EventList: Cancelled", b"Response: Goodbye\r\n", b"--END COMMAND--\r\n", b": ", b":",
    b"\r\n\r\n", b"Event", b"content", b"Response", b"Asterisk Call Manager/", b"Privilege: Command\r\n", b"ActionID",
    b"action/", b"/1/2", b"Message",
)  # fmt: skip
INSTEAD = 8
"""Every so many inputs are said instead of the greeting."""
_ENDS_CONNECTION = "the AMI stream cannot be read"
"""In the log of a connection that was ended for what came: that is the law, and no flaw."""


class AmiLink:
    """One link of the server's to a peer that says the inputs."""

    at_once = 1
    grammar = Grammar(
        (PING + LIST + EVENTS, EVENTS + PING + LIST, LIST + PING, ERROR + LIST, OUTPUT + LIST, START, PING + EVENTS),
        WORDS,
    )

    async def __aenter__(self) -> Self:
        self._problems: list[str] = []
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40), processors=[self._logged])
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self._problems.append(str(context)))
        self._arrived: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._server = await asyncio.start_server(lambda *peer: self._arrived.put_nowait(peer), "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.link = Ami(
            "127.0.0.1",
            port,
            "sansheng",
            "secret",
            first_wait=0,
            longest_wait=0,
            refused_wait=0,
            action_timeout=LONGEST,
        )
        self._heard: list[dict[str, str]] = []
        self.link.subscribe("*", self._hear)
        self.link.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.close()
        self._server.close()
        asyncio.get_running_loop().set_exception_handler(None)
        structlog.reset_defaults()

    async def give(self, index: int, data: bytes) -> None:
        """One connection, on which the peer says this."""
        self._heard.clear()
        reader, writer = await asyncio.wait_for(self._arrived.get(), LONGEST)
        waiting: list[asyncio.Task[Any]] = []
        try:
            async with asyncio.timeout(2 * LONGEST):
                if index % INSTEAD:
                    waiting = await self._log_in(reader, writer)
                    ids = {b"%(action)": await _action(reader), b"%(list)": await _action(reader)}
                    for name, value in ids.items():
                        data = data.replace(name, value)
                writer.write(data)
                writer.write_eof()
                answers = await asyncio.gather(*waiting, return_exceptions=True)
                while await reader.read(65_536):
                    pass
        except TimeoutError:
            raise Flaw(f"nothing comes of it: the link is {self.link.state}, {self.link.why}") from None
        except OSError:
            answers = await asyncio.gather(*waiting, return_exceptions=True)
        finally:
            writer.close()
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, AmiError):
                raise Flaw(f"an action met {type(answer).__name__}: {answer}") from answer
        self._no_problems()

    async def check(self) -> None:
        """On the next connection an action, a list and an event go as they should."""
        reader, writer = await asyncio.wait_for(self._arrived.get(), LONGEST)
        waiting = await self._log_in(reader, writer)
        self._heard.clear()
        first, second = await _action(reader), await _action(reader)
        writer.write((PING + EVENTS + LIST).replace(b"%(action)", first).replace(b"%(list)", second))
        reply, listed = await asyncio.wait_for(asyncio.gather(*waiting), LONGEST)
        writer.close()
        heard = [event.get("Event") for event in self._heard]
        if (reply.get("Ping"), len(listed), heard) != (
            "Pong",
            1,
            ["Newchannel", "DTMFEnd", "OriginateResponse", "Hangup"],
        ):
            raise Flaw(f"a sound connection gave {reply}, {listed} and the events {heard}")
        self._no_problems()

    def books(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """See the one there is."""
        return (self._nothing_is_left,)

    async def _nothing_is_left(self) -> None:
        """Nobody waits, and nothing is kept."""
        if self.link.backlog or self.link.state is LinkState.CLOSED:
            raise Flaw(f"{self.link.backlog} events are left, the link is {self.link.state}")

    def memory(self) -> int:
        """This process."""
        return resident()

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[asyncio.Task[Any]]:
        """Greet and let in; an action and a list are then under way."""
        writer.write(GREETING)
        action = await _action(reader)
        writer.write(b"Response: Success\r\nActionID: " + action + b"\r\nMessage: Authentication accepted\r\n\r\n")
        await self.link.up(LONGEST)
        return [
            asyncio.ensure_future(self.link.action("Ping")),
            asyncio.ensure_future(self.link.collect("CoreShowChannels")),
        ]

    def _hear(self, event: AmiEvent) -> None:
        self._heard.append(dict(event))
        for name in ("Event", "Channel", "Uniqueid"):
            if re.search(r"[\r\n]", event.get(name, "")):
                self._problems.append(f"a subscriber is told of {event}")
        event.all("ChanVariable")
        str(event)

    def _logged(self, _: Any, __: str, entry: dict[str, Any]) -> Any:
        if entry["event"] != _ENDS_CONNECTION:
            self._problems.append(str(entry))
        raise structlog.DropEvent

    def _no_problems(self) -> None:
        problems, self._problems[:] = list(self._problems), []
        if problems:
            raise Flaw(f"the server's own error: {problems[0][:500]}")


async def _action(reader: asyncio.StreamReader) -> bytes:
    """The ActionID of the next action."""
    block = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONGEST)
    return next(line.partition(b": ")[2] for line in block.split(b"\r\n") if line.startswith(b"ActionID"))
