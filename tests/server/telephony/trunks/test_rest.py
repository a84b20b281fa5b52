"""A trunk that takes no calls rests, longer each time, until one goes through."""

from __future__ import annotations

import asyncio

from server.telephony.trunks.rest import ENOUGH, TrunkRest


class Rested(TrunkRest):
    """Tells when each rest is over."""

    def __init__(self, first: float, longest: float) -> None:
        self.over = asyncio.Event()
        super().__init__(self.over.set, first=first, longest=longest)

    async def ends(self) -> None:
        await asyncio.wait_for(self.over.wait(), 2.0)
        self.over.clear()


async def test_it_rests_after_so_many_in_a_row_and_is_tried_again() -> None:
    trunk = Rested(0.02, 0.04)
    for _ in range(ENOUGH - 1):
        trunk.failed()
    assert (trunk.resting, trunk.problem) == (False, "")
    trunk.failed()
    assert trunk.resting
    assert trunk.problem.startswith(f"the trunk took none of the last {ENOUGH} calls: see whether what SANSHENG_TRUNK")
    await trunk.ends()
    assert not trunk.resting
    assert trunk.problem, "until one goes through"


async def test_each_rest_is_twice_as_long_up_to_the_longest() -> None:
    trunk, lasted = Rested(0.02, 0.06), []
    for _ in range(ENOUGH - 1):
        trunk.failed()
    for _ in range(4):
        trunk.failed()
        trunk.failed()  # under way still when the rest began
        lasted.append(trunk._lasts)
        await trunk.ends()
    assert lasted == [0.02, 0.04, 0.06, 0.06]


async def test_one_that_goes_through_ends_the_rest_at_once() -> None:
    trunk = Rested(60.0, 900.0)
    for _ in range(ENOUGH):
        trunk.failed()
    trunk.worked()
    assert (trunk.resting, trunk.problem, trunk.over.is_set()) == (False, "", True)
    trunk.failed()
    assert not trunk.resting
