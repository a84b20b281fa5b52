"""Asterisk that is frozen (SIGSTOP): said at once, nothing that was set meanwhile is lost, and it is replaced."""

from __future__ import annotations

import os
import signal
import time

import pytest

from softphone.phone import Phone
from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
SECRET = "a-secret-of-1002"


async def test_an_agent_added_while_asterisk_hangs_can_register_afterwards(house: Hotline) -> None:
    asterisk = house.pid("asterisk")
    assert asterisk is not None
    os.kill(asterisk, signal.SIGSTOP)
    began = time.monotonic()
    try:
        body = {"id": "1002", "name": "Wu", "skills": {"complaint": 5}, "secret": SECRET}
        await house.request("PUT", "/api/v1/agents/1002", body)
        assert time.monotonic() - began < 10
        await house.until(lambda: "has not taken over" in str(house.health()["warnings"]), "it is said", 5)
    finally:
        os.kill(asterisk, signal.SIGCONT)
    await house.until(lambda: not house.health()["warnings"], "Asterisk has the telephone", 20)
    async with Phone("1002", "127.0.0.1", house.sip_port, secret=SECRET) as phone:
        await phone.register()
        await house.agent_is("1002", phone="reachable")
