"""A caller's keys and prompts: each key counts once, whichever of Asterisk's two streams tells it first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from server.telephony.agi.call import AgiCall, AgiHangup
from server.telephony.caller.audio import CallerAudio

PROMPTS = Path("/prompts")
PLAYED = b"200 result=0 endpos=8000\n"
FAILED = b"200 result=-1 endpos=0\n"


def pressed(digit: str) -> bytes:
    return f"200 result={ord(digit)} endpos=800\n".encode()


def talking(use: Callable[[CallerAudio], object], *, link_is_up: bool = True) -> Callable[[AgiCall], object]:
    async def talk(agi: AgiCall) -> object:
        return await use(CallerAudio(agi, PROMPTS, hears_digits=lambda: link_is_up))

    return talk


async def test_a_key_that_cuts_a_prompt_short_counts_once_though_both_streams_tell_it(line) -> None:
    async def use(caller: CallerAudio) -> tuple[str, str]:
        asyncio.get_running_loop().call_later(0.1, caller.digit, "1")
        first = await caller.gather(["menu"], max_digits=1)
        return first, await caller.gather(["more"], max_digits=1, first_timeout=0.05)

    result, commands = await line.one_call(talking(use), pressed("1"), PLAYED)
    assert result == ("1", "")
    assert commands == [
        'STREAM FILE "/prompts/zh/menu" "0123456789*#"',
        'STREAM FILE "/prompts/zh/more" "0123456789*#"',
    ]


async def test_a_key_that_the_link_tells_too_late_counts_once(line, monkeypatch) -> None:
    monkeypatch.setattr("server.telephony.caller.audio._DIGIT_LAG", 0.2)

    async def use(caller: CallerAudio) -> tuple[str, str]:
        first = await caller.gather(["menu"], max_digits=1)
        caller.digit("1")
        return first, await caller.gather(["more"], max_digits=1, first_timeout=0.05)

    result, _ = await line.one_call(talking(use), pressed("1"), PLAYED)
    assert result == ("1", "")


async def test_a_key_that_the_command_tells_too_late_counts_once_and_the_prompt_begins_again(line) -> None:
    async def use(caller: CallerAudio) -> tuple[str, str]:
        for digit in "139#":
            caller.digit(digit)
        first = await caller.gather([], max_digits=15)
        return first, await caller.gather(["number-invalid"], flush=True, first_timeout=0.05)

    result, commands = await line.one_call(talking(use), pressed("#"), PLAYED)
    assert result == ("139#", "")
    assert commands == ['STREAM FILE "/prompts/zh/number-invalid" "0123456789*#"'] * 2


async def test_a_key_that_is_pressed_twice_counts_twice_whichever_stream_tells_it_first(line) -> None:
    async def use(caller: CallerAudio) -> tuple[str, str]:
        caller.digit("1")
        first = await caller.gather([])
        asyncio.get_running_loop().call_later(0.1, caller.digit, "1")
        return first, await caller.gather(["menu"])

    result, commands = await line.one_call(talking(use), pressed("1"))
    assert result == ("1", "1")
    assert commands == ['STREAM FILE "/prompts/zh/menu" "0123456789*#"']


async def test_keys_come_from_the_command_alone_while_the_link_is_down(line) -> None:
    async def use(caller: CallerAudio) -> str:
        return await caller.gather(["menu"], max_digits=2, digit_timeout=0.2)

    result, commands = await line.one_call(talking(use, link_is_up=False), pressed("1"), b"200 result=52\n")
    assert result == "14"
    assert commands[1] == 'WAIT FOR DIGIT "200"'


async def test_keys_typed_ahead_pass_over_prompts_and_answer_one_question_each(line) -> None:
    async def use(caller: CallerAudio) -> tuple[bool, str, str]:
        caller.digit("1")
        caller.digit("4")
        heard = await caller.play(["welcome", "notice"])
        return heard, await caller.gather(["menu"]), await caller.gather(["category"])

    result, commands = await line.one_call(talking(use))
    assert result == (False, "1", "4")
    assert commands == []


async def test_a_question_that_flushes_forgets_what_was_typed_before(line) -> None:
    async def use(caller: CallerAudio) -> str:
        caller.digit("5")
        return await caller.gather(["survey"], flush=True, first_timeout=0.05)

    result, _ = await line.one_call(talking(use), PLAYED)
    assert result == ""


async def test_a_prompt_that_is_not_to_be_interrupted_is_played_to_its_end(line) -> None:
    async def use(caller: CallerAudio) -> str:
        caller.digit("1")
        return await caller.gather(["law"], interruptible=False)

    result, commands = await line.one_call(talking(use), PLAYED)
    assert result == "1"
    assert commands == ['STREAM FILE "/prompts/zh/law" ""']


async def test_a_number_ends_at_its_terminator_or_at_a_pause(line) -> None:
    async def use(caller: CallerAudio) -> tuple[str, str]:
        for digit in "139#22":
            caller.digit(digit)
        number = await caller.gather([], max_digits=15, digit_timeout=0.05)
        return number, await caller.gather([], max_digits=15, digit_timeout=0.05)

    result, _ = await line.one_call(talking(use))
    assert result == ("139#", "22")


async def test_a_prompt_that_is_missing_is_passed_over(line) -> None:
    async def use(caller: CallerAudio) -> bool:
        return await caller.play(["missing", "there"])

    result, commands = await line.one_call(talking(use), FAILED, b"200 result=0\n", PLAYED)
    assert result is True
    assert [command.split()[0] for command in commands] == ["STREAM", "NOOP", "STREAM"]


async def test_the_key_that_ended_a_recording_answers_nothing_else_however_late_it_is_told(line) -> None:
    async def use(caller: CallerAudio) -> tuple[bool, bool, str | None]:
        caller.spent("#")
        caller.digit("#")
        late = caller.typed
        caller.digit("#")
        again = caller.typed
        caller.spent("#")
        caller.digit("1")
        return late, again, caller.next_digit()

    result, _ = await line.one_call(talking(use))
    assert result == (False, True, "1")


async def test_what_was_keyed_when_the_caller_hung_up_is_known_and_answers_nothing(line) -> None:
    keyed: list[str] = []

    async def use(caller: CallerAudio) -> str:
        loop = asyncio.get_running_loop()
        for digit in "139":
            caller.digit(digit)
        loop.call_later(0.05, caller.agi._over.set)
        try:
            return await caller.gather([], max_digits=11)
        except AgiHangup:
            keyed.append(caller.keyed)
            return "hung up"

    result, _ = await line.one_call(talking(use))
    assert (result, keyed) == ("hung up", ["139"])


async def test_music_that_would_begin_by_itself_is_stopped_before_a_question_that_says_nothing(line) -> None:
    async def use(caller: CallerAudio) -> str:
        caller.quiet = False
        return await caller.gather([], first_timeout=0.05)

    _, commands = await line.one_call(talking(use), b"200 result=0\n")
    assert commands == ['SET MUSIC "off"']
