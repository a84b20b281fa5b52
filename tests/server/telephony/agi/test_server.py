"""A call as its handler sees it: the caller, commands, and every form of reply."""

from __future__ import annotations

import asyncio

import pytest

from server.telephony.agi.server import AgiCall, AgiHangup, AgiRefused, AgiReply, Recorded

# The caller


async def test_a_call_knows_who_calls_whom_and_what_the_dialplan_asked_for(line):
    async def talk(call: AgiCall) -> AgiCall:
        return call

    call, _ = await line.one_call(talk)
    assert call.script == "hotline"
    assert (call.channel, call.unique_id) == ("PJSIP/trunk-00000001", "1763772000.1")
    assert (call.caller, call.called) == ("13800001111", "4008001234")
    assert call.env["calleridname"] == "张三"
    assert call.arguments == ("one", "two words")


async def test_a_withheld_number_is_empty_and_a_missing_dnid_falls_back_on_the_extension(line):
    async def talk(call: AgiCall) -> tuple[str, str]:
        return call.caller, call.called

    line.listen(talk)
    withheld = line.header.replace(b"callerid: 13800001111", b"callerid: unknown")
    called = withheld.replace(b"dnid: 4008001234", b"dnid: unknown").replace(
        b"extension: 4008001234", b"extension: *45"
    )
    await line.dial(called)
    assert await line.result() == ("", "*45")


# Commands and replies


async def test_arguments_reach_asterisk_exactly_as_they_were_given(line):
    async def talk(call: AgiCall) -> None:
        await call.set_variable("NOTE", 'says "hi" \\ and goes\tto 北京')

    _, commands = await line.one_call(talk, b"200 result=1\n")
    assert commands == ['SET VARIABLE "NOTE" "says \\"hi\\" \\\\ and goes\tto 北京"']


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "x" * 3000, "\ud800"])
async def test_what_agi_cannot_carry_is_refused_before_it_is_sent(line, value):
    async def talk(call: AgiCall) -> str | None:
        with pytest.raises(ValueError):  # noqa: PT011
            await call.set_variable("X", value)
        return await call.get_variable("X")

    result, commands = await line.one_call(talk, b"200 result=0\n")
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

    result, _ = await line.one_call(talk, reply, b"200 result=7\n")
    assert result == (seen, AgiReply(200, "7"), False)


async def test_a_usage_text_of_many_lines_is_one_refusal(line):
    async def talk(call: AgiCall) -> tuple:
        with pytest.raises(AgiRefused) as refused:
            await call.command("STREAM FILE")
        return refused.value.code, refused.value.text, (await call.command("NOOP")).result

    usage = b"520-Invalid command syntax.  Proper usage follows:\nUsage: STREAM FILE\n\n Plays.\n520 End of usage.\n"
    (code, text, after), _ = await line.one_call(talk, usage, b"200 result=0\n")
    assert (code, after) == (520, "0")
    assert "Usage: STREAM FILE" in text


async def test_an_unknown_command_is_refused_and_the_session_goes_on(line):
    async def talk(call: AgiCall) -> str | None:
        with pytest.raises(AgiRefused, match="510 Invalid or unknown command"):
            await call.command("DANCE")
        return await call.get_variable("X")

    result, _ = await line.one_call(talk, b"510 Invalid or unknown command\n", b"200 result=1 (y)\n")
    assert result == "y"


async def test_a_missing_application_is_refused_by_name(line):
    async def talk(call: AgiCall) -> None:
        await call.execute("Dail", "PJSIP/1001", 20)

    result, commands = await line.one_call(talk, b"200 result=-2\n")
    assert isinstance(result, AgiRefused)
    assert "no application Dail" in str(result)
    assert commands == ['EXEC "Dail" "PJSIP/1001,20"']


async def test_the_usage_text_that_asterisk_appends_to_an_applications_result_1_is_swallowed(line):
    async def talk(call: AgiCall) -> tuple:
        return await call.execute("Odd"), await call.get_variable("X")

    odd = b"200 result=1\n520-Invalid command syntax.  Proper usage follows:\nUsage: EXEC\n520 End of proper usage.\n"
    result, _ = await line.one_call(talk, odd, b"200 result=1 (y)\n")
    assert result == ("1", "y")


async def test_an_application_that_wants_the_call_ended_on_a_live_channel_gives_minus_one(line):
    async def talk(call: AgiCall) -> str:
        return await call.execute("Dial", "PJSIP/1001")

    result, commands = await line.one_call(talk, b"200 result=-1\n", b"200 result=0\n")
    assert result == "-1"
    assert commands[1] == "NOOP"


async def test_a_digit_that_breaks_a_prompt_off_is_told_and_silence_is_none(line):
    async def talk(call: AgiCall) -> tuple:
        return await call.stream_file("menu", "12"), await call.stream_file("menu"), await call.wait_for_digit(500)

    result, commands = await line.one_call(
        talk, b"200 result=49 endpos=1\n", b"200 result=0 endpos=2\n", b"200 result=42\n"
    )
    assert result == ("1", None, "*")
    assert commands == ['STREAM FILE "menu" "12"', 'STREAM FILE "menu" ""', 'WAIT FOR DIGIT "500"']


async def test_a_missing_sound_file_is_a_refusal_and_no_hangup(line):
    async def talk(call: AgiCall) -> None:
        await call.stream_file("nowhere")

    result, _ = await line.one_call(talk, b"200 result=-1 endpos=0\n", b"200 result=0\n")
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

    result, commands = await line.one_call(talk, reply)
    assert result == seen
    assert commands == ['RECORD FILE "/tmp/m" "wav" "#" "60000" "BEEP" "s=3"']


async def test_an_expression_is_read_whole_and_a_variable_by_name(line):
    async def talk(call: AgiCall) -> tuple:
        return await call.get_variable("CHANNEL(language)"), await call.get_variable("${A}-${B}")

    result, commands = await line.one_call(talk, b"200 result=1 (zh)\n", b"200 result=1 (1-2)\n")
    assert result == ("zh", "1-2")
    assert commands == ['GET VARIABLE "CHANNEL(language)"', 'GET FULL VARIABLE "${A}-${B}"']


async def test_music_for_after_an_application_is_sent_while_it_runs_and_holds_up_no_other_command(line):
    async def talk(call: AgiCall) -> tuple[str, str | None]:
        return await call.execute("Dial", "PJSIP/1001", 20, music_after="later"), await call.get_variable("DIALSTATUS")

    line.listen(talk)
    peer = await line.dial()
    assert [await peer.heard(), await peer.heard()] == ['EXEC "Dial" "PJSIP/1001,20"', 'SET MUSIC "on" "later"']
    peer.say(b"200 result=0\n")
    # Asterisk may look at the music only when the next command comes.
    assert await peer.heard() == 'GET VARIABLE "DIALSTATUS"'
    peer.say(b"200 result=0\n200 result=1 (ANSWER)\n")
    assert await line.result() == ("0", "ANSWER")


async def test_the_next_command_waits_until_asterisk_has_looked_at_what_was_sent_ahead(line):
    async def talk(call: AgiCall) -> str | None:
        await call.execute("Dial", "PJSIP/1001", 20, music_after="later")
        return await call.get_variable("DIALSTATUS")

    line.listen(talk)
    peer = await line.dial()
    assert [await peer.heard(), await peer.heard()] == ['EXEC "Dial" "PJSIP/1001,20"', 'SET MUSIC "on" "later"']
    peer.say(b"200 result=0\n")
    command = asyncio.ensure_future(peer.heard())
    await asyncio.wait({command}, timeout=0.1)
    assert not command.done()
    peer.say(b"200 result=0\n")
    assert await command == 'GET VARIABLE "DIALSTATUS"'
    peer.say(b"200 result=1 (ANSWER)\n")
    assert await line.result() == "ANSWER"


async def test_no_music_is_sent_for_an_application_that_is_over_at_once(line):
    async def talk(call: AgiCall) -> None:
        await call.execute("Dial", "PJSIP/1001", 20, music_after="later")
        await call.wait_for_digit(300)

    _, commands = await line.one_call(talk, b"200 result=0\n", b"200 result=0\n")
    assert commands == ['EXEC "Dial" "PJSIP/1001,20"', 'WAIT FOR DIGIT "300"']
