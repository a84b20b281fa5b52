"""Callers who come back after a change of leader are let in by their places, not by chance."""

from __future__ import annotations

import asyncio

from server.telephony.caller.readmission import PATIENCE, Readmission


def expecting(calls: list[int], patience: float = PATIENCE) -> Readmission:
    readmission = Readmission(patience)
    readmission.expect(calls)
    return readmission


async def coming(roll: Readmission, calls: list[int]) -> list[int]:
    order: list[int] = []

    async def come(call: int) -> None:
        await roll.answer(call)
        order.append(call)

    async with asyncio.timeout(5):
        await asyncio.gather(*(come(call) for call in calls))
    return order


async def test_the_first_caller_to_return_is_readmitted_by_the_place_in_the_queue() -> None:
    roll = expecting([7, 3, 9])
    roll.begin()
    assert await coming(roll, [9, 3, 7]) == [7, 3, 9]


async def test_the_last_caller_to_return_passes_no_other_caller() -> None:
    roll = expecting([7, 3, 9])
    roll.begin()
    assert await coming(roll, [3, 7, 9]) == [7, 3, 9]


async def test_nobody_waits_for_a_caller_who_is_gone() -> None:
    roll = expecting([1, 2, 3], patience=60)
    roll.begin()
    asyncio.get_running_loop().call_later(0.01, roll.gone, 2)
    assert await coming(roll, [3, 1]) == [1, 3]


async def test_nobody_waits_longer_than_the_patience() -> None:
    roll = expecting([1, 2, 3], patience=0.05)
    roll.begin()
    assert await coming(roll, [3, 2]) == [2, 3]
    assert await coming(roll, [1]) == [1]


async def test_a_caller_who_is_not_expected_is_admitted_at_once() -> None:
    roll = expecting([1], patience=60)
    roll.begin()
    assert await coming(roll, [5]) == [5]


async def test_a_caller_who_leaves_while_waiting_to_be_let_in_holds_up_nobody() -> None:
    roll = expecting([1, 2], patience=60)
    roll.begin()
    leaving = asyncio.ensure_future(roll.answer(1))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await coming(roll, [2]) == [2]
