"""How the AMI link goes down, comes back, and ends for good."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from server.telephony.ami.link import Ami, AmiEvent, AmiLost, AmiTimeout, LinkState

PATIENCE = 5.0
HELLO = b"Asterisk Call Manager/11.0.0\r\n"


class Peer:
    """Counts connections and answers, in its own way, whatever is sent to it."""

    def __init__(self) -> None:
        self.hello = HELLO
        self.login = b"Success"
        self.pings = True
        self.heard: list[bytes] = []
        self._hearing = asyncio.Condition()
        self.count = 0
        self.writers: list[asyncio.StreamWriter] = []
        self._serving: set[asyncio.Task] = set()

    async def listen(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        self.count += 1
        self.writers.append(writer)
        writer.write(self.hello)
        while True:
            try:
                block = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionResetError):
                writer.close()
                return
            async with self._hearing:
                self.heard.append(block)
                self._hearing.notify_all()
            headers = dict(line.split(b": ", 1) for line in block.strip().split(b"\r\n"))
            how = {b"Login": self.login, b"Ping": b"Success" if self.pings else b""}.get(headers[b"Action"], b"")
            if how:
                writer.write(b"Response: %s\r\nMessage: so\r\nActionID: %s\r\n\r\n" % (how, headers[b"ActionID"]))

    async def has_heard(self, text: bytes) -> None:
        async with asyncio.timeout(PATIENCE), self._hearing:
            await self._hearing.wait_for(lambda: any(text in block for block in self.heard))

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()

    async def close(self) -> None:
        self.hang_up()
        self.server.close()
        if self._serving:
            await asyncio.wait(self._serving, timeout=PATIENCE)


@pytest.fixture
async def peer():
    peer = Peer()
    peer.port = await peer.listen()
    yield peer
    await peer.close()


@pytest.fixture
async def link(peer):
    links = []

    def make(port: int | None = None, **options) -> Ami:
        options = {"first_wait": 0.01, "longest_wait": 0.05, "ping_every": 60.0, "action_timeout": 1.0} | options
        ami = Ami("127.0.0.1", port or peer.port, "sansheng", "secret", **options)
        links.append(ami)
        return ami

    yield make
    for ami in links:
        await ami.close()


class States:
    """Every change of a link's state."""

    def __init__(self, ami: Ami) -> None:
        self.seen: list[tuple[LinkState, str]] = []
        self._came = asyncio.Event()
        ami.on_state(self._heard)

    def _heard(self, state: LinkState, why: str) -> None:
        self.seen.append((state, why))
        self._came.set()

    async def until(self, *wanted: LinkState, times: int = 1) -> str:
        """Wait until states out of `wanted` came so many times; why, the last time."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [why for state, why in self.seen if state in wanted]) < times:
                self._came.clear()
                await self._came.wait()
        return found[times - 1]

    @property
    def names(self) -> list[LinkState]:
        return [state for state, _ in self.seen]


async def test_the_way_up_is_visible_step_by_step(peer, link):
    ami = link()
    states = States(ami)
    before = time.time()
    ami.start()
    await ami.up(PATIENCE)
    assert states.names == [LinkState.CONNECTING, LinkState.LOGGING_IN, LinkState.UP]
    assert ami.why == f"connected to 127.0.0.1:{peer.port}, AMI 11.0.0"
    assert before <= ami.since <= time.time()


async def test_a_lost_link_comes_back_and_sends_nothing_again(peer, link):
    ami = link()
    states = States(ami)
    ami.start()
    await ami.up(PATIENCE)
    asking = asyncio.create_task(ami.action("Originate", Channel="PJSIP/1001", Async=True))
    await peer.has_heard(b"Originate")
    peer.hang_up()
    with pytest.raises(AmiLost, match="Originate: Asterisk closed the connection"):
        await asking
    await states.until(LinkState.UP, times=2)
    peer.writers[-1].write(b"Event: FullyBooted\r\n\r\n")
    await ami.action("Ping")
    assert [b"Originate" in block for block in peer.heard].count(True) == 1
    assert LinkState.DOWN in states.names


async def test_a_peer_that_answers_no_ping_is_left(peer, link):
    peer.pings = False
    ami = link(ping_every=0.03, action_timeout=0.1)
    states = States(ami)
    ami.start()
    assert await states.until(LinkState.DOWN) == "Ping: Asterisk did not answer in 0.1 s"
    peer.pings = True
    await states.until(LinkState.UP, times=2)


async def test_a_refused_log_in_is_visible_and_does_not_hammer(peer, link):
    peer.login = b"Error"
    ami = link()
    states = States(ami)
    ami.start()
    why = await states.until(LinkState.REFUSED)
    assert why == f"127.0.0.1:{peer.port} refuses the user sansheng: so"
    with pytest.raises(AmiTimeout, match=r"refused after 0\.2 s: .* refuses the user sansheng"):
        await ami.up(0.2)
    assert peer.count == 1


async def test_a_refused_log_in_is_tried_again_when_its_time_has_come(peer, link):
    peer.login = b"Error"
    ami = link(refused_wait=0.02)
    states = States(ami)
    ami.start()
    await states.until(LinkState.REFUSED)
    peer.login = b"Success"
    await ami.up(PATIENCE)


async def test_the_secret_is_in_no_log_and_no_state(peer, link):
    peer.login = b"Error"
    ami = Ami("127.0.0.1", peer.port, "sansheng", "hush-hush")
    states = States(ami)
    with capture_logs() as logs:
        ami.start()
        await states.until(LinkState.REFUSED)
        await ami.close()
    assert "hush-hush" not in repr(logs) + repr(states.seen) + repr(ami)


@pytest.mark.parametrize("hello", [b"220 smtp.example ESMTP\r\n", b"\x80\xff" * 200, b"Asterisk Call Mangler/1\r\n"])
async def test_a_port_where_something_else_listens_is_told(peer, link, hello):
    peer.hello = hello
    ami = link()
    states = States(ami)
    ami.start()
    assert "this is not AMI" in await states.until(LinkState.DOWN)


async def test_a_port_where_something_listens_and_says_nothing_is_told(peer, link):
    peer.hello = b""
    ami = link(action_timeout=0.05)
    states = States(ami)
    ami.start()
    assert await states.until(LinkState.DOWN) == f"no AMI at 127.0.0.1:{peer.port}: it did not say hello"


async def test_waits_between_attempts_grow_and_reach_a_limit(peer, link):
    await peer.close()
    ami = link(first_wait=0.01, longest_wait=0.08)
    states = States(ami)
    times: list[float] = []
    ami.on_state(lambda state, _: times.append(time.monotonic()) if state is LinkState.CONNECTING else None)
    ami.start()
    await states.until(LinkState.DOWN, times=7)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits[0] >= 0.01
    assert all(wait >= 0.04 for wait in waits[3:])


async def test_an_asterisk_that_starts_later_is_found(peer, link):
    await peer.close()
    ami = link()
    states = States(ami)
    ami.start()
    assert "no AMI at 127.0.0.1" in await states.until(LinkState.DOWN)
    again = Peer()
    await again.listen(peer.port)
    await ami.up(PATIENCE)
    await again.close()


async def test_closing_is_final_also_while_a_reconnect_is_pending(peer, link):
    ami = link(first_wait=0.05, longest_wait=0.05)
    states = States(ami)
    ami.start()
    await ami.up(PATIENCE)
    peer.hang_up()
    await states.until(LinkState.DOWN)
    await ami.close()
    await ami.close()
    count = peer.count
    await asyncio.sleep(0.15)
    assert peer.count == count
    assert states.names[-1] is LinkState.CLOSED
    with pytest.raises(AmiLost):
        ami.start()
    with pytest.raises(AmiLost):
        await ami.up(PATIENCE)
    with pytest.raises(AmiLost, match="closed"):
        await ami.action("Ping")


async def test_closing_ends_what_waits(peer, link):
    ami = link()
    ami.start()
    await ami.up(PATIENCE)
    asking = asyncio.create_task(ami.action("Getvar", Variable="A"))
    await peer.has_heard(b"Getvar")
    await ami.close()
    with pytest.raises(AmiLost, match="the link was closed"):
        await asking


async def test_a_listener_that_raises_does_not_stop_the_link(peer, link):
    ami = link()

    def failing(state: LinkState, why: str) -> None:
        raise RuntimeError("a mistake of ours")

    ami.on_state(failing)
    ami.start()
    await ami.up(PATIENCE)


async def test_a_message_without_an_end_ends_the_connection(peer, link, monkeypatch):
    monkeypatch.setattr("server.telephony.ami.wire.MAX_MESSAGE", 10_000)
    ami = link()
    states = States(ami)
    ami.start()
    await ami.up(PATIENCE)
    peer.writers[-1].write(b"Event: Huge\r\n" + b"X: y\r\n" * 5_000)
    assert await states.until(LinkState.DOWN) == "a message of more than 10000 characters"


# Whatever comes

_BLOCKS = [
    b"Event: DTMFEnd\r\nDigit: 1\r\nUniqueid: 1.1\r\n\r\n",
    "Event: Newchannel\r\nCallerIDName: 张三\r\n\r\n".encode(),
    b"Response: Success\r\nActionID: nobody\r\n\r\n",
    b"Event: A\r\nEvent: B\r\nActionID: 1\r\nActionID: 2\r\n\r\n",
    b"Response: Follows\r\n\r\n",
    b": \r\n\r\n",
    b"\r\n\r\n\r\n",
]


@given(st.lists(st.one_of(st.sampled_from(_BLOCKS), st.binary(max_size=50)), max_size=10), st.data())
@settings(max_examples=60, deadline=None)
def test_no_bytes_in_no_pieces_freeze_the_loop_or_escape_the_link(pieces, data):
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    asyncio.run(_suffer([stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]))


async def _suffer(chunks: list[bytes]) -> None:
    """The link lives or comes back, a marker arrives after the noise, and the loop has nothing to complain of."""
    complaints: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    peer = Peer()
    port = await peer.listen()
    ami = Ami("127.0.0.1", port, "sansheng", "secret", first_wait=0.001, longest_wait=0.002)
    marked = asyncio.Event()
    ami.subscribe("Marker", lambda event: marked.set())
    try:
        with capture_logs():
            ami.start()
            await ami.up(PATIENCE)
            for chunk in chunks:
                peer.writers[-1].write(chunk)
                await asyncio.sleep(0)
            peer.writers[-1].write(b"\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                while not marked.is_set():
                    await ami.up(PATIENCE)
                    if ami.is_up:
                        peer.writers[-1].write(b"Event: Marker\r\n\r\n")
                    await asyncio.sleep(0.001)
    finally:
        await ami.close()
        await peer.close()
    assert complaints == []


@given(st.lists(st.sampled_from(["投诉", "abc", "é", "😀"]), min_size=1, max_size=8), st.integers(1, 7))
@settings(max_examples=25, deadline=None)
def test_events_are_the_same_however_they_are_cut(texts, size):
    asyncio.run(_cut(texts, size))


async def _cut(texts: list[str], size: int) -> None:
    peer = Peer()
    ami = Ami("127.0.0.1", await peer.listen(), "sansheng", "secret")
    heard: asyncio.Queue[AmiEvent] = asyncio.Queue()
    ami.subscribe("E", heard.put_nowait)
    ami.start()
    await ami.up(PATIENCE)
    stream = "".join(f"Event: E\r\nText: {text}\r\nLast: \r\n\r\n" for text in texts).encode()
    for at in range(0, len(stream), size):
        peer.writers[-1].write(stream[at : at + size])
        await asyncio.sleep(0)
    events = [await asyncio.wait_for(heard.get(), PATIENCE) for _ in texts]
    assert [(event["Text"], event["Last"]) for event in events] == [(text, "") for text in texts]
    await ami.close()
    await peer.close()
