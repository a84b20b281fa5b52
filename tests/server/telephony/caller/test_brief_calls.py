"""Answered calls that no session saw have their rows; a flood of them does not fill the log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import acd.events as acd
from server.eventlog.log import START, Log
from server.hotline.definitions import Admission, load
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.telephony.caller.brief_calls import BriefCalls


def told(unique_id: str, **fields: str) -> dict[str, str]:
    usual = {"UserEvent": "SanshengBrief", "Channel": f"PJSIP/trunk-{unique_id}", "Uniqueid": unique_id}
    return usual | {"CallerIDNum": "13800138000", "Called": "4008001234", "Invited": "", "Why": ""} | fields


async def written(log: Log, dispatcher: Dispatcher) -> list[acd.CallArrived | acd.CallEnded]:
    await dispatcher.record(acd.Tick())
    entries = await log.read(START)
    return [each.event for each in entries if isinstance(each.event, acd.CallArrived | acd.CallEnded)]


def of(dispatcher: Dispatcher, most: int = 30) -> BriefCalls:
    definitions = replace(load(Path("/nonexistent")), admission=Admission(max_calls_per_second=most))
    return BriefCalls(dispatcher, View(lambda: dispatcher.state), lambda: definitions, "one", lambda: 1_790_000_000.5)


async def test_a_call_that_ended_at_once_has_its_row_and_says_who_ended_it(log: Log, dispatcher: Dispatcher) -> None:
    brief = of(dispatcher)
    for _ in range(2):
        brief.user_event(told("1.1", Invited="1789999999.250"))
    brief.user_event(told("1.2", Why="full", CallerIDNum="<unknown>"))
    brief.user_event(told("1.3", Why="silent"))
    brief.user_event(told("1.4") | {"UserEvent": "SanshengOdd"})
    first, end, *others = await written(log, dispatcher)
    assert first == acd.CallArrived(
        1, "13800138000", "4008001234", "PJSIP/trunk-1.1", "1.1", 1789999999.25, "one", 1789999999.25
    )
    assert (end.cause, [each.cause for each in others[1::2]]) == ("caller_hung_up", ["line_full", "hotline_hung_up"])
    assert others[0].caller == ""
    assert brief.call_of("1.2") == 2


async def test_its_row_says_who_called_and_which_header_told_it(log: Log, dispatcher: Dispatcher) -> None:
    brief = of(dispatcher)
    brief.user_event(told("1.1", CallerIDName="李女士", SaidBy="pai"))
    brief.user_event(told("1.2", CallerIDNum="<unknown>", CallerIDName="<unknown>", SaidBy="from"))
    came = [each for each in await written(log, dispatcher) if isinstance(each, acd.CallArrived)]
    assert [(each.caller, each.name, each.told_by) for each in came] == [("13800138000", "李女士", "pai"), ("", "", "")]


async def test_a_call_whose_number_was_taken_gets_no_second_row(log: Log, dispatcher: Dispatcher) -> None:
    brief = of(dispatcher)
    brief.remember("1.1", 7)
    brief.user_event(told("1.1", Why="full"))
    assert await written(log, dispatcher) == []


async def test_no_more_are_written_in_a_second_than_are_admitted(log: Log, dispatcher: Dispatcher) -> None:
    brief = of(dispatcher, most=5)
    for number in range(100):
        brief.user_event(told(f"1.{number}"))
    assert len(await written(log, dispatcher)) == 10
