"""Input at a FastAGI port, and its cost: limits, deadlines, noise."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from server.telephony.agi.server import KEEPALIVE, MAX_HEADERS, AgiCall, AgiFactory
from server.telephony.agi.wire import (
    MAX_REPLY_LINES,
    AgiProtocolError,
    AgiReply,
    AgiRequest,
    ReplyReader,
    encode_command,
)
from tests.server.conftest import AGI_HEADER as HEADER
from tests.server.conftest import TOKENS

PATIENCE = 5.0


async def _closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
async def listening(reactor):
    """Start a factory; (factory, port)."""
    factories = []

    def listen(handler, **limits):
        factory = AgiFactory(handler, TOKENS, **limits)
        factories.append(factory)
        return factory, reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port

    yield listen
    for factory in factories:
        await factory.close()


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "expected an agi_ header, got 'GET / HTTP/1.1"),
        (b"agi_channel: " + b"x" * 10_000, "a line of more than 8192 bytes"),
        (b"".join(b"agi_x%d: 1\n" % n for n in range(300)), f"more than {MAX_HEADERS} headers"),
        (HEADER.replace(b"agi://127.0.0.1", b"agi://[oops"), "is no URL"),
        (b"\n", "the header has no agi_request"),
        (b"agi_callerid: 1\nagi_callerid: 2\n", "agi_callerid came twice"),
        (b"agi_callerid: 1\r\n", "agi_callerid holds a control character"),
        (b"agi_callerid: " + b"1" * 513 + b"\n", "agi_callerid has 513 characters"),
        (HEADER.replace(b"token=", b"token=0"), "the token is not this channel's"),
        (HEADER.replace(b"token=", b"other="), "the token is not this channel's"),
        (HEADER.replace(b"1763772000.1\n", b"1763772000.2\n"), "the token is not this channel's"),
        (b"\x80\x81\xff\n", "expected an agi_ header"),
        (HEADER[:-1], "no whole header in 0.05 s"),
        (b"", "no whole header in 0.05 s"),
    ],
)
async def test_what_is_no_header_is_closed_with_a_sentence_and_never_reaches_the_handler(listening, sent, why):
    handled = []

    async def handler(call: AgiCall) -> None:
        handled.append(call)

    _, port = listening(handler, deadline=0.05)
    with capture_logs() as logs:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await _closed(reader)
    writer.close()
    assert handled == []
    assert any(why in entry["why"] for entry in logs)


async def test_what_comes_after_the_end_of_the_header_ends_the_connection(listening):
    over: asyncio.Queue[bool] = asyncio.Queue()

    async def handler(call: AgiCall) -> None:
        await call.wait_hangup()
        over.put_nowait(call.hung_up)

    factory, port = listening(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEADER + b"agi_dnid: 4008001234\n")
    assert await _closed(reader)
    writer.close()
    assert await asyncio.wait_for(over.get(), PATIENCE) is False
    assert factory.refused == 1


async def test_a_channel_that_asterisk_does_not_have_is_let_go(listening):
    over: asyncio.Queue[bool] = asyncio.Queue()

    async def handler(call: AgiCall) -> None:
        await call.wait_hangup()
        over.put_nowait(call.hung_up)

    async def confirm(call: AgiCall) -> bool:
        return call.channel == "PJSIP/trunk-00000002"

    _, port = listening(handler, confirm=confirm)
    known, stranger = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    known[1].write(HEADER.replace(b"trunk-00000001", b"trunk-00000002"))
    stranger[1].write(HEADER)
    assert await _closed(stranger[0])
    assert await asyncio.wait_for(over.get(), PATIENCE) is False
    assert over.empty()
    for _, writer in (known, stranger):
        writer.close()


async def test_a_half_sent_header_delays_nobody_else(listening):
    async def handler(call: AgiCall) -> None:
        await call.answer()

    _, port = listening(handler, deadline=PATIENCE)
    _, slow = await asyncio.open_connection("127.0.0.1", port)
    slow.write(HEADER[:40])
    reader, quick = await asyncio.open_connection("127.0.0.1", port)
    quick.write(HEADER)
    assert await asyncio.wait_for(reader.readline(), PATIENCE) == b"ANSWER\n"
    for writer in (slow, quick):
        writer.close()


async def test_a_header_may_come_byte_by_byte(listening):
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def handler(call: AgiCall) -> None:
        seen.put_nowait(call.env["calleridname"])

    _, port = listening(handler)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    for n in range(len(HEADER)):
        writer.write(HEADER[n : n + 1])
        await writer.drain()
    assert await asyncio.wait_for(seen.get(), PATIENCE) == "张三"
    writer.close()


async def test_a_peer_that_vanishes_is_noticed_by_the_kernel_whether_we_wait_or_write(listening):
    options: asyncio.Queue[dict[str, int]] = asyncio.Queue()
    factory, port = listening(lambda call: call.wait_hangup())
    build = factory.buildProtocol

    def building(addr):
        protocol = build(addr)
        made = protocol.connectionMade

        def connection_made():
            made()
            sock = protocol.transport.getHandle()
            found = {name: sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in KEEPALIVE}
            options.put_nowait(found | {"on": sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)})

        protocol.connectionMade = connection_made
        return protocol

    factory.buildProtocol = building
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(options.get(), PATIENCE) == KEEPALIVE | {"on": 1}
    writer.close()


# Whatever comes

_REPLIES = [
    b"200 result=0\n",
    b"200 result=1 (value)\n",
    b"200 result=1 (two\nlines)\n",
    b"200 result=49 endpos=7\n",
    b"100 result=0 Trying...\n",
    b"510 Invalid or unknown command\n",
    b"511 Command Not Permitted on a dead channel or intercept routine\n",
    b"520-Invalid command syntax.  Proper usage follows:\nUsage: X\n520 End of proper usage.\n",
    b"HANGUP\n",
]
_noise = st.one_of(st.sampled_from(_REPLIES), st.binary(max_size=60), st.just(HEADER))


@given(st.lists(st.text(max_size=30), max_size=20))
def test_a_reply_reader_ends_replies_or_says_what_is_wrong(lines):
    reader = ReplyReader()
    for line in lines:
        try:
            reader.feed(line)
        except AgiProtocolError:
            assert not reader.midway


@given(st.lists(st.sampled_from([r for r in _REPLIES if r != b"HANGUP\n"]), min_size=1, max_size=6))
def test_replies_one_after_the_other_are_told_apart(replies):
    reader = ReplyReader()
    found = [reader.feed(line) for reply in replies for line in reply.decode().splitlines()]
    whole = [reply for reply in found if reply is not None]
    assert len(whole) == sum(not reply.startswith(b"100") for reply in replies)
    assert not reader.midway


@given(st.text(alphabet=st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=200))
def test_asterisk_reads_back_every_argument_as_it_was(value):
    line = encode_command("SET VARIABLE", "X", value).decode().removesuffix("\n")
    assert _as_asterisk_splits(line) == ["SET", "VARIABLE", "X", value]


@given(st.text(max_size=80))
def test_a_request_is_parsed_or_refused(url):
    try:
        request = AgiRequest.parse(url)
    except AgiProtocolError:
        return
    assert request.url == url


def test_a_reply_without_an_end_is_given_up():
    reader = ReplyReader()
    assert reader.feed("200 result=1 (begins") is None
    assert [reader.feed("and goes on") for _ in range(MAX_REPLY_LINES - 1)] == [None] * (MAX_REPLY_LINES - 1)
    with pytest.raises(AgiProtocolError, match="more than 200 lines"):
        reader.feed("and goes on")
    assert reader.feed("200 result=0") == AgiReply(200, "0")


@given(st.lists(_noise, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_no_bytes_in_no_pieces_freeze_the_loop_or_escape_the_session(pieces, data):
    stream = HEADER + b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    asyncio.run(_suffer(chunks))


async def _suffer(chunks: list[bytes]) -> None:
    """One session that gets `chunks`: the handler ends, everything is let go, the loop reports nothing."""
    loop = asyncio.get_running_loop()
    complaints: list[dict] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))

    async def handler(call: AgiCall) -> None:
        await call.answer()
        await call.get_variable("X")
        await call.execute("Dial", "PJSIP/1001")
        await call.stream_file("menu", "1")

    factory = AgiFactory(handler, TOKENS, deadline=PATIENCE)
    connection = factory.buildProtocol(None)
    assert connection is not None
    transport = _Transport(connection)
    connection.makeConnection(transport)
    with capture_logs() as logs:
        for chunk in chunks:
            if not transport.disconnecting:
                connection.dataReceived(chunk)
            for _ in range(3):
                await asyncio.sleep(0)
        transport.lose()
        assert await asyncio.wait_for(factory.drain(PATIENCE), PATIENCE) == 0
    assert complaints == []
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


class _Transport:
    """As much of a TCP transport as a session needs, with nobody at the other end."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.connected = True
        self.disconnecting = False
        self._socket = socket.socket()

    def setTcpNoDelay(self, on: bool) -> None: ...

    def setTcpKeepAlive(self, on: bool) -> None: ...

    def getHandle(self) -> socket.socket:
        return self._socket

    def getPeer(self) -> str:
        return "nobody"

    def write(self, data: bytes) -> None: ...

    def loseConnection(self) -> None:
        self.disconnecting = True

    abortConnection = loseConnection

    def lose(self) -> None:
        if self.connected:
            self.connected = False
            self.disconnecting = True
            self._socket.close()
            self.connection.connectionLost()


def _as_asterisk_splits(line: str) -> list[str]:
    """`parse_args` of Asterisk's res_agi.c, step by step."""
    words: list[str] = []
    quoted = escaped = False
    between = True
    for char in line:
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                words.append("")
                between = False
        elif char in " \t" and not quoted and not escaped:
            between = True
        elif char == "\\" and not escaped:
            escaped = True
            continue
        else:
            if between:
                words.append("")
                between = False
            words[-1] += char
        escaped = False
    return words
