"""The AMI link against a peer that speaks Asterisk's side over a real socket: what it gives, what it survives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.telephony.ami.link import Ami, AmiEvent, AmiFailed, AmiLost, AmiTimeout, LinkState
from server.telephony.tokens import VARIABLE, ChannelTokens

WIRE = Path(__file__).parent / "wire"
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
PATIENCE = 5.0


class Asterisk:
    """A manager interface that says what the test says."""

    def __init__(self) -> None:
        self.connections: asyncio.Queue[Session] = asyncio.Queue()
        self.greeting = GREETING
        self.login = "Success"
        self.sessions: list[Session] = []

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer)
        self.sessions.append(session)
        writer.write(self.greeting)
        if self.login:
            action = await session.heard()
            session.answer(action, f"Response: {self.login}", "Message: Authentication said so")
        self.connections.put_nowait(session)

    async def session(self) -> Session:
        return await asyncio.wait_for(self.connections.get(), PATIENCE)

    async def close(self) -> None:
        self.server.close()
        for session in self.sessions:
            session.writer.close()


class Session:
    """Asterisk's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def heard(self) -> dict[str, str]:
        """The next action; repeated headers joined by commas."""
        block = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        found: dict[str, str] = {}
        for line in block.strip().split("\r\n"):
            name, value = line.split(": ", 1)
            found[name] = f"{found[name]},{value}" if name in found else value
        return found

    def say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())

    def answer(self, action: dict[str, str], *lines: str) -> None:
        self.say(*lines, f"ActionID: {action['ActionID']}")


@pytest.fixture
async def asterisk() -> AsyncIterator[Asterisk]:
    asterisk = Asterisk()
    await asterisk.listen()
    yield asterisk
    await asterisk.close()


@pytest.fixture
async def link(asterisk):
    """Make links to the peer; all are closed at the end."""
    links = []

    def make(**options) -> Ami:
        options = {"first_wait": 0.01, "longest_wait": 0.05, "ping_every": 60.0, "action_timeout": 1.0} | options
        ami = Ami("127.0.0.1", asterisk.port, "sansheng", "secret", **options)
        links.append(ami)
        return ami

    yield make
    for ami in links:
        await ami.close()


async def _up(asterisk: Asterisk, ami: Ami) -> Session:
    ami.start()
    await ami.up(PATIENCE)
    return await asterisk.session()


async def _becomes(ami: Ami, *states: LinkState) -> str:
    """Wait until the link has one of these states; why."""
    changed = asyncio.Event()
    stop = ami.on_state(lambda *_: changed.set())
    async with asyncio.timeout(PATIENCE):
        while ami.state not in states:
            changed.clear()
            await changed.wait()
    stop()
    return ami.why


class Heard:
    """A subscriber that keeps what it was told."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[AmiEvent] = asyncio.Queue()

    def __call__(self, event: AmiEvent) -> None:
        self.events.put_nowait(event)

    async def next(self) -> AmiEvent:
        return await asyncio.wait_for(self.events.get(), PATIENCE)


# Actions


async def test_an_action_is_answered_with_the_headers_of_its_reply(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(
        ami.action("Originate", Channel="PJSIP/1001", Async=True, Variable=["A=1", "B=2"], CallerID=None)
    )
    heard = await session.heard()
    assert (heard["Action"], heard["Channel"], heard["Async"]) == ("Originate", "PJSIP/1001", "true")
    assert heard["Variable"] == "A=1,B=2"
    assert "CallerID" not in heard
    session.answer(heard, "Response: Success", "Message: Originate successfully queued")
    reply = await asking
    assert reply["message"] == "Originate successfully queued"
    assert reply.get("Nothing") is None


async def test_the_output_of_a_command_is_given_line_by_line(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.action("Command", Command="core show uptime"))
    heard = await session.heard()
    session.answer(
        heard, "Response: Success", "Message: Command output follows", "Output: one", "Output: ", "Output: b: c"
    )
    assert (await asking).all("Output") == ["one", "", "b: c"]


async def test_an_originate_without_async_does_not_drop_the_link(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.action("Originate", Channel="PJSIP/1001", Application="Wait", Data="1"))
    session.answer(await session.heard(), "Response: Success", "Message: Originate successfully queued")
    assert (await asking).success
    assert ami.is_up


async def test_a_refused_action_says_what_asterisk_said(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.action("Hangup", Channel="PJSIP/none"))
    session.answer(await session.heard(), "Response: Error", "Message: No such channel")
    with pytest.raises(AmiFailed, match="Asterisk refused Hangup: No such channel"):
        await asking


async def test_answers_find_their_actions_in_any_order(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = [asyncio.create_task(ami.action("Getvar", Variable=name)) for name in "AB"]
    first, second = await session.heard(), await session.heard()
    for heard in (second, first):
        session.answer(heard, "Response: Success", f"Value: {heard['Variable']}!")
    assert [reply["Value"] for reply in await asyncio.gather(*asking)] == ["A!", "B!"]


@pytest.mark.parametrize("value", ["x\r\nAction: Originate", "x\ny", "x\ry", "x\0y", "\ud800", "x" * 1100])
async def test_a_value_cannot_bring_headers_of_its_own(asterisk, link, value):
    ami = link()
    await _up(asterisk, ami)
    with pytest.raises(ValueError, match=r"cannot hold|surrogates|too long"):
        await ami.action("Setvar", Variable="A", Value=value)
    with pytest.raises(ValueError, match=r"cannot hold|surrogates|too long"):
        await ami.action("Originate", Variable=["A=1", value])


@pytest.mark.parametrize("name", ["X\r\nAction", "X: y", "", "X Y"])
async def test_a_name_cannot_bring_headers_of_its_own(asterisk, link, name):
    ami = link()
    await _up(asterisk, ami)
    with pytest.raises(ValueError, match="is no name"):
        await ami.action("Setvar", **{name: "1"})
    with pytest.raises(ValueError, match="is no name"):
        await ami.action(name or "\n")


async def test_an_action_that_is_not_answered_ends_at_its_deadline_and_leaves_nothing(asterisk, link):
    ami = link(action_timeout=0.05)
    session = await _up(asterisk, ami)
    with pytest.raises(AmiTimeout, match=r"Getvar: Asterisk did not answer in 0\.05 s"):
        await ami.action("Getvar", Variable="A")
    assert ami._protocol.responses == {}
    late = await session.heard()
    asking = asyncio.create_task(ami.action("Getvar", Variable="B"))
    session.answer(late, "Response: Success", "Value: too late")
    session.answer(await session.heard(), "Response: Success", "Value: b")
    assert (await asking)["Value"] == "b"


async def test_an_action_that_is_cancelled_leaves_nothing(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.action("Getvar", Variable="A"))
    await session.heard()
    asking.cancel()
    await asyncio.wait({asking})
    assert ami._protocol.responses == {}


async def test_an_action_while_the_link_is_down_fails_at_once_and_is_not_kept(asterisk, link):
    ami = link()
    with pytest.raises(AmiLost, match="the AMI link is down: the link was not started"):
        await ami.action("Originate", Channel="PJSIP/1001")
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.action("Ping"))
    assert (await session.heard())["Action"] == "Ping"
    asking.cancel()


# Lists


async def test_a_list_is_collected_whole(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.collect("CoreShowChannels"))
    heard = await session.heard()
    session.answer(heard, "Response: Success", "EventList: start", "Message: Channels will follow")
    for name in ("PJSIP/a-1", "PJSIP/b-2"):
        session.answer(heard, "Event: CoreShowChannel", f"Channel: {name}")
        session.say("Event: Hangup", "Channel: PJSIP/else")
    session.answer(heard, "Event: CoreShowChannelsComplete", "EventList: Complete", "ListItems: 2")
    assert [event["Channel"] for event in await asking] == ["PJSIP/a-1", "PJSIP/b-2"]


async def test_a_list_with_nothing_in_it_is_empty_whichever_way_asterisk_says_so(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.collect("PJSIPShowContacts"))
    session.answer(await session.heard(), "Response: Error", "Message: No Contacts found")
    assert await asking == []
    asking = asyncio.create_task(ami.collect("CoreShowChannels"))
    heard = await session.heard()
    session.answer(heard, "Response: Success", "EventList: start")
    session.answer(heard, "Event: CoreShowChannelsComplete", "EventList: Complete", "ListItems: 0")
    assert await asking == []


async def test_a_refused_list_fails_at_once(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.collect("CoreShowChannels"))
    session.answer(await session.heard(), "Response: Error", "Message: Permission denied")
    with pytest.raises(AmiFailed, match="Permission denied"):
        await asking


async def test_a_list_from_an_action_that_has_none_is_told(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.collect("Ping"))
    session.answer(await session.heard(), "Response: Success", "Ping: Pong")
    with pytest.raises(AmiFailed, match="no list came"):
        await asking


async def test_a_half_received_list_ends_at_its_deadline_and_its_rest_is_no_news(asterisk, link):
    ami = link(action_timeout=0.05)
    session = await _up(asterisk, ami)
    heard_events = Heard()
    ami.subscribe("*", heard_events)
    with pytest.raises(AmiTimeout):
        await ami.collect("CoreShowChannels")
    heard = await session.heard()
    session.answer(heard, "Event: CoreShowChannel", "Channel: PJSIP/late")
    session.say("Event: Hangup", "Channel: PJSIP/real")
    assert (await heard_events.next())["Channel"] == "PJSIP/real"


async def test_a_half_received_list_ends_when_the_link_is_lost(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.collect("CoreShowChannels"))
    heard = await session.heard()
    session.answer(heard, "Response: Success", "EventList: start")
    session.answer(heard, "Event: CoreShowChannel", "Channel: PJSIP/a-1")
    session.writer.close()
    with pytest.raises(AmiLost, match="CoreShowChannels: Asterisk closed the connection"):
        await asking


# Events


async def test_events_come_by_name_in_order_with_headers_in_any_case(asterisk, link):
    ami = link()
    digits, everything = Heard(), Heard()
    ami.subscribe("DTMFEnd", digits)
    stop = ami.subscribe("*", everything)
    session = await _up(asterisk, ami)
    session.writer.write((WIRE / "ami_events.txt").read_bytes().replace(b"\n", b"\r\n"))
    assert [(await digits.next())["digit"] for _ in range(2)] == ["1", "5"]
    names = [(await everything.next()).name for _ in range(5)]
    assert names == ["FullyBooted", "DTMFEnd", "Newchannel", "DTMFEnd", "Hangup"]
    stop()
    session.say("Event: DTMFEnd", "Digit: 9")
    assert (await digits.next())["Digit"] == "9"
    assert everything.events.empty()


async def test_an_event_that_an_action_caused_is_news_and_not_its_answer(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    outcome = Heard()
    ami.subscribe("OriginateResponse", outcome)
    asking = asyncio.create_task(ami.action("Originate", Channel="PJSIP/1001", Async=True))
    heard = await session.heard()
    session.answer(heard, "Event: OriginateResponse", "Response: Failure", "Reason: 5")
    session.answer(heard, "Response: Success", "Message: Originate successfully queued")
    assert (await asking).text == "Originate successfully queued"
    assert (await outcome.next())["Reason"] == "5"


async def test_text_that_is_cut_in_the_middle_of_a_character_is_whole(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    heard = Heard()
    ami.subscribe("Newchannel", heard)
    for byte in "Event: Newchannel\r\nCallerIDName: 投诉热线 三声\r\n\r\n".encode():
        session.writer.write(bytes([byte]))
        await session.writer.drain()
    assert (await heard.next())["CallerIDName"] == "投诉热线 三声"


async def test_a_subscriber_that_raises_costs_neither_events_nor_the_link(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    heard = Heard()

    def failing(event: AmiEvent) -> None:
        raise RuntimeError("a mistake of ours")

    ami.subscribe("Hangup", failing)
    ami.subscribe("Hangup", heard)
    with capture_logs() as logs:
        for cause in ("16", "17"):
            session.say("Event: Hangup", f"Cause: {cause}")
        assert [(await heard.next())["Cause"] for _ in range(2)] == ["16", "17"]
    assert [entry["ami_event"] for entry in logs if entry["log_level"] == "error"] == ["Hangup", "Hangup"]
    assert ami.is_up


async def test_when_subscribers_fall_behind_reading_waits_the_link_says_so_and_nothing_is_lost(asterisk, link):
    ami = link(backlog=50)
    session = await _up(asterisk, ami)
    seen: list[int] = []
    said: set[str] = set()
    changes: list[LinkState] = []
    done = asyncio.Event()

    def count(event: AmiEvent) -> None:
        seen.append(int(event["N"]))
        said.add(ami.why)
        if len(seen) == 5_000:
            done.set()

    ami.subscribe("Tick", count)
    ami.on_state(lambda state, _: changes.append(state))
    session.writer.write(b"".join(b"Event: Tick\r\nN: %d\r\n\r\n" % n for n in range(5_000)))
    await asyncio.wait_for(done.wait(), PATIENCE)
    assert seen == list(range(5_000))
    assert any(why.endswith("events wait for their subscribers: reading waits for them") for why in said)
    assert ami.holds > 0
    assert changes == []
    asking = asyncio.create_task(ami.action("Ping"))
    session.answer(await session.heard(), "Response: Success")
    await asking
    assert ami.why.startswith("subscribers have caught up")
    assert ami.backlog == 0


async def test_what_happened_before_the_link_went_down_is_told_before_that(asterisk, link):
    ami = link()
    session = await _up(asterisk, ami)
    order: list[str] = []
    ami.subscribe("Hangup", lambda event: order.append(event["N"]))
    ami.on_state(lambda state, _: order.append(state))
    for n in range(300):
        session.say("Event: Hangup", f"N: {n}")
    session.writer.close()
    await _becomes(ami, LinkState.DOWN)
    assert order[:301] == [*map(str, range(300)), "down"]


# Which events are believed

GENUINE = ChannelTokens("the channels' secret")


def _hangup(unique_id: str, value: str, *more: str) -> tuple[str, ...]:
    return ("Event: Hangup", f"Uniqueid: {unique_id}", f"ChanVariable: {VARIABLE}={value}", *more)


async def test_an_event_is_believed_only_with_the_token_of_its_channel(asterisk, link):
    ami = link(tokens=GENUINE)
    heard = Heard()
    ami.subscribe("*", heard)
    session = await _up(asterisk, ami)
    genuine = GENUINE.value("one-1.1")
    session.say("Event: Hangup", "Uniqueid: one-1.1")
    session.say(*_hangup("one-1.1", ""))
    session.say(*_hangup("one-1.1", genuine.replace("one-1.1", "one-1.2")))
    session.say(*_hangup("one-1.1", ChannelTokens("another").value("one-1.1")))
    session.say("Event: DialBegin", "Uniqueid: one-1.1", f"ChanVariable: {VARIABLE}={genuine}", "DestUniqueid: one-1.2")
    session.say(*_hangup("one-1.1", genuine))
    session.say("Event: ContactStatus", "EndpointName: 1001")
    assert [(await heard.next()).name for _ in range(2)] == ["Hangup", "ContactStatus"]
    assert ami.refused == 5


@pytest.mark.parametrize(
    "lines",
    [
        ("Event: Hangup", "Uniqueid: one-1.1", "Uniqueid: one-1.2"),
        ("Event: Hangup", "no header at all", "Uniqueid: one-1.1"),
        ("Uniqueid: one-1.1", "Cause: 16"),
        ("Event: Hangup", "Uniqueid: one-1.1", "X: a\nY: b"),
    ],
)
async def test_an_event_that_is_not_framed_as_asterisks_is_left_out_and_counted(asterisk, link, lines):
    ami = link()
    heard = Heard()
    ami.subscribe("*", heard)
    session = await _up(asterisk, ami)
    session.say(*lines)
    session.say("Event: DTMFEnd", "Digit: 1")
    assert (await heard.next()).name == "DTMFEnd"
    assert ami.refused == 1


async def test_a_channel_that_is_opened_here_gets_a_token_of_its_own(asterisk, link):
    ami = link(tokens=GENUINE)
    session = await _up(asterisk, ami)
    opening = asyncio.create_task(ami.originate("origin-1", variables=["__X=1"], Channel="Local/s@callback-line"))
    action = await session.heard()
    session.answer(action, "Response: Success")
    await opening
    assert action["Variable"] == f"__{VARIABLE}={GENUINE.value('origin-1')},__X=1"
    assert action["ChannelId"] == "origin-1"


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        (("Response: Success", f"Value: {GENUINE.value('one-1.1')}"), True),
        (("Response: Success", "Value: "), False),
        (("Response: Error", "Message: No such channel"), False),
    ],
)
async def test_asterisk_is_asked_whether_it_has_a_channel(asterisk, link, answer, there):
    ami = link(tokens=GENUINE)
    session = await _up(asterisk, ami)
    asking = asyncio.create_task(ami.has_channel("PJSIP/trunk-1"))
    session.answer(await session.heard(), *answer)
    assert await asking is there
