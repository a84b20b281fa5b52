"""Records the fixture: the log of one hotline on which the stories of the end-to-end tests happen.

    .venv/bin/pytest -s -k sqlite tests/recorded/record.py

A story that fails is told of and passed over: it is in the log all the same. The fixture is written over: keep the old
one beside it under another name, since what an earlier release wrote cannot be recorded again.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from server.storage.database import Database
from softphone.audio import Tone
from softphone.phone import Answer, Refuse, Ring
from tests.e2e import (
    test_agent_phone,
    test_away,
    test_calling_back,
    test_giving_up,
    test_nobody_there,
    test_offers,
    test_supervisor,
    test_taking_numbers,
    test_transfers,
    test_whole_call,
)
from tests.e2e.conftest import Hotline
from tests.e2e.public_network import PublicNetwork, cancel_all, new_hotline, public_network
from tests.recorded import played

TEAM = '\n[teams.A]\nleaders = ["1109"]\n'
GIVEN_UP = "\n[callback.queues.partnership]\nabandoned_after = 2\n"
Story = Callable[[], Coroutine[Any, Any, None]]


class Reader(threading.Thread):
    """Reads the hotline's log as it grows, also while Redis is away, and never what was trimmed already."""

    def __init__(self, home: Path) -> None:
        super().__init__(daemon=True)
        self.rows: list[tuple[bytes, dict[bytes, bytes]]] = []
        self.over = threading.Event()
        self._redis = Redis(unix_socket_path=str(home / "redis" / "redis.sock"))

    def run(self) -> None:
        """Until `over` is set and nothing more is there."""
        while True:
            try:
                found = self._redis.xread({"sansheng:log": self.rows[-1][0] if self.rows else "0-0"}, block=200)
            except (RedisError, OSError):
                found = []
                time.sleep(0.01)
            for _, rows in found:
                self.rows += rows
            if self.over.is_set() and not found:
                return


async def gives_up(network: PublicNetwork) -> None:
    """A caller who hung up after a wait is called back."""
    hotline, number = network.hotline, "13800136031"
    async with hotline.agent("3031", partnership=5, status="break") as agent, hotline.caller(number) as phone:
        agent.on_invite = Answer(0.1, Tone(600))
        call = await phone.dial("4008001234")
        await call.answered()
        await call.press("4")
        await hotline.queued(number)
        await asyncio.sleep(3)
        await call.hangup()
        await hotline.ended_call(number)
        await hotline.request("POST", "/api/v1/agents/3031/status", {"status": "available"})
        called = await network.rings(number)
        await test_transfers.hears_tone(called, 600)
        await called.hangup()
        await hotline.ended_call(number)


async def goes_out(network: PublicNetwork) -> None:
    """An agent sends a caller on to a number outside."""
    hotline, number = network.hotline, "13800138112"
    async with (
        test_transfers.agent(hotline, "1101", complaint=5) as phone,
        test_transfers.talking(hotline, phone, number) as (call, leg),
    ):
        await test_transfers.key(leg, "*301088886666#")
        department = await network.rings("01088886666")
        await test_transfers.hears_tone(department, test_transfers.CALLER)
        await call.hangup()
        await department.ended()
    await hotline.ended_call(number)


def stories(hotline: Hotline, network: PublicNetwork, folder: Path) -> Iterator[Story]:
    """What happens, in order."""
    whole = test_whole_call.test_a_call_goes_from_dial_tone_to_a_ticket_with_its_recording
    yield partial(whole, hotline, folder, "rfc2833")
    yield partial(whole, hotline, folder, "rfc2833")
    attended = test_transfers.test_an_attended_transfer_hands_the_caller_to_the_colleague_who_was_asked
    yield partial(attended, hotline, folder, "keys")
    for code, outcome, caller in ((603, "declined", "13800131003"), (486, "busy", "13800131004")):
        yield partial(test_offers.test_the_next_agent_gets_the_call_that_one_refuses, hotline, code, outcome, caller)
    for story in (
        test_offers.test_a_caller_keeps_the_place_when_an_agent_does_not_answer,
        test_offers.test_a_phone_that_says_nothing_is_not_the_agents_fault,
        test_offers.test_a_caller_waits_on_at_the_same_place_when_the_agent_hangs_up_during_the_whisper,
        test_offers.test_an_agent_who_takes_a_break_while_the_phone_rings_is_left_alone_at_once,
        test_giving_up.test_giving_up_in_the_queue_is_abandoning_unless_it_was_at_once,
        test_giving_up.test_the_phone_stops_ringing_at_once_when_the_caller_hangs_up_and_the_next_call_comes,
        test_agent_phone.test_an_agent_at_a_fixed_contact_does_the_same,
        test_supervisor.test_a_waiting_call_is_moved_and_says_who_moved_it_and_why,
        test_supervisor.test_a_waiting_call_is_pulled_for_an_agent_whatever_the_skills,
        test_supervisor.test_a_raised_priority_changes_the_order,
        test_supervisor.test_a_supervisor_listens_whispers_and_barges_in_and_the_log_knows,
        test_transfers.test_an_agent_holds_the_caller_with_music_and_comes_back,
        test_transfers.test_a_blind_transfer_to_an_agent_rings_there,
        test_transfers.test_a_blind_transfer_that_is_declined_returns_to_the_agent,
        test_transfers.test_a_transfer_to_a_queue_keeps_the_time_of_arrival,
        test_transfers.test_help_holds_the_caller_and_rings_the_team_leader,
        test_transfers.test_a_caller_on_hold_whose_agent_hangs_up_is_first_in_the_queue_again,
        test_nobody_there.test_outside_the_hours_a_message_or_a_number_is_taken,
        test_nobody_there.test_with_nobody_signed_in_each_queue_follows_its_recipe,
        test_nobody_there.test_waiting_callers_hear_where_they_stand_until_an_agent_cuts_it_short,
        test_taking_numbers.test_forced_on_takes_the_number_says_from_where_it_is_called_and_a_second_call_cancels,
        test_taking_numbers.test_a_caller_who_declines_after_all_waits_in_the_same_place,
        test_taking_numbers.test_a_customer_who_waits_now_takes_the_place_of_the_callback,
    ):
        yield partial(story, hotline)
    yield partial(
        test_calling_back.test_an_agent_calls_back_on_the_same_ticket_and_the_customer_gives_a_mark, network, folder
    )
    for does, how, number in (
        (Refuse(486, 0.2), "busy", "13800136003"),
        (Refuse(603, 0.2), "rejected", "13800136004"),
        (Ring(), "no_answer", "13800136005"),
    ):
        yield partial(
            test_calling_back.test_a_customer_who_was_not_reached_is_called_again_later, network, does, how, number
        )
    yield partial(test_calling_back.test_a_number_that_does_not_exist_is_given_up_at_once, network, 404, "13800136007")
    for kept in (
        test_calling_back.test_a_customer_who_is_called_first_presses_1_and_has_an_agent,
        test_calling_back.test_a_machine_that_answers_reaches_no_agent_and_is_called_again,
        test_calling_back.test_a_trunk_that_takes_no_call_costs_no_attempt,
        test_calling_back.test_the_next_agent_calls_back_when_one_does_not_pick_up,
        test_calling_back.test_the_customers_phone_rings_no_longer_when_the_agent_hangs_up,
        test_calling_back.test_a_customer_who_hangs_up_at_once_is_called_again,
        test_calling_back.test_a_promise_that_is_cancelled_while_it_rings_leaves_everybody_alone,
        test_calling_back.test_a_call_back_is_held_and_sent_on_like_any_other,
        gives_up,
        goes_out,
        test_calling_back.test_nobody_is_called_outside_the_hours,
    ):
        yield partial(kept, network)
    # The server dies in the middle of these.
    yield partial(test_transfers.test_a_hold_outlives_the_server, hotline)
    yield partial(test_transfers.test_a_consultation_outlives_the_server, hotline)


async def tell(hotline: Hotline, folder: Path) -> None:
    """All stories; the last one begins with other definitions."""
    test_transfers.TRUNK_PORT = int(hotline.settings["SANSHENG_TRUNK"].rpartition(":")[2])
    async with public_network(hotline) as network:
        for story in stories(hotline, network, folder):
            await told(story)
            await cancel_all(hotline)
    await asyncio.to_thread(hotline.stop)
    away = test_away.test_a_number_is_taken_while_no_server_is_there_and_when_the_line_is_full
    await told(partial(away, lambda: hotline))


async def told(story: Story) -> None:
    """One story, and whether it went as it should."""
    name, began = getattr(story, "func", story).__name__, time.monotonic()
    try:
        await asyncio.wait_for(story(), 120)
        how = "ok"
    except Exception as error:
        how = f"{type(error).__name__}: {error}"
    print(f"{time.monotonic() - began:5.1f} s  {name}: {how}", flush=True)  # noqa: T201


def test_record(database: Database) -> None:
    """Not collected by itself."""
    hotline = new_hotline(SANSHENG_NODE="hotline", SANSHENG_DRAIN_SECONDS="0.5")
    definitions = hotline.home / "hotline.toml"
    definitions.write_text(definitions.read_text(encoding="utf-8") + GIVEN_UP + TEAM, encoding="utf-8")
    reader = Reader(hotline.home)
    folder = Path(tempfile.mkdtemp(prefix="ss-recorded-"))
    try:
        hotline.start()
        reader.start()
        asyncio.run(tell(hotline, folder))
    finally:
        hotline.end()
        reader.over.set()
        reader.join()
        for each in (hotline.home, folder):
            shutil.rmtree(each, ignore_errors=True)
    lines = (
        json.dumps({"id": place.decode(), **{key.decode(): value.decode() for key, value in row.items()}})
        for place, row in reader.rows
    )
    played.LOG.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
    played.expect(played.entries(), database)
    print(f"{len(reader.rows)} entries, {played.LOG.stat().st_size / 1000:.0f} kB")  # noqa: T201
