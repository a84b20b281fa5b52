"""The operator's rules for tickets at a running hotline: which calls open one, its grade, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from server.hotline.definitions import load
from tests.e2e import brisk

if TYPE_CHECKING:
    from tests.e2e.conftest import Hotline

pytestmark = pytest.mark.e2e

# Never open in the middle of the day, so that every limit ends on a morning.
RULES = """
[calendar.hours]
every_day = ["06:00-07:00"]
holidays = ["06:00-07:00"]

[tickets.raise]
contacts = { 2 = "critical" }
categories = { attitude = "serious" }

[tickets.limits]
general = { respond = 9000, resolve = 36000 }
serious = { respond = 7200, resolve = 18000 }
critical = { respond = 1800, resolve = 7200 }
"""


async def called(hotline: Hotline, number: str) -> dict[str, Any]:
    """A caller waits for an agent and gives up; the ticket of that call."""
    async with hotline.caller(number) as phone:
        call = await phone.dial("4008001234")
        row = await hotline.queued(number)
        await call.hangup()
    ticket = await hotline.until(lambda: (hotline.newest(number) or {}).get("ticket"), f"call {row['id']} has a ticket")
    shown = hotline.records.ticket_show(ticket)
    assert shown is not None
    return shown


async def test_a_complaint_has_the_grade_and_the_limits_of_the_operators_rules(
    new_hotline: Callable[..., Hotline],
) -> None:
    hotline = new_hotline()
    brisk.install(hotline.home)
    file = hotline.home / "hotline.toml"
    # Callers come straight into the queue, whatever the hour is.
    file.write_text(file.read_text(encoding="utf-8") + RULES, encoding="utf-8")
    hotline.start()
    number = "13800131061"
    first = await called(hotline, number)
    calendar = load(hotline.home).calendar
    opened = datetime.fromisoformat(first["opened_at"]).timestamp()
    assert first["grade"] == "serious"
    for name, seconds in (("respond_by", 7200), ("resolve_by", 18000)):
        expected = calendar.add_working(opened, seconds)
        assert expected is not None
        assert datetime.fromisoformat(first[name]).timestamp() == pytest.approx(expected, abs=0.01)
    # A server that plays the log again has the same ticket, and goes by the same rules.
    hotline.kill()
    hotline.start()
    again = await called(hotline, number)
    assert (again["id"], again["grade"]) == (first["id"], "critical")
    raised = datetime.fromisoformat(again["history"][-1]["at"]).timestamp()
    assert again["history"][-1]["why"] == "repeat_contact: 2 calls on the same matter"
    expected = min(
        datetime.fromisoformat(first["respond_by"]).timestamp(), calendar.add_working(raised, 1800) or float("inf")
    )
    assert datetime.fromisoformat(again["respond_by"]).timestamp() == pytest.approx(expected, abs=0.01)
