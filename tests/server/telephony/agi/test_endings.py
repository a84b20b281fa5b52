"""How commands wait for each other, how sessions end, and how the server does."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from server.telephony.agi.server import AgiCall, AgiDead, AgiGone, AgiHangup, AgiProtocolError

PATIENCE = 5.0

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

    result, commands = await line.one_call(
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

    result, commands = await line.one_call(
        talk, b"511 Command Not Permitted on a dead channel or intercept routine\nHANGUP\n", b"200 result=0\n"
    )
    assert result is None
    assert commands == ["HANGUP", 'GET VARIABLE "X"']


async def test_a_reply_of_minus_one_before_the_hangup_line_is_a_hangup_too(line):
    async def talk(call: AgiCall) -> None:
        await call.wait_for_digit(1000)

    result, commands = await line.one_call(talk, b"200 result=-1\n", b"HANGUP\n200 result=0\n")
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

    result, _ = await line.one_call(talk, b"200 result=4711\n")
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
