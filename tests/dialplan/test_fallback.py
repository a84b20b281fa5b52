"""While no server answers, the script that Asterisk starts takes a number, and keeps it whatever the call does."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any

import pytest

from softphone.audio import Tone

from .conftest import TONES, Machine


def entry(machine: Machine) -> dict[str, Any]:
    (path,) = machine.spooled()
    data: dict[str, Any] = json.loads(path.read_text())
    assert path.stem == data["id"]
    return data


@pytest.mark.parametrize("via", ["rfc2833", "info"])
async def test_a_caller_agrees_to_the_own_number_and_names_the_matter(machine: Machine, via: str) -> None:
    before = time.time()
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.heard(TONES["fallback-sorry"], within=8)
        await call.heard(TONES["digit-8"], within=4)
        await call.heard(TONES["fallback-number"], within=8)
        await call.press("1", via=via)
        await call.heard(TONES["fallback-category"], within=4)
        await call.press("4", via=via)
        await call.heard(TONES["fallback-thanks"], within=4)
        await call.ended(5)
    taken = entry(machine)
    assert before <= taken.pop("taken_at") <= time.time()
    assert taken.pop("id")
    assert taken.pop("channel")
    assert taken == {
        "caller": "13800001111",
        "number": "13800001111",
        "category": "attitude",
        "called": "4008001234",
        "call": None,
        "complete": True,
        "language": "zh",
        "full": False,
    }


async def test_a_caller_keys_in_another_number(machine: Machine) -> None:
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.heard(TONES["fallback-number"], within=12)
        await call.press("2")
        await call.heard(TONES["fallback-key-number"], within=4)
        await call.press("02188887777#")
        await call.heard(TONES["fallback-number"], within=8)
        await call.press("1")
        await call.heard(TONES["fallback-category"], within=4)
        await call.press("0")
        await call.ended(8)
    taken = entry(machine)
    assert (taken["number"], taken["category"], taken["complete"]) == ("02188887777", "", True)


async def test_nothing_is_known_of_a_caller_who_withholds_the_number(machine: Machine) -> None:
    withheld = [("P-Asserted-Identity", "<sip:+8613900001111@carrier.example>"), ("Privacy", "id")]
    async with machine.phone("13900001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000), headers=withheld)
        await call.heard(TONES["fallback-key-number"], within=12)
        await call.press("02188887777#")
        await call.heard(TONES["fallback-number"], within=8)
        await call.press("1")
        await call.heard(TONES["fallback-category"], within=4)
        await call.press("0")
        await call.ended(8)
    taken = entry(machine)
    assert (taken["caller"], taken["number"], taken["complete"]) == ("", "02188887777", True)
    assert "13900001111" not in str(taken)


async def test_a_caller_who_hangs_up_in_the_middle_is_kept_with_what_is_known(machine: Machine) -> None:
    async with machine.phone("13800001111") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await call.heard(TONES["fallback-number"], within=12)
        await call.hangup()
        deadline = time.monotonic() + 5
        while not machine.spooled() and time.monotonic() < deadline:
            await machine.settle()
    taken = entry(machine)
    assert (taken["number"], taken["complete"]) == ("13800001111", False)


async def test_a_missing_prompt_does_not_stop_the_conversation(machine: Machine) -> None:
    prompt = machine.site.prompts["zh"] / "fallback-category.wav"
    aside = prompt.with_suffix(".aside")
    prompt.rename(aside)
    try:
        async with machine.phone("13800001111") as phone:
            call = await phone.dial("4008001234", source=Tone(1000))
            await call.heard(TONES["fallback-number"], within=12)
            await call.press("14")
            await call.heard(TONES["fallback-thanks"], within=12)
            await call.ended(5)
    finally:
        aside.rename(prompt)
    assert entry(machine)["complete"]


async def test_a_spool_that_cannot_be_written_is_owned_up_to(machine: Machine) -> None:
    folder = machine.site.layout.callbacks
    shutil.rmtree(folder)
    folder.write_text("in the way")
    try:
        async with machine.phone("13800001111") as phone:
            call = await phone.dial("4008001234", source=Tone(1000))
            await call.heard(TONES["fallback-number"], within=12)
            await call.press("1")
            await call.heard(TONES["fallback-category"], within=4)
            await call.press("1")
            await call.heard(TONES["agent-server-away"], within=4)
            await call.ended(5)
    finally:
        folder.unlink()
        folder.mkdir()
    assert "could not store" in machine.terminal
