"""Wrong passwords on SIP: told in health and metrics, and refused by address; phones elsewhere notice nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from softphone.phone import Phone, Refused
from tests.e2e import brisk
from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e
SECRET = "a-secret-of-1002"


async def tried(hotline: Hotline, bind: str, secret: str) -> str:
    async with Phone("1002", "127.0.0.1", hotline.sip_port, secret=secret, bind=bind) as phone:
        try:
            await phone.register()
        except Refused as answer:
            return str(answer)
        return "registered"


async def until(hotline: Hotline, bind: str, secret: str, answer: str) -> None:
    async with asyncio.timeout(10):
        while answer not in await tried(hotline, bind, secret):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_guesser_is_told_and_refused_for_a_while(new_hotline: Callable[..., Hotline]) -> None:
    hotline = new_hotline(SANSHENG_DRAIN_SECONDS="0", SANSHENG_REFUSED_SECONDS="4")
    brisk.install(hotline.home)
    await asyncio.to_thread(hotline.start)
    await hotline.request("PUT", "/api/v1/agents/1002", {"name": "Wu", "skills": {"complaint": 5}, "secret": SECRET})
    for n in range(12):
        assert "40" in await tried(hotline, "127.0.0.2", f"a-guess-no-{n}")
    await hotline.until(lambda: "from 127.0.0.2 for agent 1002" in str(hotline.health()["warnings"]), "it is told")

    await until(hotline, "127.0.0.2", "another-guess", "403")
    assert "refused just now" in str(hotline.health()["warnings"])
    assert await tried(hotline, "127.0.0.3", SECRET) == "registered"
    metrics = (await asyncio.to_thread(httpx.get, f"{hotline.api}/metrics", trust_env=False)).text
    (line,) = [each for each in metrics.splitlines() if each.startswith('sansheng_refused_total{door="password"}')]
    assert float(line.split()[-1]) >= 10
    await until(hotline, "127.0.0.2", SECRET, "registered")
    # Where a phone is, and where the trunk is, nobody is refused.
    for bind in ("127.0.0.3", "127.0.0.1"):
        async with Phone("1002", "127.0.0.1", hotline.sip_port, secret=SECRET, bind=bind) as there:
            await there.register()
            await hotline.agent_is("1002", phone="reachable")
            for n in range(12):
                assert "401" in await tried(hotline, bind, f"a-guess-no-{n}")
            assert await tried(hotline, bind, SECRET) == "registered"
