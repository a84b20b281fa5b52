"""Asterisk that is frozen (SIGSTOP): said at once, nothing that was set meanwhile is lost, and it is replaced."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from softphone.phone import Phone
from tests.e2e import brisk
from tests.e2e.conftest import Hotline
from tests.faults.conftest import People

pytestmark = pytest.mark.e2e
SECRET = "a-secret-of-1002"


@pytest.fixture
def hotline(new_hotline: Callable[..., Hotline]) -> Hotline:
    hotline = new_hotline(SANSHENG_DRAIN_SECONDS="0.5", SANSHENG_ASTERISK_FROZEN_SECONDS="14")
    brisk.install(hotline.home)
    hotline.start()
    return hotline


async def test_a_frozen_asterisk_is_told_at_once_loses_no_change_and_is_replaced(
    hotline: Hotline, people: People
) -> None:
    asterisk = hotline.pid("asterisk")
    assert asterisk is not None
    os.kill(asterisk, signal.SIGSTOP)
    began = time.monotonic()
    body = {"id": "1002", "name": "Wu", "skills": {"complaint": 5}, "secret": SECRET}
    await hotline.request("PUT", "/api/v1/agents/1002", body)
    assert "has not taken over" in str(hotline.health()["warnings"])
    assert time.monotonic() - began < 10, "long before it would be replaced"
    os.kill(asterisk, signal.SIGCONT)
    await hotline.until(lambda: not hotline.warnings(), "Asterisk has the telephone", 20)
    async with Phone("1002", "127.0.0.1", hotline.sip_port, secret=SECRET) as phone:
        await phone.register()
        await hotline.agent_is("1002", phone="reachable")

    os.kill(asterisk, signal.SIGSTOP)
    stopped = time.monotonic()
    await hotline.until(lambda: "asterisk has answered nothing" in str(hotline.health()["problems"]), "it is said", 6)
    assert hotline.pid("asterisk") == asterisk
    await hotline.until(lambda: hotline.pid("asterisk") not in (None, asterisk), "it is replaced", 25)
    assert time.monotonic() - stopped >= 12
    await hotline.until(lambda: hotline.health()["ok"], "calls are taken", 20)
    await people.sign_in("1001")
    await people.talk("1001", "13800000001")
