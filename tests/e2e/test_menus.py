"""The prompts that a caller hears on the way to the queue, and the effect of keys, as real sound and real digits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.e2e.hearing import heard, hears, now, said

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


async def test_a_caller_is_welcomed_told_of_the_recording_and_asked_what_it_is_about(hotline: Hotline) -> None:
    async with hotline.caller("13800130001") as phone:
        call = await phone.dial("4008001234")
        await hears(call, "menu-main", within=20)
        await call.hangup()
        spoken = ["welcome", "notice-recording", "language", "menu-main", "menu-complaint", "no-input", "goodbye"]
        assert await said(call, spoken) == spoken[:4]
        first = (await heard(call, ["welcome"]))[0]
        assert first.at < 1
    shown = await hotline.ended_call("13800130001")
    assert shown["outcome"] == "in_ivr"
    assert shown["queue"] is None
    assert shown["ended_at"] > shown["answered_at"] >= shown["offered_at"]


async def test_keys_count_before_they_are_asked_for(hotline: Hotline) -> None:
    async with hotline.caller("13800130002") as phone:
        call = await phone.dial("4008001234")
        await hears(call, "welcome")
        await call.press("14")
        row = await hotline.queued("13800130002")
        assert (row["queue"], row["category"]) == ("complaint", "attitude")
        assert not await said(call, ["menu-main", "menu-complaint"])
        await call.hangup()


@pytest.mark.parametrize(("via", "caller"), [("rfc2833", "13800130006"), ("info", "13800130007")])
async def test_keys_count_from_the_moment_of_the_answer(hotline: Hotline, via: str, caller: str) -> None:
    async with hotline.caller(caller) as phone:
        call = await phone.dial("4008001234")
        await call.answered()
        await call.press("12", via=via)
        row = await hotline.queued(caller)
        assert (row["queue"], row["category"]) == ("complaint", "system")
        await call.hangup()


async def test_a_key_cuts_a_prompt_short(hotline: Hotline) -> None:
    async with hotline.caller("13800135003") as phone:
        call = await phone.dial("4008001234")
        menu = await hears(call, "menu-main", within=20)
        await call.press("1", via="info")
        following = await hears(call, "menu-complaint", since=menu.at)
        assert following.at - menu.at < 5
        await call.hangup()


async def test_star_says_it_again_and_nought_asks_for_a_person(hotline: Hotline) -> None:
    async with hotline.caller("13800135004") as phone:
        call = await phone.dial("4008001234")
        menu = await hears(call, "menu-main", within=20)
        await call.press("*")
        again = await hears(call, "language", since=menu.at + 0.5)
        await call.press("1")
        await hears(call, "menu-complaint", since=again.at)
        await call.press("0")
        row = await hotline.queued("13800135004")
        assert (row["queue"], row["category"]) == ("complaint", None)
        await call.hangup()


async def test_a_wrong_key_is_named_and_the_question_put_again(hotline: Hotline) -> None:
    async with hotline.caller("13800132001") as phone:
        call = await phone.dial("4008001234")
        await hears(call, "language")
        await call.press("7")
        wrong = await hears(call, "no-match")
        await call.press("8")
        await hears(call, "no-match", since=wrong.at + 0.5)
        await hears(call, "language", since=wrong.at)
        # A third wrong key: a person.
        await call.press("8")
        await hotline.until(lambda: _queue_of(hotline, "13800132001") == "inquiry", "a person is asked for")
        await call.hangup()


def _queue_of(hotline: Hotline, caller: str) -> str | None:
    row = hotline.newest(caller)
    return row["queue"] if row else None


async def test_a_silent_line_is_let_go_after_three_questions(hotline: Hotline) -> None:
    async with hotline.caller("13800132002") as phone:
        call = await phone.dial("4008001234")
        await call.ended(40)
        assert (await said(call, ["language", "no-input", "too-many-tries", "goodbye"]))[-2:] == [
            "too-many-tries",
            "goodbye",
        ]
    shown = await hotline.ended_call("13800132002")
    assert shown["outcome"] == "in_ivr"


async def test_nine_changes_to_english_and_back(hotline: Hotline) -> None:
    async with hotline.caller("13800135005") as phone:
        call = await phone.dial("4008001234")
        await hears(call, "language", within=15)
        await call.press("9")
        menu = await hears(call, "menu-main", language="en")
        await call.press("9")
        back = await hears(call, "menu-main", since=menu.at)
        await call.press("9")
        menu = await hears(call, "menu-main", language="en", since=back.at)
        await call.press("1")
        await hears(call, "menu-complaint", language="en", since=menu.at)
        await call.press("1")
        row = await hotline.queued("13800135005")
        assert row["category"] == "process"
        await hears(call, "queue-first", language="en", since=now(call) - 1)
        await call.hangup()


async def test_an_unwelcome_caller_is_told_so(hotline: Hotline) -> None:
    async with hotline.caller("13800130000") as nuisance, hotline.caller("13800138888") as vip:
        unwelcome, welcome = await asyncio.gather(nuisance.dial("4008001234"), vip.dial("4008001234"))
        await hears(unwelcome, "nuisance")
        await hears(welcome, "welcome-vip")
        await welcome.hangup()
        await unwelcome.ended(15)
