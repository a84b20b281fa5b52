"""A value that no event can hold, and entries that no version can read, stop no part of the hotline."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from redis import Redis

from server.telephony.tokens import ChannelTokens
from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

POISON: list[dict[bytes, bytes]] = [
    {
        b"t": b"CallArrived",
        b"e": b'{"call":7,"caller":"1","called":"4","channel":"P","unique_id":"u","invited_at":null}',
    },
    {b"t": b"Foreseen", b"e": b'{"by": "a version to come"}'},
    {b"t": b"CallEnded", b"e": b"{"},
    {b"t": b"\xff\x00", b"e": b"\xff\x00"},
    {b"t": b"Decided", b"e": b"{}", b"f": b"1-0"},
    {b"x": b"y"},
]


async def arrives(hotline: Hotline, caller: str, *arguments: str) -> None:
    """A program with the secret hands a caller over as Asterisk would; Asterisk has no such channel."""
    tokens = ChannelTokens((hotline.home / "secrets" / "channels").read_text().strip())
    unique_id = f"{caller}.1"
    query = "".join(f"&{place}={quote(value, safe='')}" for place, value in enumerate(arguments, 1))
    header = {
        "request": f"agi://127.0.0.1:{hotline.ports['AGI']}/hotline?token={tokens.token(unique_id)}{query}",
        "channel": f"PJSIP/trunk-{caller}",
        "uniqueid": unique_id,
        "callerid": caller,
        "dnid": "4008001234",
    }
    reader, writer = await asyncio.open_connection("127.0.0.1", hotline.ports["AGI"])
    writer.write("".join(f"agi_{key}: {value}\n" for key, value in header.items()).encode() + b"\n")
    with suppress(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 10)
    writer.close()


async def recorded(hotline: Hotline, caller: str) -> dict[str, Any]:
    return dict(await hotline.until(lambda: hotline.newest(caller), f"the records show the call of {caller}"))


async def test_an_instant_that_is_none_keeps_nobody_out_and_stops_nothing(new_hotline: Callable[..., Hotline]) -> None:
    hotline = new_hotline()
    await asyncio.to_thread(hotline.start)
    for number, instants in enumerate((("nan", "nan"), ("1e999", "-inf"), ("-1e300", "1e300"), ("", "0"))):
        await arrives(hotline, f"1380013900{number}", "", *instants)
    for number in range(4):
        call = await recorded(hotline, f"1380013900{number}")
        assert call["offered_at"][:2] == call["answered_at"][:2] == "20"
    hotline.kill()
    await asyncio.to_thread(hotline.start)
    assert hotline.warnings() == []


async def test_entries_that_cannot_be_read_are_set_aside_and_everything_after_them_is_played(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline()
    await asyncio.to_thread(hotline.start)
    file = hotline.home / "log" / "unreadable"
    redis = Redis(unix_socket_path=str(hotline.home / "redis" / "redis.sock"))
    await arrives(hotline, "13800138001")
    for fields in POISON:
        redis.xadd("sansheng:log", fields | {b"at": b"1790000000.5"})
    redis.xadd("sansheng:log", {b"t": b"Tick", b"e": b"{}", b"at": b"nan"})
    redis.close()
    count = len(POISON) + 1

    async def says_so() -> None:
        health = hotline.health()
        assert health["ok"]
        assert [each for each in health["warnings"] if f"{count} entries of the log cannot be read" in each]
        metrics = (await asyncio.to_thread(httpx.get, f"{hotline.api}/metrics", trust_env=False)).text
        assert f"sansheng_log_unreadable {count}.0" in metrics
        assert "sansheng_log_refused_total 0.0" in metrics
        done = await asyncio.to_thread(hotline.cli, "doctor", "--json", check=False)
        (line,) = (
            each
            for each in json.loads(done.stdout)
            if "cannot be read" in each["sentence"] and "mv" in each["sentence"]
        )
        assert (done.returncode, line["verdict"]) == (1, "fail")
        assert "CallArrived cannot be read: Expected `float`, got `null` - at `$.invited_at`" in line["sentence"]
        assert len(file.read_text().splitlines()) == count

    # The records go on at once.
    await arrives(hotline, "13800138002")
    await recorded(hotline, "13800138002")
    await says_so()
    # The next server plays over them, and has the calls before and after.
    hotline.kill()
    await asyncio.to_thread(hotline.start)
    await says_so()
    async with hotline.agent("1001", complaint=5), hotline.caller("13800138003") as caller:
        call = await caller.dial("4008001234")
        await call.answered()
        await recorded(hotline, "13800138003")
        await call.hangup()
    numbers = [(await recorded(hotline, f"1380013800{last}"))["id"] for last in (1, 2, 3)]
    assert numbers == [1, 2, 3]
    assert len(hotline.records.problems()) == count
    # Somebody looked at them.
    file.rename(file.with_suffix(".settled"))
    assert not [each for each in hotline.health()["warnings"] if "cannot be read" in each]
    hotline.kill()
    await asyncio.to_thread(hotline.start)
    assert not [each for each in hotline.health()["warnings"] if "cannot be read" in each]
    assert not file.exists()
