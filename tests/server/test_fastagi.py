"""What a handler sees of a call, against a peer that speaks Asterisk's side of FastAGI over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.telephony.fastagi import (
    AgiCall,
    AgiDead,
    AgiFactory,
    AgiGone,
    AgiHangup,
    AgiProtocolError,
    AgiRefused,
    AgiReply,
    Recorded,
)

HEADER = (Path(__file__).parent / "wire" / "agi_header.txt").read_bytes()
PATIENCE = 5.0


class Peer:
    """Asterisk's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def heard(self) -> str:
        return (await asyncio.wait_for(self.reader.readline(), PATIENCE)).decode().rstrip("\n")

    async def answer(self, *replies: bytes) -> list[str]:
        """Hear one command for each reply and answer it; the commands."""
        commands = []
        for reply in replies:
            commands.append(await self.heard())
            self.say(reply)
        return commands

    async def closed(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE) == b""
        except ConnectionResetError:
            return True


class Line:
    """A factory that listens, and everything the test wants to know of its handlers."""

    def __init__(self, reactor) -> None:
        self.reactor = reactor
        self.results: asyncio.Queue = asyncio.Queue()
        self.peers: list[Peer] = []
        self.talking = asyncio.Event()

    def listen(self, talk: Callable[[AgiCall], Awaitable[object]], **limits: float) -> None:
        async def handler(call: AgiCall) -> None:
            self.talking.set()
            try:
                result: object = await talk(call)
            except BaseException as problem:
                self.results.put_nowait(problem)
                raise
            self.results.put_nowait(result)

        self.factory = AgiFactory(handler, **limits)
        self.port = self.reactor.listenTCP(0, self.factory, interface="127.0.0.1").getHost().port

    async def dial(self, first: bytes = HEADER) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        peer.say(first)
        self.peers.append(peer)
        return peer

    async def began(self) -> None:
        await asyncio.wait_for(self.talking.wait(), PATIENCE)

    async def result(self) -> object:
        return await asyncio.wait_for(self.results.get(), PATIENCE)


@pytest.fixture
async def line(reactor) -> AsyncIterator[Line]:
    line = Line(reactor)
    yield line
    await line.factory.close()
    for peer in line.peers:
        peer.writer.close()


async def one_call(line: Line, talk: Callable[[AgiCall], Awaitable[object]], *replies: bytes) -> tuple[object, list]:
    """Run `talk` against the replies; its result (or what it raised) and the commands that Asterisk heard."""
    line.listen(talk)
    peer = await line.dial()
    commands = await peer.answer(*replies)
    return await line.result(), commands


# Who calls


async def test_a_call_knows_who_calls_whom_and_what_the_dialplan_asked_for(line):
    async def talk(call: AgiCall) -> AgiCall:
        return call

    call, _ = await one_call(line, talk)
    assert (call.script, dict(call.query)) == ("hotline", {"lang": "zh", "call": "12"})
    assert (call.channel, call.unique_id) == ("PJSIP/trunk-00000001", "1763772000.1")
    assert (call.caller, call.called) == ("13800001111", "4008001234")
    assert call.env["calleridname"] == "张三"
    assert call.arguments == ("one", "two words")


async def test_a_withheld_number_is_empty_and_a_missing_dnid_falls_back_on_the_extension(line):
    async def talk(call: AgiCall) -> tuple[str, str]:
        return call.caller, call.called

    line.listen(talk)
    withheld = HEADER.replace(b"callerid: 13800001111", b"callerid: unknown").replace(
        b"dnid: 4008001234", b"dnid: unknown"
    )
    await line.dial(withheld)
    assert await line.result() == ("", "4008001234")


# Commands and replies


async def test_arguments_reach_asterisk_exactly_as_they_were_given(line):
    async def talk(call: AgiCall) -> None:
        await call.set_variable("NOTE", 'says "hi" \\ and goes\tto 北京')

    _, commands = await one_call(line, talk, b"200 result=1\n")
    assert commands == ['SET VARIABLE "NOTE" "says \\"hi\\" \\\\ and goes\tto 北京"']


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "x" * 3000, "\ud800"])
async def test_what_agi_cannot_carry_is_refused_before_it_is_sent(line, value):
    async def talk(call: AgiCall) -> str | None:
        with pytest.raises(ValueError):  # noqa: PT011
            await call.set_variable("X", value)
        return await call.get_variable("X")

    result, commands = await one_call(line, talk, b"200 result=0\n")
    assert result is None
    assert commands == ['GET VARIABLE "X"']


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (b"200 result=0\n", AgiReply(200, "0")),
        (b"200 result=1 (a (b) c)\n", AgiReply(200, "1", "a (b) c")),
        (b"200 result=12 (timeout)\n", AgiReply(200, "12", "timeout")),
        (b"200 result= (timeout)\n", AgiReply(200, "", "timeout")),
        (b"200 result=49 endpos=16000\n", AgiReply(200, "49", "", 16000)),
        (b"200 result=-1 (hangup) endpos=8000\n", AgiReply(200, "-1", "hangup", 8000)),
        (b"100 result=0 Trying...\n200 result=0 Gosub complete\n", AgiReply(200, "0")),
        (b"200 result=1 (one\ntwo\nthree)\n", AgiReply(200, "1", "one\ntwo\nthree")),
        (b"200 result=1 (HANG\nHANGUP\nUP)\n", AgiReply(200, "1", "HANG\nHANGUP\nUP")),
        (b"200 result=1 (\xff\xfe)\n", AgiReply(200, "1", "\ufffd\ufffd")),
    ],
)
async def test_every_form_of_reply_is_understood(line, reply, seen):
    async def talk(call: AgiCall) -> tuple:
        return await call.command("NOOP"), await call.command("NOOP"), call.hung_up

    result, _ = await one_call(line, talk, reply, b"200 result=7\n")
    assert result == (seen, AgiReply(200, "7"), False)


async def test_a_usage_text_of_many_lines_is_one_refusal(line):
    async def talk(call: AgiCall) -> tuple:
        with pytest.raises(AgiRefused) as refused:
            await call.command("STREAM FILE")
        return refused.value.code, refused.value.text, (await call.command("NOOP")).result

    usage = b"520-Invalid command syntax.  Proper usage follows:\nUsage: STREAM FILE\n\n Plays.\n520 End of usage.\n"
    (code, text, after), _ = await one_call(line, talk, usage, b"200 result=0\n")
    assert (code, after) == (520, "0")
    assert "Usage: STREAM FILE" in text


async def test_an_unknown_command_is_refused_and_the_session_goes_on(line):
    async def talk(call: AgiCall) -> str | None:
        with pytest.raises(AgiRefused, match="510 Invalid or unknown command"):
            await call.command("DANCE")
        return await call.get_variable("X")

    result, _ = await one_call(line, talk, b"510 Invalid or unknown command\n", b"200 result=1 (y)\n")
    assert result == "y"


async def test_a_missing_application_is_refused_by_name(line):
    async def talk(call: AgiCall) -> None:
        await call.execute("Dail", "PJSIP/1001", 20)

    result, commands = await one_call(line, talk, b"200 result=-2\n")
    assert isinstance(result, AgiRefused)
    assert "no application Dail" in str(result)
    assert commands == ['EXEC "Dail" "PJSIP/1001,20"']


async def test_the_usage_text_that_asterisk_appends_to_an_applications_result_1_is_swallowed(line):
    async def talk(call: AgiCall) -> tuple:
        return await call.execute("Odd"), await call.get_variable("X")

    odd = b"200 result=1\n520-Invalid command syntax.  Proper usage follows:\nUsage: EXEC\n520 End of proper usage.\n"
    result, _ = await one_call(line, talk, odd, b"200 result=1 (y)\n")
    assert result == ("1", "y")


async def test_an_application_that_wants_the_call_ended_on_a_live_channel_gives_minus_one(line):
    async def talk(call: AgiCall) -> str:
        return await call.execute("Dial", "PJSIP/1001")

    result, commands = await one_call(line, talk, b"200 result=-1\n", b"200 result=0\n")
    assert result == "-1"
    assert commands[1] == "NOOP"


async def test_a_digit_that_breaks_a_prompt_off_is_told_and_silence_is_none(line):
    async def talk(call: AgiCall) -> tuple:
        return await call.stream_file("menu", "12"), await call.stream_file("menu"), await call.wait_for_digit(500)

    result, commands = await one_call(
        line, talk, b"200 result=49 endpos=1\n", b"200 result=0 endpos=2\n", b"200 result=42\n"
    )
    assert result == ("1", None, "*")
    assert commands == ['STREAM FILE "menu" "12"', 'STREAM FILE "menu" ""', 'WAIT FOR DIGIT "500"']


async def test_a_missing_sound_file_is_a_refusal_and_no_hangup(line):
    async def talk(call: AgiCall) -> None:
        await call.stream_file("nowhere")

    result, _ = await one_call(line, talk, b"200 result=-1 endpos=0\n", b"200 result=0\n")
    assert isinstance(result, AgiRefused)
    assert not isinstance(result, AgiHangup)
    assert "nowhere" in str(result)


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (b"200 result=35 (dtmf) endpos=8000\n", Recorded("digit", "#", 8000)),
        (b"200 result=0 (timeout) endpos=16000\n", Recorded("time", None, 16000)),
        (b"200 result=-1 (hangup) endpos=4000\n", Recorded("hangup", None, 4000)),
    ],
)
async def test_a_message_may_end_by_a_key_by_time_or_by_hanging_up(line, reply, seen):
    async def talk(call: AgiCall) -> Recorded:
        return await call.record_file("/tmp/m", limit_ms=60_000, silence=3, beep=True)

    result, commands = await one_call(line, talk, reply)
    assert result == seen
    assert commands == ['RECORD FILE "/tmp/m" "wav" "#" "60000" "BEEP" "s=3"']


async def test_an_expression_is_read_whole_and_a_variable_by_name(line):
    async def talk(call: AgiCall) -> tuple:
        return await call.get_variable("CHANNEL(language)"), await call.get_variable("${A}-${B}")

    result, commands = await one_call(line, talk, b"200 result=1 (zh)\n", b"200 result=1 (1-2)\n")
    assert result == ("zh", "1-2")
    assert commands == ['GET VARIABLE "CHANNEL(language)"', 'GET FULL VARIABLE "${A}-${B}"']


# One at a time


async def test_a_second_command_waits_until_the_first_is_answered(line):
    async def talk(call: AgiCall) -> list[str]:
        return [reply.result for reply in await asyncio.gather(call.command("ANSWER"), call.command("NOOP"))]

    line.listen(talk)
    peer = await line.dial()
    assert await peer.heard() == "ANSWER"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(peer.reader.readline(), 0.05)
    peer.say(b"200 result=5\n")
    assert await peer.answer(b"200 result=6\n") == ["NOOP"]
    assert await line.result() == ["5", "6"]


async def test_a_command_nobody_waits_for_any_more_still_holds_the_next_one_back(line):
    given_up = asyncio.Event()

    async def talk(call: AgiCall) -> str | None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call.execute("Dial", "PJSIP/1001"), 0.01)
        given_up.set()
        return await call.get_variable("DIALSTATUS")

    line.listen(talk)
    peer = await line.dial()
    assert (await peer.heard()).startswith("EXEC")
    await asyncio.wait_for(given_up.wait(), PATIENCE)
    peer.say(b"200 result=0\n")
    assert await peer.answer(b"200 result=1 (ANSWER)\n") == ['GET VARIABLE "DIALSTATUS"']
    assert await line.result() == "ANSWER"


# Endings


async def test_hangup_between_a_command_and_its_reply_comes_with_the_reply_and_variables_still_work(line):
    async def talk(call: AgiCall) -> tuple:
        with pytest.raises(AgiHangup):
            await call.stream_file("menu", "1")
        await call.set_variable("SANSHENG_DONE", 1)
        with pytest.raises(AgiDead, match="511"):
            await call.wait_for_digit(100)
        return call.hung_up, call.closed, await call.get_variable("X")

    result, commands = await one_call(
        line,
        talk,
        b"HANGUP\n200 result=-1 endpos=99\nHANGUP\n",
        b"200 result=1\n",
        b"511 Command Not Permitted on a dead channel or intercept routine\n",
        b"200 result=1 (y)\n",
    )
    assert result == (True, False, "y")
    assert commands[1] == 'SET VARIABLE "SANSHENG_DONE" "1"'


async def test_hanging_up_a_caller_who_has_left_is_no_error(line):
    async def talk(call: AgiCall) -> str | None:
        await call.hangup()
        await call.wait_hangup()
        await call.hangup()
        return await call.get_variable("X")

    result, commands = await one_call(
        line, talk, b"511 Command Not Permitted on a dead channel or intercept routine\nHANGUP\n", b"200 result=0\n"
    )
    assert result is None
    assert commands == ["HANGUP", 'GET VARIABLE "X"']


async def test_a_reply_of_minus_one_before_the_hangup_line_is_a_hangup_too(line):
    async def talk(call: AgiCall) -> None:
        await call.wait_for_digit(1000)

    result, commands = await one_call(line, talk, b"200 result=-1\n", b"HANGUP\n200 result=0\n")
    assert isinstance(result, AgiHangup)
    assert commands[1] == "NOOP"


async def test_a_silent_session_is_told_at_once_when_the_caller_hangs_up(line):
    async def talk(call: AgiCall) -> tuple[bool, bool]:
        await call.wait_hangup()
        return call.hung_up, call.closed

    line.listen(talk)
    peer = await line.dial()
    peer.say(b"HANGUP\n")
    assert await line.result() == (True, False)
    assert await peer.closed()


async def test_a_lost_connection_ends_what_waits_and_what_comes_after(line):
    async def talk(call: AgiCall) -> tuple:
        with pytest.raises(AgiGone, match="was lost"):
            await call.execute("Dial", "PJSIP/1001")
        with pytest.raises(AgiGone):
            await call.get_variable("X")
        await call.wait_hangup()
        return call.hung_up, call.closed

    line.listen(talk)
    peer = await line.dial()
    await peer.heard()
    peer.writer.close()
    assert await line.result() == (False, True)


async def test_asterisk_that_closes_at_hangup_means_hangup_and_not_a_lost_link(line):
    async def talk(call: AgiCall) -> None:
        await call.stream_file("menu")

    line.listen(talk)
    peer = await line.dial()
    await peer.heard()
    peer.say(b"200 result=-1 endpos=5\nHANGUP\nHANGUP\n")
    peer.writer.close()
    assert isinstance(await line.result(), AgiHangup)


async def test_a_reply_that_is_none_ends_the_session(line):
    async def talk(call: AgiCall) -> None:
        await call.answer()

    line.listen(talk)
    peer = await line.dial()
    with capture_logs() as logs:
        await peer.answer(b"HTTP/1.1 400 Bad Request\n")
        result = await line.result()
    assert isinstance(result, AgiGone)
    assert "expected a reply" in str(result)
    assert any("HTTP/1.1" in str(entry.get("why")) for entry in logs)
    assert await peer.closed()


async def test_a_key_code_that_is_no_key_is_told_apart(line):
    async def talk(call: AgiCall) -> None:
        await call.wait_for_digit(100)

    result, _ = await one_call(line, talk, b"200 result=4711\n")
    assert isinstance(result, AgiProtocolError)


async def test_a_handler_that_fails_closes_its_own_connection_and_is_logged_with_its_call(line):
    async def talk(call: AgiCall) -> None:
        raise RuntimeError("a mistake of ours")

    line.listen(talk)
    with capture_logs() as logs:
        peer = await line.dial()
        assert await peer.closed()
    failure = next(entry for entry in logs if entry["log_level"] == "error")
    assert (failure["channel"], failure["unique_id"]) == ("PJSIP/trunk-00000001", "1763772000.1")
    assert line.factory.calls == frozenset()


# The server as a whole


async def test_draining_waits_for_live_calls_and_takes_no_new_ones(line):
    async def talk(call: AgiCall) -> str:
        await call.wait_hangup()
        return "ended"

    line.listen(talk)
    peer = await line.dial()
    await line.began()
    assert await line.factory.drain(0.01) == 1
    refused = await line.dial()
    assert await refused.closed()
    draining = asyncio.create_task(line.factory.drain(PATIENCE))
    peer.say(b"HANGUP\n")
    assert await draining == 0
    assert await line.result() == "ended"


async def test_closing_ends_handlers_and_connections(line):
    async def talk(call: AgiCall) -> None:
        await asyncio.Event().wait()

    line.listen(talk)
    peer = await line.dial()
    await line.began()
    await line.factory.close()
    assert isinstance(await line.result(), asyncio.CancelledError)
    assert await peer.closed()
    assert line.factory.calls == frozenset()
