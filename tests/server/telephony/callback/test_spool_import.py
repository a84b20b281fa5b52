"""Numbers taken while no server was there: each is in the log once, whatever happens between log and spool."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import acd.events as acd
from acd.callbacks.events import PromiseAsked
from acd.callbacks.states import PromiseState
from agi_scripts.spool import Entry, put
from server.eventlog.log import START, Log
from server.hotline.definitions import Definitions, load
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.telephony.callback.spool_import import SpoolImport
from server.telephony.caller.brief_calls import BriefCalls

TAKEN = Entry("7f0c", "13800138000", "13900139000", "attitude", "4008001234", 1_700_000_000.0, complete=True)


def shipped() -> Definitions:
    """The definitions that come with the product."""
    return load(Path("/nonexistent"))


def of_spool(dispatcher: Dispatcher, spool: Path, **more: Any) -> SpoolImport:
    view = View(lambda: dispatcher.state)
    more.setdefault("brief", BriefCalls(dispatcher, view, shipped, "one"))
    return SpoolImport(dispatcher, view, spool, "one", shipped, **more)


def _left(spool: Path) -> list[str]:
    return sorted(file.name for file in spool.iterdir())


async def _numbers(log: Log) -> list[PromiseAsked]:
    return [entry.event for entry in await log.read(START) if isinstance(entry.event, PromiseAsked)]


async def test_an_entry_becomes_a_call_of_its_own_and_leaves_the_spool(
    log: Log, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    put(tmp_path, TAKEN)
    assert await of_spool(dispatcher, tmp_path).sweep() == 1
    assert _left(tmp_path) == []
    (number,) = await _numbers(log)
    assert (number.number, number.category, number.source) == ("13900139000", "attitude", "fallback")
    arrived = next(entry.event for entry in await log.read(START) if isinstance(entry.event, acd.CallArrived))
    assert (arrived.call, arrived.caller, arrived.invited_at) == (number.call, "13800138000", TAKEN.taken_at)


async def test_a_number_becomes_a_promise_in_the_form_that_is_dialled_and_in_the_callers_language(
    dispatcher: Dispatcher, tmp_path: Path
) -> None:
    put(tmp_path, Entry("1", "", "+8613900139000", "system", "400", 1_690_000_000.0, language="en"))
    put(tmp_path, Entry("2", "", "02188887777", "", "400", 1_700_000_001.0))
    await of_spool(dispatcher, tmp_path).sweep()
    made = {each.number: each for each in dispatcher.state.callbacks.promises()}
    assert (made["13900139000"].queue, made["13900139000"].language) == ("complaint", "en")
    assert made["13900139000"].queued_at == 1_690_000_000.0
    assert (made["02188887777"].queue, made["02188887777"].category) == ("inquiry", "")


async def test_a_number_that_cannot_be_called_gives_way_to_the_one_the_caller_rang_from(
    log: Log, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    put(tmp_path, Entry("1", "13800138000", "+442070000000", "system", "400", 1_700_000_000.0))
    await of_spool(dispatcher, tmp_path).sweep()
    (number,) = await _numbers(log)
    assert (number.number, number.unconfirmed) == ("13800138000", "")


async def test_a_caller_without_any_number_that_can_be_called_is_on_a_ticket_and_an_agents_task(
    log: Log, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    put(tmp_path, Entry("1", "", "4008001234", "system", "400", 1_700_000_000.0))
    await of_spool(dispatcher, tmp_path).sweep()
    (number,) = await _numbers(log)
    assert number.number == "4008001234"
    assert "not called back" in number.unconfirmed
    (task,) = dispatcher.state.callbacks.promises()
    assert (task.state, task.task, task.ticket) == (PromiseState.UNCONFIRMED, True, 1)


async def test_an_entry_that_a_crash_left_in_the_spool_is_not_taken_again(
    log: Log, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    intake = of_spool(dispatcher, tmp_path)
    put(tmp_path, TAKEN)
    await intake.sweep()
    put(tmp_path, TAKEN)
    assert await intake.sweep() == 0
    assert _left(tmp_path) == []
    assert len(await _numbers(log)) == 1


async def test_a_caller_who_was_in_the_house_when_the_server_went_away_stays_one_call(
    log: Log, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    call = dispatcher.state.calls.next_call()
    await dispatcher.record(acd.CallArrived(call, "13800138000", "4008001234", "PJSIP/trunk-1", "1.1", 1_700_000_000.0))
    await dispatcher.record(acd.CallEnded(call, "lost"))
    put(tmp_path, Entry("8a1d", "13800138000", "13800138000", "", "4008001234", 1_700_000_040.0, call=call))
    await of_spool(dispatcher, tmp_path).sweep()
    (number,) = await _numbers(log)
    assert number.call == call


@pytest.mark.parametrize("taken_at", ["NaN", "-Infinity", "1e999", "-1", "9e15", "0", '"soon"', "null", "[]"])
@pytest.mark.parametrize("call", ["1e999", "-1", '"x"', "9" * 30, "[1]"])
async def test_a_number_is_not_lost_for_an_instant_or_a_call_that_cannot_be(
    dispatcher: Dispatcher, tmp_path: Path, taken_at: str, call: str
) -> None:
    text = f'{{"id": "a", "number": "13900139000", "called": "400\\n1", "taken_at": {taken_at}, "call": {call}}}'
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert await of_spool(dispatcher, tmp_path, clock=lambda: 1_750_000_000.0).sweep() == 1
    (promise,) = dispatcher.state.callbacks.promises()
    assert (promise.number, promise.queued_at) == ("13900139000", 1_750_000_000.0)
    assert dispatcher.refused == 0


@pytest.mark.parametrize("text", ["[" * 60_000, "3", '"a"', "{}", "x" * 70_000, '{"id": "a", "number": "1"}'])
async def test_a_file_that_is_no_entry_is_set_aside_and_holds_nothing_up(
    dispatcher: Dispatcher, tmp_path: Path, text: str
) -> None:
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    put(tmp_path, TAKEN)
    assert await of_spool(dispatcher, tmp_path).sweep() == 1
    assert _left(tmp_path) == ["bad.bad"]


async def test_an_entry_on_which_taking_in_fails_is_set_aside_and_holds_nothing_up(
    dispatcher: Dispatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, replace(TAKEN, id="odd", caller="1"))
    put(tmp_path, TAKEN)
    intake = of_spool(dispatcher, tmp_path)
    monkeypatch.setattr(Definitions, "is_vip", lambda self, number: bool(0 // (number != "1")))
    assert await intake.sweep() == 1
    assert [name.partition(".")[2] for name in _left(tmp_path)] == ["bad"]


async def test_what_cannot_be_read_is_set_aside_and_holds_nothing_up(
    log: Log, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    put(tmp_path, TAKEN)
    assert await of_spool(dispatcher, tmp_path).sweep() == 1
    assert _left(tmp_path) == ["bad.bad"]


async def test_entries_are_taken_in_as_they_come(log: Log, dispatcher: Dispatcher, tmp_path: Path) -> None:
    running = asyncio.create_task(of_spool(dispatcher, tmp_path).run())
    try:
        put(tmp_path, TAKEN)
        assert await dispatcher.until(lambda state: state.calls.was_taken(TAKEN.id), 5.0)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
