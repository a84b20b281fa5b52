"""Promises that are kept: a call that the hotline places, as the agent, the customer and the records see it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import soundfile

from softphone.audio import Tone, tone_level
from softphone.phone import Answer, CallState, Refuse, Ring
from tests.e2e.conftest import Hotline, hears_tone, running
from tests.e2e.hearing import hears
from tests.e2e.public_network import (
    AGENT_HZ,
    CUSTOMER_HZ,
    OUTGOING,
    RULES,
    PublicNetwork,
    attempts,
    new_hotline,
    public_network,
    seconds_between,
    set_rules,
)

pytestmark = pytest.mark.e2e

RINGING_HZ, COLLEAGUE_HZ = 450, 800
AGENT = Answer(0.3, Tone(AGENT_HZ))


@pytest.fixture(scope="module")
def calling_hotline() -> Iterator[Hotline]:
    """One running hotline with a way out, for all tests here."""
    hotline = new_hotline()
    with running(hotline):
        yield hotline


@pytest_asyncio.fixture
async def network(calling_hotline: Hotline) -> AsyncIterator[PublicNetwork]:
    async with public_network(calling_hotline) as network:
        yield network


async def test_an_agent_calls_back_on_the_same_ticket_and_the_customer_gives_a_mark(
    network: PublicNetwork, tmp_path: Path
) -> None:
    hotline, number = network.hotline, "13800131040"
    async with hotline.caller(number) as phone:
        call = await phone.dial("4008001234")
        await hotline.queued(number)
        await call.hangup()
    first = await hotline.ended_call(number)
    made = await network.promise(number)
    async with hotline.agent("3001", complaint=5) as agent:
        ringing = await agent.incoming()
        assert ringing.number == number
        await ringing.answer(Tone(AGENT_HZ))
        await hears(ringing, "whisper-attitude")
        network.does[number] = Ring()
        called = await network.rings(number)
        assert called.number == OUTGOING
        assert (await network.show(made["id"]))["state"] == "dialling"
        await ringing.heard(RINGING_HZ)
        await called.answer(Tone(CUSTOMER_HZ))
        await hears_tone(called, AGENT_HZ)
        await hears_tone(ringing, CUSTOMER_HZ)
        await network.becomes(made["id"], "connected")
        said = len(ringing.rtp.samples())
        await hotline.until(lambda: len(ringing.rtp.samples()) > said + 16000, "two seconds more are heard")
        await ringing.hangup()
        await hears(called, "survey")
        await called.press("5", via="info")
        await called.ended()
        kept = await network.becomes(made["id"], "kept")
    shown = await hotline.ended_call(number)
    assert shown["id"] == kept["call"] != first["id"]
    assert (shown["direction"], shown["outcome"], shown["satisfaction"]) == ("outbound", "handled", 5)
    assert (shown["ticket"], shown["agent"], shown["category"]) == (first["ticket"], "3001", "attitude")
    target = tmp_path / "call.wav"
    await hotline.command("recording", "pull", str(shown["recordings"][0]), "--to", str(target))
    samples, _ = soundfile.read(target, dtype="int16")
    middle = slice(len(samples) // 4, 3 * len(samples) // 4)
    assert tone_level(samples[middle, 0], CUSTOMER_HZ) > -20 > tone_level(samples[middle, 0], AGENT_HZ) + 25
    assert tone_level(samples[middle, 1], AGENT_HZ) > -20 > tone_level(samples[middle, 1], CUSTOMER_HZ) + 25
    assert network.times(number) == 1


async def test_an_agents_phone_transfers_a_customer_who_was_called(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136020"
    network.does[number] = Answer(0.2, Tone(CUSTOMER_HZ))
    async with hotline.agent("3031", complaint=5) as agent, hotline.agent("3032", media=5) as colleague:
        agent.on_invite, colleague.on_invite = Answer(0.1, Tone(AGENT_HZ)), Answer(0.1, Tone(COLLEAGUE_HZ))
        made = await network.promise(number)
        called = await network.rings(number)
        leg = await agent.incoming()
        await hears_tone(called, AGENT_HZ)
        await hears_tone(leg, CUSTOMER_HZ)
        assert await leg.refer("3032") == 202
        await leg.told(200)
        await leg.hangup()
        second = await colleague.incoming()
        await hears_tone(called, COLLEAGUE_HZ)
        await hears_tone(second, CUSTOMER_HZ)
        await second.hangup()
        await network.becomes(made["id"], "kept")
        await called.hangup()
    shown = await hotline.ended_call(number)
    assert [(leg["agent"], leg["outcome"], leg["ended_by"]) for leg in shown["segments"]] == [
        ("3031", "answered", "transfer"),
        ("3032", "answered", "agent"),
    ]
    assert (shown["outcome"], network.times(number)) == ("handled", 1)


async def test_a_customer_who_is_called_first_presses_1_and_has_an_agent(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136001"
    async with hotline.agent("3002", inquiry=5) as agent:
        made = await network.promise(number, "", queue="inquiry")
        called = await network.rings(number)
        await hears(called, "callback-answer-confirm")
        assert not agent.calls
        await called.press("1", via="info")
        ringing = await agent.incoming()
        assert ringing.number == number
        await ringing.answer(Tone(AGENT_HZ))
        await hears_tone(called, AGENT_HZ)
        await hears_tone(ringing, CUSTOMER_HZ)
        await ringing.hangup()
        await network.becomes(made["id"], "kept")
        await called.hangup()
    assert len((await hotline.ended_call(number))["recordings"]) == 1


async def test_a_machine_that_answers_reaches_no_agent_and_is_called_again(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136002"
    network.does[number] = [Answer(0.2, None), Ring()]
    async with hotline.agent("3003", inquiry=5) as agent:
        made = await network.promise(number, "", queue="inquiry")
        called = await network.rings(number)
        await hears(called, "callback-machine", within=25)
        await called.ended()
        await network.rings(number, time=2)
        shown = await network.show(made["id"])
        assert attempts(shown)[0] == "machine"
        assert not agent.calls


@pytest.mark.parametrize(
    ("does", "outcome", "number"),
    [
        (Refuse(486, 0.2), "busy", "13800136003"),
        (Refuse(603, 0.2), "rejected", "13800136004"),
        (Ring(), "no_answer", "13800136005"),
        (Refuse(480, 0.2), "no_answer", "13800136006"),
    ],
)
async def test_a_customer_who_was_not_reached_is_called_again_later(
    network: PublicNetwork, does: Refuse | Ring, outcome: str, number: str
) -> None:
    network.does[number] = [does, Answer(0.2, Tone(CUSTOMER_HZ))]
    async with network.hotline.agent("3004", complaint=5) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        called = await network.rings(number, within=30, time=2)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert kept["attempts"] == 2
    assert attempts(kept)[0] == outcome
    again = seconds_between(kept["history"][0]["ended_at"], kept["history"][1]["started_at"])
    assert again >= 1


@pytest.mark.parametrize(("code", "number"), [(404, "13800136007"), (484, "13800136008")])
async def test_a_number_that_does_not_exist_is_given_up_at_once(network: PublicNetwork, code: int, number: str) -> None:
    network.does[number] = Refuse(code, 0.2)
    async with network.hotline.agent("3005", complaint=5) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        broken = await network.becomes(made["id"], "broken")
        await network.hotline.agent_is("3005", state="idle")
    assert attempts(broken) == ["unreachable"]
    assert "no such number" in broken["reason"]
    assert network.times(number) == 1


async def test_a_trunk_that_takes_no_call_costs_no_attempt(network: PublicNetwork) -> None:
    number = "13800136009"
    network.does[number] = [Refuse(503), Refuse(503), Answer(0.2, Tone(CUSTOMER_HZ))]
    async with network.hotline.agent("3006", complaint=5) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        called = await network.rings(number, within=30, time=3)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert attempts(kept)[:2] == ["failed"] * 2
    assert kept["attempts"] == 1


async def test_the_next_agent_calls_back_when_one_does_not_pick_up(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136010"
    async with hotline.agent("3007", complaint=9) as deaf, hotline.agent("3008", complaint=5) as ready:
        deaf.on_invite, ready.on_invite = Ring(), AGENT
        made = await network.promise(number)
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        assert deaf.calls[0].code == 487
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert kept["attempts"] == 1
    shown = await hotline.ended_call(number)
    assert [(leg["agent"], leg["outcome"]) for leg in shown["segments"]] == [
        ("3007", "no_answer"),
        ("3008", "answered"),
    ]


async def test_the_customers_phone_rings_no_longer_when_the_agent_hangs_up(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136011"
    network.does[number] = [Ring(), Answer(0.2, Tone(CUSTOMER_HZ))]
    async with hotline.agent("3009", complaint=9) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        leaving = await agent.incoming()
        called = await network.rings(number)
        await leaving.hangup()
        await called.ended(3)
        assert called.code == 487
        # No wrap-up after nothing: the same agent may call again.
        again = await network.rings(number, time=2)
        await hears_tone(again, AGENT_HZ)
        await again.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert attempts(kept)[0] == "agent_gone"
    assert kept["attempts"] == 2


async def test_an_agent_who_hangs_up_during_the_whisper_costs_no_attempt(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136012"
    async with hotline.agent("3010", complaint=9) as leaving, hotline.agent("3011", complaint=5) as ready:
        ready.on_invite = Ring()
        made = await network.promise(number)
        ringing = await leaving.incoming()
        await ringing.answer(Tone(AGENT_HZ))
        await ringing.heard()
        await ringing.hangup()
        next_one = await ready.incoming()
        assert network.times(number) == 0
        await next_one.answer(Tone(AGENT_HZ))
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert kept["attempts"] == 1


async def test_a_customer_whose_agent_is_gone_before_they_spoke_is_served_by_the_next(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136013"
    network.does[number] = Ring()
    async with (
        hotline.agent("3012", announced=True, complaint=9) as leaving,
        hotline.agent("3013", complaint=5) as ready,
    ):
        leaving.on_invite = AGENT
        ready.on_invite = Ring()
        made = await network.promise(number)
        gone = await leaving.incoming()
        called = await network.rings(number)
        await hotline.request("POST", "/api/v1/agents/3012/status", {"status": "break", "reason": "meal"})
        await called.answer(Tone(CUSTOMER_HZ))
        await network.says(made["id"], "on the line")
        # The customer hears the work number now; nobody has spoken yet.
        await gone.hangup()
        next_one = await ready.incoming()
        assert next_one.number == number
        await next_one.answer(Tone(AGENT_HZ))
        await hears_tone(called, AGENT_HZ)
        await next_one.hangup()
        kept = await network.becomes(made["id"], "kept")
        await called.hangup()
    assert kept["attempts"] == 1
    assert network.times(number) == 1


async def test_a_customer_who_hangs_up_at_once_is_called_again(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136014"
    network.does[number] = [Ring(), Answer(0.2, Tone(CUSTOMER_HZ))]
    async with hotline.agent("3014", complaint=9) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        called = await network.rings(number)
        await called.answer(Tone(CUSTOMER_HZ))
        await called.hangup()
        again = await network.rings(number, time=2)
        await hears_tone(again, AGENT_HZ)
        await again.hangup()
        kept = await network.becomes(made["id"], "kept")
    assert attempts(kept)[0] == "hung_up"


async def test_a_promise_that_is_cancelled_while_it_rings_leaves_everybody_alone(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136015"
    network.does[number] = Ring()
    async with hotline.agent("3015", complaint=9) as agent:
        agent.on_invite = AGENT
        made = await network.promise(number)
        ringing = await agent.incoming()
        called = await network.rings(number)
        await hotline.request("POST", f"/api/v1/callbacks/{made['id']}/cancel", {"reason": "solved by mail"})
        await called.ended(3)
        await ringing.ended(3)
        assert called.code == 487
        await hotline.agent_is("3015", state="idle")
        cancelled = await network.becomes(made["id"], "cancelled")
        waiting = await hotline.request("GET", "/api/v1/floor")
        assert not waiting["waiting"]
    assert attempts(cancelled) == ["stopped"]
    assert "solved by mail" in cancelled["reason"]


async def test_nobody_is_called_outside_the_hours(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136016"
    log = hotline.home / "log" / "server.log"

    async def take_over(rules: str) -> None:
        taken = log.read_text().count("definitions taken over")
        set_rules(hotline.home, rules)
        await hotline.until(lambda: log.read_text().count("definitions taken over") > taken, "the rules are new")

    try:
        await take_over(RULES.replace('"00:00-24:00"', f'"{_another_time()}"'))
        async with hotline.agent("3016", complaint=9) as agent:
            made = await network.promise(number)
            shown = await network.becomes(made["id"], "pending")
            await network.says(made["id"], "outside the hours")
            shown = await network.show(made["id"])
            assert seconds_between(made["promised_at"], shown["due_at"]) > 3600
            assert not agent.calls
            assert shown["queued_at"] == made["queued_at"]
    finally:
        await take_over(RULES)
    assert network.times(number) == 0


def _another_time() -> str:
    """A window of one hour, half a day from now."""
    hour = (datetime.now(UTC) + timedelta(hours=8 + 12)).hour
    return f"{hour:02}:00-{hour:02}:59"


async def test_a_call_back_is_held_and_sent_on_like_any_other(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136017"
    async with hotline.agent("3017", complaint=9) as first, hotline.agent("3018", inquiry=9) as second:
        first.on_invite = second.on_invite = AGENT
        made = await network.promise(number)
        talking = await first.incoming()
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        call = (await network.becomes(made["id"], "connected"))["call"]
        await hotline.request("POST", f"/api/v1/calls/{call}/hold", {})
        await called.heard()
        await hotline.request("POST", f"/api/v1/calls/{call}/resume", {})
        await hears_tone(called, AGENT_HZ)
        await hotline.request("POST", f"/api/v1/calls/{call}/transfer", {"to": "inquiry", "kind": "queue"})
        await talking.ended()
        assert called.state is CallState.TALKING
        after = await second.incoming()
        await hears_tone(after, CUSTOMER_HZ)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        await network.becomes(made["id"], "kept")
    shown = await hotline.ended_call(number)
    assert [leg["agent"] for leg in shown["segments"]] == ["3017", "3018"]
    assert len(shown["recordings"]) == 2


async def test_without_a_way_out_promises_stay_and_the_hotline_says_so(hotline: Hotline) -> None:
    async with hotline.agent("3019", complaint=9) as agent:
        made = await hotline.request(
            "POST", "/api/v1/callbacks", {"number": "13800136018", "category": "attitude", "reason": "a test"}
        )
        assert made["state"] == "pending"
        assert any("set up a trunk" in each for each in hotline.health()["warnings"])
        assert not agent.calls
        await hotline.request("POST", f"/api/v1/callbacks/{made['id']}/cancel", {"reason": "the test ends"})
    assert not hotline.warnings()


async def test_a_promise_whose_queue_is_gone_is_kept_by_the_first_queue(network: PublicNetwork) -> None:
    hotline, number = network.hotline, "13800136019"
    log, file = hotline.home / "log" / "server.log", hotline.home / "hotline.toml"
    original = file.read_text(encoding="utf-8")

    async def take_over(text: str) -> None:
        taken = log.read_text().count("definitions taken over")
        file.write_text(text, encoding="utf-8")
        await hotline.until(lambda: log.read_text().count("definitions taken over") > taken, "it is taken over")

    await take_over(f'{original}\n[queues.special]\nskill = "media"\n')
    try:
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        made = await network.promise(number, "", queue="special", after=later)
    finally:
        await take_over(original)
    async with hotline.agent("3020", complaint=9) as agent:
        agent.on_invite = AGENT
        soon = {"until": (datetime.now(UTC) + timedelta(seconds=2)).isoformat(), "reason": "as soon as can be"}
        await hotline.request("POST", f"/api/v1/callbacks/{made['id']}/postpone", soon)
        called = await network.rings(number)
        await hears_tone(called, AGENT_HZ)
        await called.hangup()
        await network.becomes(made["id"], "kept")
