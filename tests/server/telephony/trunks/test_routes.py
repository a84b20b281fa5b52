"""A call goes by the first trunk that is up, fits and has room; the list says why the others do not take it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from panoramisk.message import Message

from server.hotline.state import HotlineState
from server.hotline.trunks import Trunk, agent_endpoint, legacy, trunk_of
from server.hotline.view import View
from server.telephony.ami.link import Ami, AmiEvent, LinkState
from server.telephony.channels.ownership import agent_of
from server.telephony.trunks.outgoing import Outgoing
from server.telephony.trunks.rest import ENOUGH
from server.telephony.trunks.routes import Trunks

MOBILE, LANDLINE = "13912345678", "01088886666"
FIRST = Trunk("first", "a.example", numbers=("1*",), max_calls=1)
SECOND = Trunk("second", "b.example", register=True, user="u", secret="s", cli="02155667788")


class Up(Ami):
    """A link that is up and is never asked."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0, "", "")
        self.state = LinkState.UP


@pytest.fixture
def trunks(tmp_path: Path) -> Trunks:
    """Two trunks that are up."""
    made = Trunks(Up(), View(HotlineState), lambda: (FIRST, SECOND), lambda: "CN", tmp_path / "messages")
    for trunk in (FIRST, SECOND):
        told(made, trunk, "Reachable")
    made.health._registrations[SECOND.endpoint] = "Registered"
    return made


def event(**fields: str) -> AmiEvent:
    return AmiEvent(Message(fields))


def told(trunks: Trunks, trunk: Trunk, status: str) -> None:
    trunks.health.contact(event(Event="ContactStatus", AOR=trunk.endpoint, ContactStatus=status))


def why(trunks: Trunks, number: str) -> Mapping[str, str]:
    return {route.trunk.name: route.why_not for route in trunks.routes(number)}


async def test_the_first_that_fits_is_chosen_and_the_next_after_it(trunks: Trunks) -> None:
    assert trunks.choose(MOBILE) is FIRST
    assert trunks.choose(MOBILE, ["first"]) is SECOND
    assert trunks.choose(LANDLINE) is SECOND
    assert trunks.choose(MOBILE, ["first", "second"]) is None
    assert "its patterns (1*) do not fit" in why(trunks, LANDLINE)["first"]


async def test_a_trunk_that_is_down_or_not_registered_takes_nothing_and_its_return_is_told(trunks: Trunks) -> None:
    free: list[bool] = []
    trunks.on_free = lambda: free.append(trunks.resting)
    told(trunks, FIRST, "Unreachable")
    assert why(trunks, MOBILE)["first"].startswith("it is down: a.example does not answer OPTIONS")
    trunks.health._registrations.clear()
    assert why(trunks, MOBILE)["second"].startswith("it is down: the registration does not stand")
    assert trunks.resting
    assert [row["up"] for row in trunks.state()] == [False, False]
    assert [row["registered"] for row in trunks.state()] == [None, False]
    told(trunks, FIRST, "Reachable")
    assert free[-1] is False
    assert trunks.problems() == [f"trunk second: {trunks.health.of(SECOND).problem}"]


async def test_a_trunk_without_its_secret_says_what_to_do(tmp_path: Path) -> None:
    bare = Trunk("bare", "c.example", user="u")
    trunks = Trunks(Up(), View(HotlineState), lambda: (bare,), lambda: "CN", tmp_path / "messages")
    assert trunks.choose(MOBILE) is None
    assert "sansheng trunk secret bare --file FILE" in trunks.problems()[0]


async def test_a_trunk_has_room_for_so_many_calls_also_while_they_are_being_dialled(trunks: Trunks) -> None:
    trunks.begin(FIRST, "caller-1")
    assert trunks.choose(MOBILE) is SECOND
    assert "it has no room: 1 calls" in why(trunks, MOBILE)["first"]
    channel = {"Uniqueid": "caller-1", "DestUniqueid": "d1", "DestChannel": f"PJSIP/{FIRST.endpoint}-00000001"}
    trunks.dial_begin(event(Event="DialBegin", **channel))
    assert trunks.calls("first") == 1
    trunks.dial_state(event(Event="DialState", DialStatus="RINGING", **channel))
    assert trunks.over(FIRST, "caller-1"), "it rang"
    assert trunks.calls("first") == 1, "the channel is there still"
    trunks.hung_up(event(Event="Hangup", Uniqueid="d1"))
    assert trunks.choose(MOBILE) is FIRST
    assert not trunks.over(FIRST, "caller-2")


async def test_each_trunk_rests_by_itself(trunks: Trunks) -> None:
    for _ in range(ENOUGH):
        trunks.failed(FIRST)
    assert "left alone for a while" in why(trunks, MOBILE)["first"]
    assert trunks.choose(MOBILE) is SECOND
    assert not trunks.resting
    trunks.worked(FIRST)
    assert trunks.choose(MOBILE) is FIRST


async def test_the_one_trunk_of_the_setting_is_taken_to_be_up(tmp_path: Path) -> None:
    one = legacy("sip:127.0.0.1:5090")
    trunks = Trunks(Up(), View(HotlineState), lambda: (one,), lambda: "CN", tmp_path / "messages")
    assert trunks.choose(MOBILE) is one
    assert trunks.state() == [
        {"name": "default", "up": True, "registered": None, "calls": 0, "max_calls": 0, "problem": ""}
    ]


class Line:
    """A channel whose Dials end as they are told to, one after the other: (DIALSTATUS, HANGUPCAUSE, SIP)."""

    unique_id = "caller-1"

    def __init__(self, *ends: tuple[str, str, str]) -> None:
        self._ends = list(ends)
        self.dialled: list[tuple[str, str]] = []

    async def execute(self, app: str, *args: str, music_after: str = "") -> str:
        if app == "Dial":
            self.dialled.append((args[0], args[2]))
            self.now = self._ends.pop(0)
        return "0"

    async def get_variable(self, name: str) -> str:
        status, cause, sip = self.now
        return {"DIALSTATUS": status, "HANGUPCAUSE": cause, "HANGUPCAUSE_KEYS()": "PJSIP/a,PJSIP/b"}.get(name, sip)


async def dialled(trunks: Trunks, line: Line, number: str = MOBILE) -> Any:
    return await Outgoing(trunks).dial(line, number, 20.0, "g", "01065529988")  # type: ignore[arg-type]


async def test_a_refusal_that_names_the_trunk_leads_to_the_next_with_its_own_number(trunks: Trunks) -> None:
    line = Line(("CONGESTION", "34", "SIP 503 Busy"), ("ANSWER", "", ""))
    result = await dialled(trunks, line)
    assert (result.answered, result.trunk) == (True, "second")
    assert result.detail == "by trunk first: SIP 503, second: answered"
    assert line.dialled == [
        (f"PJSIP/{MOBILE}@trunk-out-first", "gib(trunk-cli^s^1(01065529988))"),
        (f"PJSIP/{MOBILE}@trunk-out-second", "gib(trunk-cli^s^1(02155667788))"),
    ]


async def test_a_trunk_that_is_unavailable_stands_behind_the_others_and_is_tried_where_no_other_is(
    trunks: Trunks,
) -> None:
    await dialled(trunks, Line(("CONGESTION", "34", "SIP 503 Busy"), ("ANSWER", "", "")))
    assert [route.trunk.name for route in trunks.routes(MOBILE)] == ["second", "first"]
    line = Line(("CONGESTION", "34", "SIP 500 No"), ("ANSWER", "", ""))
    assert (await dialled(trunks, line)).detail == "by trunk second: SIP 500, first: answered"
    assert [route.trunk.name for route in trunks.routes(MOBILE)] == ["first", "second"], "it took a call"


async def test_an_agent_is_called_by_endpoints_that_tell_who_it_is_while_the_offer_stands(trunks: Trunks) -> None:
    for stands, by in ((True, ["first", "second"]), (False, ["first"])):
        line = Line(*[("CONGESTION", "34", "SIP 500 No")] * len(by))
        result = await Outgoing(trunks).dial(
            line,  # type: ignore[arg-type]
            MOBILE,
            20.0,
            "g",
            agent="1005",
            go_on=lambda stands=stands: stands,  # type: ignore[misc]
        )
        assert [device for device, _ in line.dialled] == [f"PJSIP/{MOBILE}@1005-by-{name}" for name in by]
        assert result.refused_by_trunk
    channel = f"PJSIP/{agent_endpoint('1005', 'second')}-0000002a"
    assert (agent_of(channel), trunk_of(channel)) == ("1005", "second")


async def test_a_refusal_of_the_number_or_a_caller_who_gives_up_is_the_end(trunks: Trunks) -> None:
    for end in (
        ("BUSY", "17", "SIP 486 Busy"),
        ("CHANUNAVAIL", "1", "SIP 404 No"),
        ("CANCEL", "", ""),
        ("BUSY", "0", ""),
    ):
        line = Line(end)
        result = await dialled(trunks, line)
        assert (result.trunk, result.refused_by_trunk, len(line.dialled)) == ("first", False, 1)
    assert result.redirected


async def test_a_trunk_that_says_nothing_is_passed_over_and_all_that_fail_are_told(trunks: Trunks) -> None:
    line = Line(("NOANSWER", "0", ""), ("CHANUNAVAIL", "21", "SIP 403 Forbidden"))
    result = await dialled(trunks, line)
    assert (result.refused_by_trunk, result.detail) == (True, "by trunk first: NOANSWER 0, second: SIP 403")
    told(trunks, FIRST, "Unreachable")
    told(trunks, SECOND, "Unreachable")
    nothing = await dialled(trunks, Line())
    assert nothing.refused_by_trunk
    assert nothing.detail.startswith("no trunk takes it (first: it is down: a.example does not answer")


async def test_what_is_no_number_is_not_dialled(trunks: Trunks) -> None:
    with pytest.raises(ValueError, match="is no number that can be dialled"):
        await dialled(trunks, Line(), "1&PJSIP/1001")
