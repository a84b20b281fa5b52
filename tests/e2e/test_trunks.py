"""Trunks: a carrier that asks for a password, one that refuses, and what the hotline makes of their answers."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import reduce
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis import Redis

import acd.events as acd
from server.eventlog.entries import decode
from server.hotline.trunk_secrets import store
from server.storage.database import open_database
from server.storage.queries.callbacks import PromiseQueries
from softphone.audio import Tone
from softphone.phone import Answer, Phone
from tests.e2e import brisk
from tests.e2e.carrier import PLAIN, SECRET, SECURE, USER, Carrier, RefusingCarrier, carrier, self_signed
from tests.e2e.conftest import Hotline, hears_tone, make_home
from tests.raw_sip import SDP, RawSip

pytestmark = pytest.mark.e2e

CALLBACK = """
[callback]
outgoing = "01065529988"
window = "00:00-24:00"
delays = { busy = 1, no_answer = 1, rejected = 1, machine = 1, failed = 1, hung_up = 1, lost = 1 }
"""
ODD = "it's a home; b=c"
"""The name of a home that Asterisk reads back, and Dial, MixMonitor and the shell do too."""
REFUSER, CARRIER, TLS = "127.0.0.2", "127.0.0.3", "127.0.0.6"


def trunks(refuser: str, carrier: str, secure: str) -> str:
    return f"""
# All callers of a test come within one second.
[admission]
max_calls_per_second = 0

[trunks.first]
address = "{refuser}"
addresses = ["{REFUSER}"]
numbers = ["13*"]
numbers_out = "plus"
qualify_seconds = 1
unavailable_seconds = 0

[trunks.telecom]
address = "{carrier}"
register = true
user = "{USER}"
retry_seconds = 1
register_seconds = 30
qualify_seconds = 1
trusted = true
cli = "02155667788"
numbers_out = "idd"
user_phone = true
order = 5

[trunks.secure]
address = "{secure}"
transport = "tls"
srtp = "required"
register = true
user = "{SECURE}"
retry_seconds = 1
qualify_seconds = 2
trusted = true
numbers = ["020*"]
max_calls = 1

[trunks.wired]
address = "{carrier}"
transport = "tcp"
user = "{USER}"
addresses = ["127.0.0.7"]
numbers = ["021*"]
qualify_seconds = 3600

[trunks.gateway]
address = "127.0.0.4"
trusted = true
caller_header = "rpid"
numbers_in = "e164"
strip_in = "9"
numbers = []
qualify_seconds = 3600

[trunks.forwarding]
address = "127.0.0.5"
caller_header = "diversion"
numbers = []
qualify_seconds = 3600
"""


class House:
    """One hotline with two carriers for all tests here."""

    def __init__(self, hotline: Hotline, telecom: Carrier, refuser: RefusingCarrier) -> None:
        self.hotline, self.telecom, self.refuser = hotline, telecom, refuser

    async def state(self, name: str) -> dict[str, Any]:
        rows = (await self.hotline.request("GET", "/api/v1/trunks"))["items"]
        return dict(next(row for row in rows if row["name"] == name))

    async def becomes(self, name: str, within: float = 15.0, **wanted: Any) -> dict[str, Any]:
        end = asyncio.get_running_loop().time() + within
        while True:
            row = await self.state(name)
            if all(row[key] == value for key, value in wanted.items()):
                return row
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"trunk {name} is not {wanted}: {row}\n{self.hotline.output()}")
            await asyncio.sleep(0.05)

    async def calls(self, number: str) -> dict[str, Any]:
        return dict(await self.hotline.request("POST", "/api/v1/trunks/test", {"number": number}))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Hotline, Carrier, RefusingCarrier]]:
    folder = make_home()
    hotline = Hotline(folder / ODD)
    hotline.home.mkdir()
    refuser = RefusingCarrier(REFUSER, {503: "Retry-After: 30", 302: f"Contact: <sip:900@{CARRIER}>"})
    try:
        own, known = folder / "carrier", hotline.home / "secrets" / "sip"
        if not self_signed(own, TLS):
            pytest.skip("there is no openssl to make a certificate")
        known.mkdir(parents=True)
        shutil.copy(own / "certificate.pem", known / "ca.pem")
        assert self_signed(known, "127.0.0.1")
        with carrier(CARRIER, hotline.sip_port, TLS, own) as telecom:
            brisk.install(hotline.home)
            text = (hotline.home / "hotline.toml").read_text()
            text = re.sub(r"(?ms)^\[callback[\].].*?(?=^\[(?!callback)|\Z)", "", text)
            # As an editor of Windows writes it.
            (hotline.home / "hotline.toml").write_text(
                text + CALLBACK + trunks(refuser.address, telecom.address, telecom.tls_address), encoding="utf-8-sig"
            )
            for name in ("telecom", "secure", "wired"):
                store(hotline.home, name, SECRET)
            hotline.start()
            yield hotline, telecom, refuser
    finally:
        hotline.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture
async def house(running: tuple[Hotline, Carrier, RefusingCarrier]) -> AsyncIterator[House]:
    hotline, telecom, refuser = running
    async with refuser:
        made = House(hotline, telecom, refuser)
        await made.becomes("first", up=True)
        await made.becomes("telecom", up=True, registered=True)
        # Three refusals in a row would let the first trunk rest: a busy number between them counts as taken.
        await made.calls("13800137486")
        yield made


async def test_a_trunk_registers_and_its_calls_show_its_own_number(house: House) -> None:
    answer = await house.calls("01088886666")
    assert (answer["answered"], answer["sip"], answer["trunk"]) == (True, 200, "telecom")
    came = house.telecom.came()[-1]
    called, _, shown = came.partition(" from ")
    assert called.startswith("sip:00861088886666@")
    assert called.endswith(";user=phone")
    assert shown.count("<sip:00862155667788@") == 2, "From and PAI show the trunk's number as the carrier writes it"
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        metrics = (await client.get(f"{house.hotline.api}/metrics")).text
    for gauge in ("up", "registered"):
        assert f'sansheng_trunk_{gauge}{{trunk="telecom"}} 1.0' in metrics


async def test_a_plain_trunk_offers_g711_and_shows_the_hotlines_number(house: House) -> None:
    assert (await house.calls("13800137486"))["sip"] == 486
    invite = next(text for called, text in house.refuser.came if called == "+8613800137486")
    assert re.search(r"(?m)^m=audio \d+ RTP/AVP 8 0 101\s*$", invite)
    assert "From: <sip:+861065529988@" in invite
    assert "P-Asserted-Identity: <sip:+861065529988@" in invite


@asynccontextmanager
async def rewritten(house: House, change: Callable[[str], str]) -> AsyncIterator[None]:
    """The definitions are others for a while."""
    file = house.hotline.home / "hotline.toml"
    before = file.read_text()
    try:
        file.write_text(change(before))
        await house.hotline.request("POST", "/api/v1/definitions/reload")
        yield
    finally:
        file.write_text(before)
        await house.hotline.request("POST", "/api/v1/definitions/reload")


async def test_a_trunk_that_is_written_while_the_server_runs_takes_calls(house: House) -> None:
    added = f"""
[trunks.added]
address = "{house.refuser.address}"
addresses = ["127.0.0.9"]
numbers = ["0571*"]
from_user = "0106552"
from_domain = "ims.carrier.example"
"""
    async with rewritten(house, lambda before: before + added):
        await house.becomes("added", up=True)
        assert (await house.calls("057188888404"))["trunk"] == "added"
        invite = next(text for called, text in house.refuser.came if called == "057188888404")
        assert re.search("(?m)^From: <sip:0106552@ims.carrier.example>", invite)
        assert "P-Asserted-Identity: <sip:01065529988@" in invite, "the account calls, the number is the hotline's"
    rows = (await house.hotline.request("GET", "/api/v1/trunks"))["items"]
    assert "added" not in {row["name"] for row in rows}


async def test_an_agent_whose_phone_is_at_a_trunks_address_never_calls_from_there(house: House) -> None:
    address, called = house.refuser.address, "4001009300"
    agent = {"name": "Agent 3105", "skills": {"complaint": 1}, "contact": f"sip:3105@{address}"}
    await house.hotline.request("PUT", "/api/v1/agents/3105", agent)
    try:
        house.refuser.invite(house.hotline.sip_port, called, "3105")
        event = await house.hotline.until(lambda: arrived(house.hotline).get(called), "the public's call is in the log")
        assert (event.caller, event.told_by) == ("3105", "from")
    finally:
        await house.hotline.request("DELETE", "/api/v1/agents/3105")


TABLE = {
    503: ("telecom", 200),
    404: ("first", 404),
    500: ("telecom", 200),
    484: ("first", 484),
    401: ("telecom", 200),
    486: ("first", 486),
    403: ("telecom", 200),
    480: ("first", 480),
    407: ("telecom", 200),
    603: ("first", 603),
    488: ("telecom", 200),
    300: ("first", 300),
    408: ("telecom", 200),
    302: ("first", 0),
    491: ("telecom", 200),
}


async def test_the_next_trunk_is_tried_where_a_refusal_names_the_trunk_and_only_there(house: House) -> None:
    before = len(house.telecom.came())
    got = {}
    for status in TABLE:
        answer = await house.calls(f"13800138{status}")

        got[status] = (answer["trunk"], answer["sip"])
    assert got == TABLE
    assert len(house.telecom.came()) - before == sum(sip == 200 for _, sip in TABLE.values())


async def test_a_carrier_that_goes_away_is_down_and_comes_back_by_itself(house: House) -> None:
    house.telecom.stop()
    down = await house.becomes("telecom", up=False)
    assert "does not answer OPTIONS" in down["problem"]
    health = house.hotline.health()
    assert health["ok"], "a carrier that is down is a warning"
    assert any("trunk telecom" in each for each in health["warnings"])
    routes = (await house.hotline.request("GET", "/api/v1/trunks/route?number=01088886666"))["items"]
    assert [route["trunk"] for route in routes if not route["why_not"]] == []
    assert "it is down" in next(route["why_not"] for route in routes if route["trunk"] == "telecom")
    checked = await house.hotline.command("trunk", "check", check=False)
    assert checked.returncode == 1
    assert f"trunk telecom: {house.telecom.address} does not answer OPTIONS" in checked.stderr
    house.telecom.start()
    await house.telecom.up()

    await house.hotline.until(lambda: registered(house, USER), "the carrier that began anew knows where the hotline is")
    await house.becomes("telecom", up=True, registered=True)
    assert (await house.calls("01088886666"))["answered"]
    house.telecom.call(USER, "13912345679")
    event = await house.hotline.until(lambda: arrived(house.hotline).get(USER), "the carrier's call is in the log")
    assert (event.caller, event.told_by) == ("13912345679", "pai")
    await house.becomes("telecom", calls=1)


async def test_a_wrong_secret_is_told_and_the_right_one_is_taken_over(house: House, tmp_path: Path) -> None:
    def given(secret: str) -> Path:
        (tmp_path / "secret").write_text(secret + "\n")
        return tmp_path / "secret"

    await house.hotline.command("trunk", "secret", "telecom", "--file", str(given("wrong")))
    refused = await house.becomes("telecom", up=False, registered=False)
    assert "secret" in refused["problem"]
    await house.hotline.command("trunk", "secret", "telecom", "--file", str(given(SECRET)))
    await house.becomes("telecom", up=True, registered=True, problem="")


TRUSTED, UNTRUSTED = CARRIER, REFUSER
MOBILE, PILOT = "13912345678", "<sip:4008001234@c.example>"
ASSERTED = {"P-Asserted-Identity": "<tel:+8613912345678>"}
HIDDEN = "<sip:anonymous@anonymous.invalid>"
CALLERS: list[tuple[str, dict[str, str], str, str, str, str]] = [
    # From, other headers, where the call comes from -> number as it is shown here, name, the header that told it
    ("<sip:13912345678@c.example>", {}, TRUSTED, MOBILE, "", "from"),
    ("<sip:008613912345678@c.example>", {}, TRUSTED, MOBILE, "", "from"),
    ("<sip:013912345678@c.example>", {}, UNTRUSTED, MOBILE, "", "from"),
    ("<sip:+86-139-1234-5678;phone-context=ims.x@c.example;user=phone>", {}, UNTRUSTED, MOBILE, "", "from"),
    ("<sip:13912345678;npdi;cpc=ordinary@c.example>", {}, TRUSTED, MOBILE, "", "from"),
    ("<sip:1391234%35678@c.example>", {}, UNTRUSTED, MOBILE, "", "from"),
    ("sip:+8613912345678@c.example", {}, TRUSTED, MOBILE, "", "from"),
    ("<tel:+86-21-5566-7788>", {}, TRUSTED, "02155667788", "", "from"),
    ("<tel:5566-7788;phone-context=+8621>", {}, UNTRUSTED, "02155667788", "", "from"),
    ('"李女士" <sip:+85223456789@c.example>', {}, TRUSTED, "+85223456789", "李女士", "from"),
    ('"13912345678" <sip:13912345678@c.example>', {}, TRUSTED, MOBILE, "", "from"),
    (f'"Anonymous" {HIDDEN}', {}, UNTRUSTED, "", "", ""),
    ("<sip:Restricted@c.example>", {}, TRUSTED, "", "", ""),
    ("<sip:Unknown@c.example>", {}, UNTRUSTED, "", "", ""),
    ("<sip:0000000@c.example>", {}, TRUSTED, "", "", ""),
    (f'"Anonymous" {HIDDEN}', ASSERTED | {"Privacy": "id"}, TRUSTED, "", "", ""),
    (f'"Wang" {PILOT}', ASSERTED | {"Privacy": "user;id"}, TRUSTED, "", "", ""),
    (HIDDEN, ASSERTED, TRUSTED, "", "", ""),
    (PILOT, ASSERTED, TRUSTED, MOBILE, "", "pai"),
    (PILOT, ASSERTED, UNTRUSTED, "4008001234", "", "from"),
    (
        PILOT,
        {"P-Asserted-Identity": '"Li, Ming" <sip:+86139%31234567%38;cpc=x@c.example>, <tel:+8613912345678>'},
        TRUSTED,
        MOBILE,
        "Li, Ming",
        "pai",
    ),
    (f'"Li" {PILOT}', {"P-Asserted-Identity": "<sip:anonymous@c.example>"}, TRUSTED, "", "", ""),
    ("<sip:13912345678@c.example>", {"Remote-Party-ID": "<sip:13700000000@c.example>"}, TRUSTED, MOBILE, "", "from"),
]
RPID = "<sip:8613912345678@c.example>"
OTHERS: list[tuple[str, dict[str, str], str, str, str, str]] = [
    ("<sip:02155667788@c.example>", {"Remote-Party-ID": f'"Li" {RPID};privacy=off'}, "", MOBILE, "Li", "rpid"),
    ("<sip:02155667788@c.example>", {"Remote-Party-ID": f"{RPID};privacy=full"}, "", "", "", ""),
    (PILOT, ASSERTED | {"Remote-Party-ID": "<sip:13700000000@c.example>"}, "", MOBILE, "", "pai"),
    # The carrier writes the country code without a plus, and a 9 before it.
    ("<sip:98613912345678@c.example>", {}, "", MOBILE, "", "from"),
    ("<sip:985223456789@c.example>", {}, "", "+85223456789", "", "from"),
    ("<sip:910086@c.example>", {}, "", "10086", "", "from"),
]
FORWARDED = [
    (PILOT, {"Diversion": "<sip:13912345678@c.example>;reason=unconditional"}, "", MOBILE, "", "diversion"),
    ("<sip:13912345678@c.example>", {}, "", MOBILE, "", "from"),
]


def arrived(hotline: Hotline) -> dict[str, acd.CallArrived]:
    """The log's word of each call that came in, by the number that was dialled."""
    with Redis(unix_socket_path=str(hotline.home / "redis" / "redis.sock")) as redis:
        entries: Any = redis.xrange("sansheng:log")
    found = [decode("CallArrived", fields[b"e"]) for _, fields in entries if fields[b"t"] == b"CallArrived"]
    return {event.called: event for event in found}


async def comes(house: House, called: str, sender: str, headers: dict[str, str], source: str) -> acd.CallArrived:
    """A call of the public: what the server keeps of the caller."""
    async with RawSip(house.hotline.sip_port, source) as peer:
        answer = await peer.answer(peer.invite("", called, sender=sender, headers=headers))
        assert answer.startswith(b"SIP/2.0 200"), (sender, answer)
        peer.acknowledge(answer)
        event = await house.hotline.until(lambda: arrived(house.hotline).get(called), f"{sender} is in the log")
        peer.acknowledge(answer, "BYE")
    assert isinstance(event, acd.CallArrived)
    return event


async def test_the_caller_is_taken_from_the_header_that_the_trunk_says_counts(house: House) -> None:
    cases = [*CALLERS, *((*case[:2], "127.0.0.4", *case[3:]) for case in OTHERS)]
    cases += [(*case[:2], "127.0.0.5", *case[3:]) for case in FORWARDED]
    came = await asyncio.gather(*(comes(house, f"400100{place:04}", *case[:3]) for place, case in enumerate(cases)))
    got = [(*case[:3], each.caller, each.name, each.told_by) for case, each in zip(cases, came, strict=True)]
    assert got == cases


async def test_a_trunk_with_tls_and_srtp_registers_and_takes_calls_both_ways(house: House) -> None:
    await house.becomes("secure", up=True, registered=True)
    answer = await house.calls("020-8888-6666")
    assert (answer["answered"], answer["trunk"]) == (True, "secure")
    assert "sip:02088886666@" in house.telecom.came()[-1]
    house.telecom.call(SECURE, "13912345670")
    event = await house.hotline.until(lambda: arrived(house.hotline).get(SECURE), "the carrier's call is in the log")
    assert (event.caller, event.told_by) == ("13912345670", "pai")
    await house.becomes("secure", calls=1)
    routes = (await house.hotline.request("GET", "/api/v1/trunks/route?number=02088886666"))["items"]
    why = {route["trunk"]: route["why_not"] for route in routes}
    assert why["secure"] == "it has no room: 1 calls (max_calls)"
    assert why["telecom"] == ""


async def test_a_pair_for_tls_is_exchanged_in_place_and_the_call_goes_on(house: House, tmp_path: Path) -> None:
    hotline = house.hotline
    folder, asterisk = hotline.home / "secrets" / "sip", hotline.pid("asterisk")

    async def shown() -> str:
        at = ("127.0.0.1", hotline.ports["SIP_TLS"])
        return (await asyncio.to_thread(ssl.get_server_certificate, at)).replace("\n", "")

    def of(file: Path) -> str:
        return file.read_text().replace("\n", "")

    house.telecom.command("channel request hangup all")
    await house.becomes("secure", up=True, registered=True, calls=0)
    assert await shown() == of(folder / "certificate.pem")
    house.telecom.call(SECURE, "13912345679")
    await house.becomes("secure", calls=1)
    for _ in range(2):
        assert self_signed(tmp_path, "127.0.0.1")
        for name in ("key.pem", "certificate.pem"):
            (tmp_path / name).rename(folder / name)
        await hotline.request("POST", "/api/v1/definitions/reload")
        assert await shown() == of(folder / "certificate.pem")
    good = of(folder / "certificate.pem")
    (folder / "certificate.pem").write_text("half writ")
    await hotline.request("POST", "/api/v1/definitions/reload")
    assert any("pair of before: write both files again" in each for each in hotline.warnings())
    assert await shown() == good
    assert (await house.state("secure"))["calls"] == 1, "the call goes on"
    await house.becomes("secure", up=True, registered=True)
    assert self_signed(folder, "127.0.0.1")
    await hotline.request("POST", "/api/v1/definitions/reload")
    assert not any("certificate" in each or "started again" in each for each in hotline.warnings())
    assert hotline.pid("asterisk") == asterisk
    house.telecom.command("channel request hangup all")


async def test_a_trunk_whose_srtp_is_optional_takes_calls_with_it_and_without(house: House) -> None:
    def optional(user: str) -> Callable[[str], str]:
        wanted = {'srtp = "required"': 'srtp = "optional"', "max_calls = 1\n": "max_calls = 9\n", SECURE: user}
        return lambda text: reduce(lambda so_far, each: so_far.replace(*each), wanted.items(), text)

    for user, number, caller in ((PLAIN, "020-8888-6601", "13912345681"), (SECURE, "", "13912345682")):
        async with rewritten(house, optional(user)):
            await house.hotline.until(lambda: registered(house, user), "the carrier knows this account")  # noqa: B023
            await house.becomes("secure", up=True, registered=True)
            if number:
                answer = await house.calls(number)
                assert (answer["answered"], answer["trunk"]) == (True, "secure")
            house.telecom.call(user, caller)

            def came(user: str = user, caller: str = caller) -> bool:
                event = arrived(house.hotline).get(user)
                return event is not None and event.caller == caller

            await house.hotline.until(came, "the carrier's call is in the log")


def registered(house: House, user: str) -> bool:
    return f"sip:{user}@" in house.telecom.command("pjsip show contacts")


async def test_a_call_goes_out_over_tcp_to_a_carrier_that_asks_for_the_password(house: House) -> None:
    answer = await house.calls("02188886666")
    assert (answer["answered"], answer["trunk"]) == (True, "wired")
    assert ";transport=tcp" in house.telecom.came()[-1].lower()


async def test_sound_goes_both_ways_over_srtp(house: House) -> None:
    hotline, number = house.hotline, brisk.LISTS["straight"][76]
    async with hotline.agent("3103", complaint=5) as agent, Phone("x", "127.0.0.1", 0) as subscriber:
        agent.on_invite, subscriber.on_invite = Answer(0.0, Tone(600)), Answer(0.0, Tone(1000))
        await house.becomes("secure", up=True, registered=True)
        house.telecom.call(SECURE, number, subscriber.contact)
        leg, call = await agent.incoming(20), await subscriber.incoming(20)
        await hears_tone(leg, 1000)
        await hears_tone(call, 600)
        assert dict(hotline.newest(number) or {})["called"] == SECURE
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert (shown["outcome"], shown["end_cause"]) == ("handled", "caller_hung_up")


async def test_sound_before_the_answer_and_an_offer_that_comes_late_are_no_hindrance(house: House) -> None:
    early = await house.calls("01088880183")
    assert (early["answered"], early["trunk"]) == (True, "telecom")
    refused = await house.calls("01088880184")
    assert (refused["answered"], refused["sip"], refused["detail"]) == (False, 503, "by trunk telecom: SIP 503")
    async with RawSip(house.hotline.sip_port, CARRIER) as peer:
        answer = await peer.answer(peer.invite("13912345671", "4001009001", sdp=""))
        assert answer.startswith(b"SIP/2.0 200")
        offered = {line.split()[1] for line in answer.decode().splitlines() if line.startswith("a=rtpmap:")}
        assert offered >= {"PCMA/8000", "PCMU/8000"}
        peer.acknowledge(answer, sdp=SDP)
        await house.hotline.until(lambda: arrived(house.hotline).get("4001009001"), "the call is in the log")
        peer.acknowledge(answer, "BYE")


async def test_one_attempt_stays_one_whatever_trunks_are_tried_and_names_the_last(house: House) -> None:
    hotline, number = house.hotline, "13800139500"
    async with hotline.agent("3101", complaint=5) as agent:
        agent.on_invite = Answer(0.1)
        body = {"number": number, "category": "attitude", "reason": "a test asks for it"}
        made = await hotline.request("POST", "/api/v1/callbacks", body)
        leg = await agent.incoming(20)
        shown: dict[str, Any] = {}
        promises = PromiseQueries(open_database(f"sqlite:///{hotline.home / 'records.db'}").read)

        def connected() -> bool:
            shown.update(promises.promise_show(made["id"]) or {"history": []})
            return bool(shown["history"]) and shown["history"][0]["outcome"] == "connected"

        await hotline.until(connected, "the customer is on the line")
        await leg.hangup()
    assert [(each["attempt"], each["detail"]) for each in shown["history"]] == [(1, "by trunk telecom")]
    assert [called for called, _ in house.refuser.came if called.endswith(number[1:])] == [f"+86{number}"]


async def test_a_trace_shows_the_messages_and_no_number(house: House, tmp_path: Path) -> None:
    file = tmp_path / "trace.txt"
    tracing = asyncio.create_task(
        house.hotline.command("trunk", "trace", "--seconds", "2.5", "--to", str(file), check=False)
    )
    log = house.hotline.home / "asterisk" / "run" / "trace.pcap"
    await house.hotline.until(log.exists, "a trace is made")
    answer = await house.calls("13800138501")
    assert answer["answered"]
    done = await tracing
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    assert f"INVITE sip:+86****8501@{REFUSER}" in text
    assert "Authorization: Digest" in text
    assert "CSeq: " in text
    for secret in ("13800138501", "02155667788", SECRET):
        assert secret not in text
    assert not re.search(r'response="(?!…)', text)
    assert file.stat().st_mode & 0o077 == 0
    assert not log.exists(), "nothing is left, and nothing is written any more"


async def test_a_caller_who_is_sent_to_an_outside_number_goes_by_the_trunks_too(house: House) -> None:
    hotline, number, outside = house.hotline, brisk.LISTS["straight"][77], "13800139502"
    async with (
        hotline.agent("3102", complaint=5) as agent,
        Phone(number, "127.0.0.1", hotline.sip_port, bind=CARRIER) as caller,
    ):
        agent.on_invite = Answer(0.0, Tone(600))
        call = await caller.dial("4001009100", source=Tone(1000))
        leg = await agent.incoming(20)
        await hears_tone(call, 600)
        with suppress(ConnectionError):
            await leg.press(f"*3{outside}#")
        await leg.ended()

        def answered() -> bool:
            row = hotline.newest(number)
            shown = hotline.records.call_show(row["id"]) if row else None
            return shown is not None and any(each["joined_at"] for each in shown["segments"][1:])

        await hotline.until(answered, "the outside number has answered")
        await call.hangup()
    shown = await hotline.ended_call(number)
    assert [(each["agent"], each["outcome"]) for each in shown["segments"]] == [
        ("3102", "answered"),
        (outside, "answered"),
    ]
    assert any(called == f"+86{outside}" for called, _ in house.refuser.came), "the first trunk was asked first"


async def test_an_agent_at_an_outside_number_is_called_by_the_next_trunk_where_the_first_refuses(house: House) -> None:
    """Carrier and press of the key are the second trunk's; the record has one offer, and says by which trunks."""
    hotline, number, outside = house.hotline, brisk.LISTS["straight"][78], "13800177503"
    body = {"name": "Agent 3106", "skills": {"complaint": 5}, "contact": f"tel:{outside}"}
    await hotline.request("PUT", "/api/v1/agents/3106", body)
    try:
        async with Phone(number, "127.0.0.1", hotline.sip_port, bind=CARRIER) as caller:
            call = await caller.dial("4001009101", source=Tone(1000))
            await call.answered()
            await hotline.queued(number)
            await hotline.request("POST", "/api/v1/agents/3106/status", {"status": "available"})
            await hotline.agent_is("3106", state="on_call", within=20)

            def recorded() -> bool:
                return any(each.stat().st_size > 16_000 for each in (hotline.home / "spool/recordings").glob("*.wav"))

            await hotline.until(recorded, "agent and caller hear each other")
            await call.hangup()
        shown = await hotline.ended_call(number)
        told = [(each["agent"], each["outcome"], each["ended_by"]) for each in shown["segments"]]
        assert (shown["outcome"], told) == ("handled", [("3106", "answered", "caller")])
        assert (hotline.records.recording_show(shown["segments"][0]["offer"]) or {})["state"] == "closed"
        assert any(called == f"+86{outside}" for called, _ in house.refuser.came), "the first trunk was asked first"
        assert any(f"sip:0086{outside}@" in came for came in house.telecom.came())
    finally:
        await hotline.request("DELETE", "/api/v1/agents/3106")
