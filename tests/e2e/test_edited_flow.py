"""Flows that are edited while calls go on: new calls use the new flow, a broken flow changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.hotline.definitions import FLOWS
from tests.e2e.hearing import hears, said

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e


def warned(hotline: Hotline, of: str) -> str:
    """The warning about this, if there is one now."""
    return next((each for each in hotline.health().get("warnings", ()) if of in each), "")


async def test_an_edited_flow_is_for_new_calls_and_a_broken_one_is_refused_by_file_line_and_key(
    hotline: Hotline,
) -> None:
    own = hotline.home / "flows" / "complaint.toml"
    original = (FLOWS / "complaint.toml").read_text(encoding="utf-8")
    edited = original.replace('prompts = ["menu-complaint"]', 'prompts = ["hold-please", "menu-complaint"]')
    broken = edited.replace('on_fail = "@return"', 'on_fail = "nowhere"')
    assert len({original, edited, broken}) == 3
    async with hotline.caller("13800130021") as one, hotline.caller("13800130022") as two:
        try:
            before = await one.dial("4008001234")
            await hears(before, "welcome")
            log = hotline.home / "log" / "server.log"
            taken = log.read_text().count("definitions taken over")
            own.write_text(edited, encoding="utf-8")
            await hotline.until(
                lambda: log.read_text().count("definitions taken over") > taken, "the edited flow is taken over"
            )
            after = await two.dial("4008001234")
            await after.answered()
            await after.heard()
            for call in (before, after):
                await call.press("1")
            await hears(before, "menu-complaint")
            assert not await said(before, ["hold-please"])
            await hears(after, "hold-please")
            await hears(after, "menu-complaint")
            await before.hangup()
            await after.hangup()

            own.write_text(broken, encoding="utf-8")
            warning = await hotline.until(lambda: warned(hotline, "complaint.toml"), "the broken flow is warned of")
            line = broken[: broken.index('on_fail = "nowhere"')].count("\n") + 1
            assert f"complaint.toml:{line}" in warning
            assert "on_fail" in warning
            assert hotline.health()["ok"]
            call = await one.dial("4008001234")
            await call.answered()
            await call.heard()
            await call.press("1")
            await hears(call, "hold-please")
            await call.hangup()
        finally:
            own.unlink(missing_ok=True)
    await hotline.until(lambda: not warned(hotline, "complaint.toml"), "all is well again")
