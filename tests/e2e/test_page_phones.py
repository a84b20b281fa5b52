"""Pages' telephones: one of each sign-in, through the server alone; a page that goes and comes back loses no call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from softphone.audio import Tone
from softphone.phone import Answer, Phone
from tests.e2e import brisk
from tests.e2e.browser_phone import BrowserPhone, sign_in_token
from tests.e2e.conftest import Hotline, hears_tone, make_home, running
from tests.e2e.hearing import hears

if TYPE_CHECKING:
    from softphone.call import Call

pytestmark = pytest.mark.e2e

MUSIC = "music"


@pytest.fixture(scope="module")
def desk() -> Iterator[Hotline]:
    """One hotline for all tests of this module."""
    hotline = Hotline(make_home())
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    text = file.read_text(encoding="utf-8")
    text = text.replace("[phones]\n", '[phones]\npage_back_within = 4\nauto_answer = ["3104"]\n')
    file.write_text(text, encoding="utf-8")
    with running(hotline):
        yield hotline


@asynccontextmanager
async def at_desk(desk: Hotline, number: str, status: str = "available", **wanted: bool) -> AsyncIterator[BrowserPhone]:
    """An agent whose only telephone is a page."""
    desk.hush(number)
    await desk.request("PUT", f"/api/v1/agents/{number}", {"name": "Web", "skills": {"complaint": 9}})
    async with BrowserPhone(desk, number, await sign_in_token(desk, number), **wanted) as page:
        await desk.agent_is(number, phone="reachable")
        await desk.request("POST", f"/api/v1/agents/{number}/status", {"status": status})
        try:
            yield page
        finally:
            await desk.request("DELETE", f"/api/v1/agents/{number}")


def segments(shown: dict[str, object]) -> list[tuple[object, object]]:
    return [(each["agent"], each["outcome"]) for each in shown["segments"]]  # type: ignore[attr-defined]


async def test_a_page_has_a_phone_of_its_own_and_speaks_as_nobody_else(desk: Hotline) -> None:
    async with at_desk(desk, "3101", "break") as page:
        own = (desk.home / "secrets" / "agents" / "3101").read_text().strip()
        assert own not in str(page.given)
        assert page.given["user"] == "3101-web"
        for user in ("3101", "3102-web", "13800138000"):
            other = BrowserPhone(desk, "3101", page.token)
            other.given = page.given
            other._socket = await other.socket()
            other._reading = asyncio.create_task(other._read())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other.register(user), 1)
            assert await other.closed() == 1008
        # That connection was of the same page, which has to connect again.
        # A request of a dialog that there is not leads nowhere, whatever name is in it.
        assert await page.closed() == 1012
        await page.connect()
        await page.send(
            "INVITE sip:4008001234@sansheng SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKforged\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:made-up@127.0.0.1>;tag=a\r\nTo: <sip:400@127.0.0.1>;tag=b\r\n"
            "Call-ID: forged\r\nCSeq: 1 INVITE\r\nContact: <sip:x@x.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n"
        )
        assert (await asyncio.wait_for(page.replies.get(), 5)).startswith("SIP/2.0 481")


async def test_nobody_is_connected_without_a_sign_in_and_a_phone_of_it(desk: Hotline) -> None:
    async with at_desk(desk, "3102", "break") as page:
        for token, url, status in (
            ("wrong", page.given["url"], 403),
            (page.token, "/ws/phone?id=made-up", 409),
            (await sign_in_token(desk, "3102", "another"), page.given["url"], 409),
        ):
            stranger = BrowserPhone(desk, "3102", token)
            stranger.given = {**page.given, "url": url}
            with pytest.raises(InvalidStatus) as refused:
                await stranger.socket()
            assert refused.value.response.status_code == status
        assert (await page.register()).startswith("SIP/2.0 200")
        # Asterisk itself is reached on loopback alone.
        listening = (desk.home / "asterisk" / "etc" / "http.conf").read_text()
        assert "bindaddr = 127.0.0.1" in listening


async def test_a_second_page_takes_over_only_when_it_says_so_and_a_secret_ends(desk: Hotline) -> None:
    async with at_desk(desk, "3103", "break") as page:
        second = BrowserPhone(desk, "3103", page.token)
        refused = await second.open()
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/phone-in-use")
        async with BrowserPhone(desk, "3103", page.token, takeover=True) as second:
            assert await page.closed() == 4409
            with pytest.raises(InvalidStatus):
                await page.connect()
            # The secret of before is worth nothing any more, on any way to Asterisk.
            before, second.given = second.given, {**second.given, "ha1": page.given["ha1"]}
            assert not (await second.register()).startswith("SIP/2.0 200")
            second.given = before
            assert (await second.register()).startswith("SIP/2.0 200")
            assert (await second.post("/api/v1/phone/off")).status_code == 204
            assert await second.closed() == 4401
            await desk.agent_is("3103", phone="unreachable")
            assert (await second.post("/api/v1/phone/off")).status_code == 204
        # Without a page the endpoint is nobody's: no call gets in by its name, with whatever secret.
        own = (desk.home / "secrets" / "agents" / "3103").read_text().strip()
        async with Phone("3103-web", "127.0.0.1", desk.sip_port, secret=own) as stranger:
            call = await stranger.dial("*43")
            assert "refused" in await call.ended(10)


async def test_a_phone_is_its_sessions_and_ends_with_it(desk: Hotline) -> None:
    async with at_desk(desk, "3112", "break") as page:
        await page.post("/api/v1/phone/off")
        wanted = {"name": "zhao", "role": "agent", "agent": "3112", "password": "a long first word 1"}
        await desk.request("POST", "/api/v1/users", wanted)
        page.proof = {"Origin": desk.api}
        session = await page.post("/api/v1/session", {"user": "zhao", "password": wanted["password"]})
        assert session.status_code == 200, session.text
        page.proof |= {
            "Cookie": f"sansheng_session={session.cookies['sansheng_session']}",
            "X-CSRF-Token": session.json()["csrf"],
        }
        page.given = (await page.open()).json()
        for origin in ("http://elsewhere.example", None):
            with pytest.raises(InvalidStatus) as refused:
                await page.socket(Origin=origin)
            assert refused.value.response.status_code == 403
        await page.connect()
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            assert (await client.delete(f"{desk.api}/api/v1/session", headers=page.proof)).status_code == 204
        assert await page.closed() == 4401
        await desk.agent_is("3112", phone="unreachable")


async def test_a_page_knows_what_it_is_called_for_and_answers_by_itself_where_told(desk: Hotline) -> None:
    async with at_desk(desk, "3104", rings=True) as page, desk.caller("13800131044") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await asyncio.wait_for(page.answered.wait(), 20)
        queued = await desk.queued("13800131044")
        assert (page.header("Purpose"), page.header("Call")) == ("offer", str(queued["id"]))
        await call.hangup()
        await asyncio.wait_for(page.ended.wait(), 5)
    log = (desk.home / "asterisk" / "log" / "messages").read_text()
    assert "invalid URI" not in log.lower() or "3104" not in log


async def test_a_page_that_rings_and_is_closed_is_left_at_once(desk: Hotline) -> None:
    async with at_desk(desk, "3105", rings=True) as page, desk.caller("13800131045") as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await asyncio.wait_for(page.invited.wait(), 20)
        async with desk.agent("3106", complaint=5) as next_one:
            next_one.on_invite = Answer(0.1, Tone(600))
            page.close()
            await hears_tone(call, 600, within=4)
        await desk.agent_is("3105", phone="unreachable")
        await call.hangup()
    shown = await desk.ended_call("13800131045")
    assert ("3105", "unregistered") in segments(shown)


async def joined(desk: Hotline, page: BrowserPhone, caller: str, call: Call) -> int:
    await asyncio.wait_for(page.answered.wait(), 20)
    await desk.agent_is(page.agent, state="on_call")
    found = desk.newest(caller)
    assert found is not None

    def talks() -> bool:
        shown = desk.records.call_show(found["id"])
        return shown is not None and any(each["joined_at"] for each in shown["segments"])

    await desk.until(talks, "the two are joined")
    return int(found["id"])


async def holding(desk: Hotline, call: int) -> str:
    shown = await desk.request("GET", "/api/v1/floor")
    return str(next((each for each in shown["calls"] if each["id"] == call), shown))


async def test_a_page_that_is_reloaded_in_mid_call_has_the_caller_again(desk: Hotline) -> None:
    number, caller = "3107", "13800131047"
    async with at_desk(desk, number) as page, desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await joined(desk, page, caller, call)
        clock = asyncio.get_running_loop().time
        began, heard = clock(), len(call.rtp.arrivals)
        page.close()
        # Music is what comes from a silent page's call; it begins at once.
        await desk.until(lambda: len(call.rtp.arrivals) > heard + 25, "music", within=3)
        assert clock() - began < 2
        assert (desk.agent_row(number) or {})["state"] == "on_call"
        async with BrowserPhone(desk, number, page.token) as again:
            back = clock()
            await asyncio.wait_for(again.answered.wait(), 5)
            assert clock() - back < 1
            assert again.header("Purpose") == "return"
            assert again.header("Auto-Answer") == "yes"
            await asyncio.sleep(1)  # something to record
            assert not again.ended.is_set()
            assert (desk.agent_row(number) or {})["state"] == "on_call"
            await call.hangup()
            await asyncio.wait_for(again.ended.wait(), 5)
    shown = await desk.ended_call(caller)
    assert segments(shown) == [(number, "answered")]


async def test_a_page_that_does_not_come_back_is_a_phone_that_died(desk: Hotline) -> None:
    number, caller = "3108", "13800131048"
    async with at_desk(desk, number) as page, desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await joined(desk, page, caller, call)
        page.close()
        await hears(call, "agent-cut-off", within=8)
        await desk.agent_is(number, phone="unreachable", state="idle")
        await call.hangup()
    shown = await desk.ended_call(caller)
    assert segments(shown)[0] == (number, "lost")


async def test_a_server_that_is_killed_while_a_page_is_awaited_is_followed_by_one_that_awaits_it(desk: Hotline) -> None:
    number, caller = "3113", "13800131053"
    async with at_desk(desk, number) as page, desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        await joined(desk, page, caller, call)
        heard = len(call.rtp.arrivals)
        page.close()
        await desk.until(lambda: len(call.rtp.arrivals) > heard + 25, "music", within=3)
        await asyncio.to_thread(desk.kill)
        await asyncio.to_thread(desk.start)
        async with BrowserPhone(desk, number, page.token) as again:
            await asyncio.wait_for(again.answered.wait(), 10)
            assert again.header("Purpose") == "return"
            await asyncio.sleep(0.5)
            assert not again.ended.is_set()
            assert (desk.agent_row(number) or {})["state"] == "on_call"
            await call.hangup()
            await asyncio.wait_for(again.ended.wait(), 5)
    assert segments(await desk.ended_call(caller)) == [(number, "answered")]


async def test_a_page_that_is_gone_on_hold_comes_back_to_the_hold(desk: Hotline) -> None:
    number, caller = "3109", "13800131049"
    async with at_desk(desk, number) as page, desk.caller(caller) as phone:
        call = await phone.dial("4008001234", source=Tone(1000))
        id = await joined(desk, page, caller, call)
        assert (await page.post(f"/api/v1/calls/{id}/hold")).status_code == 200
        page.close()
        async with BrowserPhone(desk, number, page.token) as again:
            await asyncio.wait_for(again.answered.wait(), 5)
            resumed = await again.post(f"/api/v1/calls/{id}/resume")
            assert resumed.status_code == 200, resumed.text
            await asyncio.sleep(0.5)
            assert not again.ended.is_set()
            await call.hangup()
            await asyncio.wait_for(again.ended.wait(), 5)
    assert segments(await desk.ended_call(caller)) == [(number, "answered")]


async def test_a_page_that_is_gone_while_a_colleague_is_asked_comes_back_to_the_caller(desk: Hotline) -> None:
    number, caller = "3110", "13800131050"
    async with (
        at_desk(desk, number) as page,
        desk.agent("3111", complaint=1, status="break") as colleague,
        desk.caller(caller) as phone,
    ):
        colleague.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234", source=Tone(1000))
        id = await joined(desk, page, caller, call)
        asked = await page.post(f"/api/v1/calls/{id}/consult", {"to": "3111"})
        assert asked.status_code == 200, asked.text
        talking = await colleague.incoming()
        await talking.answered()
        page.close()
        await talking.ended(5)
        async with BrowserPhone(desk, number, page.token) as again:
            await asyncio.wait_for(again.answered.wait(), 5)
            await asyncio.sleep(0.5)
            assert not again.ended.is_set()
            await call.hangup()
            await asyncio.wait_for(again.ended.wait(), 5)
    assert segments(await desk.ended_call(caller)) == [(number, "answered")]
