"""kill -9 of the server: no event is lost on its way to another system, and no request with a key is done twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Signer

from tests.e2e import brisk
from tests.e2e.conftest import Hotline
from tests.server.webhooks.receiver import Receiver

pytestmark = pytest.mark.e2e


def told(receiver: Receiver) -> dict[str, Any]:
    """id → state of each promise that the receiver was told of, in the order in which it was told first."""
    found: dict[str, Any] = {}
    for headers, body in receiver.got:
        found.setdefault(headers["webhook-id"], json.loads(body)["data"]["number"])
    return found


async def test_every_event_arrives_in_order_and_a_key_counts_once_over_a_kill(
    new_hotline: Callable[..., Hotline], tmp_path: Path
) -> None:
    house = new_hotline(SANSHENG_WEBHOOK_NETWORKS="127.0.0.0/8", SANSHENG_DRAIN_SECONDS="0")
    brisk.install(house.home)
    await asyncio.to_thread(house.start)
    receiver = Receiver()
    receiver.start()
    wanted = ("webhook", "add", receiver.url, "--name", "crm", "--type", "callback.*", "--whole-numbers", "--json")
    secret = json.loads((await house.command(*wanted)).stdout)["secret"]
    numbers = [f"1380013800{place}" for place in range(6)]
    bearer = {"Authorization": f"Bearer {(house.home / 'secrets' / 'api-token').read_text().strip()}"}

    async def promise(number: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
            body = {"number": number, "category": "attitude", "after": None}
            headers = {**bearer, "Idempotency-Key": f"key of {number}"}
            return await client.post(f"{house.api}/api/v1/callbacks", json=body, headers=headers)

    first = await promise(numbers[0])
    assert first.status_code == 201, first.text
    await house.until(lambda: receiver.got, "the first event has arrived")
    for headers, body in receiver.got:
        assert Signer(secret).verify(body, headers)
    receiver.stop()
    for number in numbers[1:5]:
        assert (await promise(number)).status_code == 201
    house.kill()
    receiver.start()
    house.spawn()
    await asyncio.to_thread(house.wait_healthy)
    again = await promise(numbers[0])
    assert (again.content, again.headers.get("idempotency-replayed")) == (first.content, "true")
    assert (await promise(numbers[5])).status_code == 201
    await house.command("webhook", "resume", "1")  # not after the five seconds of the first retry
    await house.until(lambda: len(told(receiver)) >= 6, "every event has arrived", 30)
    assert list(told(receiver).values()) == numbers
    await house.until(
        lambda: json.loads(house.cli("webhook", "list", "--json").stdout)[0]["waiting"] == 0, "nothing waits"
    )

    asked = ("export", "ask", "callbacks", "--where", "category=attitude", "--reason", "the test")
    assert "export 1 is approved" in (await house.command(*asked)).stdout
    await house.command("export", "fetch", "1", "--to", str(tmp_path / "callbacks.csv"))
    assert (tmp_path / "callbacks.csv").read_text("utf-8-sig").count("\n") == 7
    refusal = await house.command("export", "fetch", "2", "--to", str(tmp_path / "x"), check=False)
    assert (refusal.returncode, "there is no export 2" in refusal.stderr) == (1, True)
    assert not (tmp_path / "x").exists()
    table = tmp_path / "holidays.toml"
    table.write_text('[2031]\ndays = ["2031-01-01"]\nmakeup_days = []\n')
    assert "2031: 1 public holidays" in (await house.command("holidays", "import", str(table))).stdout
    shown = json.loads((await house.command("holidays", "list", "--year", "2031", "--json")).stdout)
    assert (shown["known"], shown["days"]) == (True, ["2031-01-01"])
    await house.command("webhook", "remove", "1", "--reason", "done")
    receiver.stop()
