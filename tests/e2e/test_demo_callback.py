"""`sansheng demo callback`: a person without a phone sees a promise kept, and the demo leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from server.hotline import definitions
from tests.e2e.conftest import Hotline, free_ports, make_home, running

pytestmark = pytest.mark.e2e

OUTGOING = "01065529988"


@pytest.fixture(scope="module")
def hotline() -> Iterator[Hotline]:
    """One running hotline as it comes, with a way out, a number to show and no hours. Nobody is signed in."""
    hotline = Hotline(make_home(), {"SANSHENG_TRUNK": f"sip:127.0.0.1:{free_ports(1)[0]}"})
    rules(hotline)
    with running(hotline):
        yield hotline


def rules(hotline: Hotline, *, window: str = "00:00-24:00", dialling: str = "agent_first") -> None:
    """The hotline's definitions: the product's own, but for these."""
    text = definitions.DEFAULTS.read_text(encoding="utf-8")
    for key, value in {"outgoing": OUTGOING, "window": window, "dialling": dialling}.items():
        text, found = re.subn(rf'(?m)^{key} = ".*"$', f'{key} = "{value}"', text)
        assert found == 1, key
    assert "\nkept_after = 10\n" in text
    text = text.replace("\nkept_after = 10\n", "\nkept_after = 2\n")
    (hotline.home / "hotline.toml").write_text(text, encoding="utf-8")


def left_behind(hotline: Hotline) -> list[str]:
    """Agents, and promises that somebody would still be called for."""
    agents = [row["id"] for row in hotline.records.agent_list()]
    promises = json.loads(hotline.cli("callback", "list", "--json").stdout)
    return agents + [f"{row['number']} {row['state']}" for row in promises if row["state"] in ("pending", "dialling")]


def test_nobody_is_there_so_the_caller_is_offered_a_call_back_and_has_it(hotline: Hotline) -> None:
    told = hotline.cli("demo", "callback", "--talk", "1").stdout
    steps = (
        "caller   listens, and presses 1",
        "hotline  promises to call 138001",
        "agent    9001's telephone rings and shows 138001",
        "hears that it is a callback",
        f"telephone rings and shows {OUTGOING}",
        "both     are joined",
        "caller   is asked how satisfied, and presses 5",
        "state         kept",
        "satisfaction  5",
        "ticket ",
        "listen: sansheng recording pull ",
    )
    at = 0
    for step in steps:
        assert (at := told.find(step, at)) >= 0, f"{step}: not there, or not in its place\n{told}"
    assert left_behind(hotline) == []


async def test_without_callback_mode_the_api_promises_and_a_customer_who_is_called_first_presses_a_key(
    hotline: Hotline,
) -> None:
    rules(hotline, dialling="customer_first")
    await hotline.request("POST", "/api/v1/definitions/reload")
    await hotline.command("callback", "mode", "off", "--reason", "a test")
    try:
        told = (await hotline.command("demo", "callback", "--talk", "1", "--satisfaction", "4")).stdout
    finally:
        await hotline.command("callback", "mode", "auto")
        rules(hotline)
    assert told.index("is offered no callback") < told.index("is asked by its API to call 138001")
    assert told.index("is asked for a key, and presses 1") < told.index("9001's telephone rings")
    assert "  satisfaction  4\n" in told
    assert await asyncio.to_thread(left_behind, hotline) == []


def test_each_obstacle_is_one_sentence(hotline: Hotline) -> None:
    def refused() -> str:
        done = hotline.cli("demo", "callback", check=False)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        return done.stderr

    port = int(hotline.settings["SANSHENG_TRUNK"].rpartition(":")[2])
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", port))
        assert f"127.0.0.1:{port}, where calls go out to, is not free" in refused()
    rules(hotline, window=_another_hour())
    try:
        assert "is kept at " in (sentence := refused())
        assert 'window = "00:00-24:00"' in sentence
    finally:
        rules(hotline)
    assert left_behind(hotline) == []


def _another_hour() -> str:
    """A window of one hour, half a day from now."""
    hour = (datetime.now(UTC) + timedelta(hours=8 + 12)).hour
    return f"{hour:02}:00-{hour:02}:59"
