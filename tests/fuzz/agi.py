"""AGI in this process: a connection's header and replies. A handler meets sound calls or an AgiError, in time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any, Self

import structlog
from twisted.python.failure import Failure

from server.telephony.agi.server import AgiCall, AgiFactory
from server.telephony.agi.wire import AgiError, AgiHangup, AgiProtocolError, AgiRefused, ReplyReader
from server.telephony.tokens import ChannelTokens
from tests.fuzz.mutator import LONGEST as LONGEST_INPUT
from tests.fuzz.mutator import Grammar
from tests.fuzz.target import LONGEST, Flaw, resident, time_limit

HEADER = b"""\
agi_network: yes
agi_network_script: hotline?token=%(token)&1=&2=1763772000.125&3=1763772000.250
agi_request: agi://127.0.0.1:4573/hotline?token=%(token)&1=&2=1763772000.125&3=1763772000.250
agi_channel: PJSIP/trunk-00000001
agi_language: zh
agi_type: PJSIP
agi_uniqueid: fuzz-1763772000.1
agi_version: 22.10.0
agi_callerid: 13800001111
agi_calleridname: \xe5\xbc\xa0\xe4\xb8\x89
agi_dnid: 4008001234
agi_rdnis: unknown
agi_context: hotline
agi_extension: s
agi_priority: 7
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 140133713

"""
REPLIES = b"""\
100 Trying...
200 result=0
200 result=0 endpos=16000
200 result=49
200 result=1 (zh)
200 result=1 (two
lines)
200 result=0 (timeout) endpos=8000
200 result=1
520-Invalid command syntax.  Proper usage follows:
Usage: EXEC <application> <options>
520 End of proper usage.
511 Command Not Permitted on a dead channel or intercept routine
HANGUP
200 result=-1
510 Invalid or unknown command
"""
WORDS = (
    b"agi_request: agi://[::1/x", b"agi_callerid: 66600066\n", b"agi_arg_1: 1\n", b"agi_uniqueid: 1.1\n", b"agi_",
    b": ", b"HANGUP\n", b"200 result=", b"200-", b"520-", b"520 ", b"100 ", b"(", b")", b" endpos=",
    b"agi_arg_999: x\n", b"&2=nan", b"&1=1&1=2", b"&token=0", b"nan", b"inf", b"-1", b"1e309", b"result=\xd9\xa1",
    b"%0Aagi_callerid:%2066600066", b"#", b"${SHELL(true)}", b"\n\n",
)  # fmt: skip
PIECES = (40, 400, LONGEST_INPUT)
"""Bytes that come together."""
SCRIPTS = (b"hotline", b"called", b"agent", b"outbound", b"line", b"callback-agent", b"agent-side")

TOKENS = ChannelTokens("the fuzzer's own")


class Agi:
    """Connections to one factory, without a network."""

    at_once = 1
    grammar = Grammar(
        (HEADER + REPLIES, HEADER, REPLIES, *(HEADER.replace(b"hotline", script) + REPLIES for script in SCRIPTS)),
        WORDS,
    )

    async def __aenter__(self) -> Self:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self._ended: dict[AgiCall, BaseException | None] = {}
        self._begun = 0
        self._factory = AgiFactory(self._handle, TOKENS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._factory.close()
        structlog.reset_defaults()

    async def give(self, index: int, data: bytes) -> None:
        """The bytes to a reader of replies, and to a connection: the header in pieces, then the replies."""
        reader = ReplyReader()
        with time_limit():
            for line in data.decode("utf-8", "replace").split("\n"):
                try:
                    reader.feed(line)
                except AgiProtocolError:
                    reader = ReplyReader()
        await self._connect(data, Random(index))

    async def check(self) -> None:
        """A sound session is served to its end."""
        begun = self._begun
        await self._connect(HEADER + b"200 result=0\n" * 12, Random(0))
        if self._begun != begun + 1:
            raise Flaw("a sound header was not served")

    def books(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """See the one there is."""
        return (self._nothing_is_left,)

    async def _nothing_is_left(self) -> None:
        """No call and no connection is left."""
        if self._factory.calls or self._factory._connections:
            raise Flaw(f"{len(self._factory.calls)} calls and {len(self._factory._connections)} connections are left")

    def memory(self) -> int:
        """This process."""
        return resident()

    async def _connect(self, data: bytes, random: Random) -> None:
        self._ended.clear()
        connection = self._factory.buildProtocol(None)
        assert connection is not None
        transport = _Transport(connection)
        data = data.replace(b"%(token)", TOKENS.token("fuzz-1763772000.1").encode())
        header, end, replies = data.partition(b"\n\n")
        with time_limit():
            connection.makeConnection(transport)  # type: ignore[arg-type]
            for text in (header + end, replies):
                at, piece = 0, random.choice((*PIECES, 1) if random.random() < 0.1 else PIECES)
                while at < len(text) and not transport.disconnecting:
                    connection.dataReceived(text[at : at + piece])
                    at += piece
                    await asyncio.sleep(0)
                await asyncio.sleep(0)  # the handler sends its first command
        transport.abortConnection()
        await asyncio.sleep(0)  # the transport tells the connection
        if handlers := list(self._factory._calls.values()):
            _, left = await asyncio.wait(handlers, timeout=LONGEST)
            if left:
                raise Flaw(f"a handler has not ended {LONGEST} s after its connection")
        for call, problem in self._ended.items():
            _believed_twice(data, call)
            if problem is not None and not isinstance(problem, AgiError):
                raise Flaw(f"a handler met {type(problem).__name__}: {problem}") from problem

    async def _handle(self, call: AgiCall) -> None:
        self._begun += 1
        self._ended[call] = None
        try:
            await _talk(call)
        except Exception as problem:
            self._ended[call] = problem


async def _talk(call: AgiCall) -> None:
    """The hotline's requests of a call, one of each kind."""
    repr((call, call.caller, call.called, call.arguments, call.query))
    for ask in (
        call.answer,
        lambda: call.stream_file("welcome", "0123456789*#"),
        lambda: call.control_stream_file("menu-main", "1"),
        lambda: call.wait_for_digit(10),
        lambda: call.get_variable("CHANNEL(language)"),
        lambda: call.set_variable("SANSHENG_CALL", 12),
        lambda: call.set_music(True, "default"),
        lambda: call.execute("Dial", "PJSIP/1001", 20),
        lambda: call.record_file("/tmp/message", limit_ms=1000, beep=True),
        call.hangup,
    ):
        try:
            await ask()
        except AgiHangup:
            await call.get_variable("HANGUPCAUSE")
        except AgiRefused:
            continue


def _believed_twice(data: bytes, call: AgiCall) -> None:
    """A header that comes with two values lets a caller write what only Asterisk may."""
    header = data.split(b"\n")
    ends = next((at for at, line in enumerate(header) if line in (b"", b"\r")), len(header))
    names = Counter(line.partition(b":")[0] for line in set(header[:ends]))
    for name, times in names.items():
        if times > 1 and name.decode("utf-8", "replace").removeprefix("agi_") in call.env:
            raise Flaw("a header that came twice, with two values, was believed")


class _Transport:
    """As much of a TCP transport as a connection uses; whatever is written is taken at once."""

    def __init__(self, connection: Any) -> None:
        self.disconnecting = False
        self._connection = connection

    def setTcpNoDelay(self, _: bool) -> None: ...
    def setTcpKeepAlive(self, _: bool) -> None: ...
    def write(self, _: bytes) -> None: ...

    def getHandle(self) -> Any:
        return SimpleNamespace(setsockopt=lambda *_: None, send=len)

    def getPeer(self) -> str:
        return "fuzz"

    def loseConnection(self) -> None:
        self.abortConnection()

    def abortConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            asyncio.get_running_loop().call_soon(self._connection.connectionLost, Failure(ConnectionError("over")))
