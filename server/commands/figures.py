"""`sansheng report day|week|month|range|shift|hourly`: the records in figures, with or without a running server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from server.commands.output import Json, print_json, say, show, table
from server.commands.shared import Refused, instant, reading, wholes, zone
from server.commands.shared import day as as_day

if TYPE_CHECKING:
    from server.storage.queries.figures_report import Period

Day = Annotated[str | None, typer.Option(help="The day, 2027-01-15; today if left out.")]
Most = Annotated[int, typer.Option("--limit", help="How many at most.", min=1, max=1000)]
Queue = Annotated[str | None, typer.Option(help="One queue.")]
Interval = Annotated[str, typer.Option(help="15m, 30m, 1h or 1d.")]
Within = Annotated[int, typer.Option(help="T of the service level, in seconds.", min=1, max=3600)]
Repeats = Annotated[int, typer.Option("--days", help="N of repeats, in days.", min=1, max=31)]

OF_INTERVALS = (
    "from", "calls", "asked", "answered", "abandoned", "connect_rate", "service_level", "asa", "wait_p95", "aht", "acw",
    "satisfaction", "fcr", "complaint_rate",
)  # fmt: skip
OF_AGENTS = (
    "legs",
    "missed",
    "aht",
    "acw",
    "utilisation",
    "occupancy",
    "satisfaction",
    "repeat_rate",
    "complaint_rate",
)
OF_SORTING = ("dispatches", "wrong_dispatches", "wrong_dispatch_rate")
OF_TICKETS = (
    *("tickets_opened", "tickets_due", "tickets_in_time", "responses_in_time", "tickets_dispatched", "tickets_settled"),
    *OF_SORTING[1:],
    *("follow_ups", "follow_ups_in_time", "follow_up_satisfied_rate", "follow_up_mark"),
)
OF_COMPLAINTS = (
    "complaints",
    "share",
    "before",
    "tickets_due",
    "tickets_in_time",
    "tickets_dispatched",
    "wrong_dispatches",
    "tickets_settled",
)
_LISTS = (
    ("queues", ("queue", *OF_INTERVALS[1:])),
    ("categories", ("category", *OF_INTERVALS[1:])),
    ("wholes", ("whole", *OF_INTERVALS[1:])),
    ("teams", ("team", *OF_AGENTS)),
    ("agents", ("agent", *OF_AGENTS)),
    ("departments", ("department", *OF_TICKETS)),
    ("dispatchers", ("dispatcher", *OF_SORTING)),
    ("answers", ("answer", "answers")),
)
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


def register(app: typer.Typer) -> None:
    """The commands of this module, under `report`."""
    for command in (day, week, month, range_, shift, hourly, complaints, mails):
        app.command(command.__name__.rstrip("_"))(command)


def day(
    day: Day = None,
    interval: Interval = "30m",
    queue: Queue = None,
    within: Within = 20,
    days: Repeats = 7,
    as_json: Json = False,
) -> None:
    """One day by intervals, queues, categories, teams, agents, departments and dispatchers."""
    from server.storage.queries import figures_report

    every = seconds(interval)
    _show(lambda where: figures_report.days(_day(day, where), where, interval=every), queue, within, days, as_json)


def week(day: Day = None, queue: Queue = None, within: Within = 20, days: Repeats = 7, as_json: Json = False) -> None:
    """The week, Monday to Sunday, in which the day lies."""
    from server.storage.queries import figures_report

    _show(lambda where: figures_report.week_of(_day(day, where), where), queue, within, days, as_json)


def month(day: Day = None, queue: Queue = None, within: Within = 20, days: Repeats = 7, as_json: Json = False) -> None:
    """The month in which the day lies."""
    from server.storage.queries import figures_report

    _show(lambda where: figures_report.month_of(_day(day, where), where), queue, within, days, as_json)


def range_(
    first: Annotated[str, typer.Option("--from", help="The first day, 2027-01-15.")],
    last: Annotated[str, typer.Option("--to", help="The last day; it is in it.")],
    queue: Queue = None,
    within: Within = 20,
    days: Repeats = 7,
    as_json: Json = False,
) -> None:
    """From one day to another, a year at most."""
    from server.storage.queries import figures_report

    _show(
        lambda where: figures_report.range_of(_day(first, where, "--from"), _day(last, where, "--to"), where),
        queue, within, days, as_json,
    )  # fmt: skip


def shift(
    since: Annotated[str, typer.Option("--from", help="When it began, 2027-01-15T08:00.")],
    until: Annotated[str, typer.Option("--to", help="When it ended.")],
    interval: Interval = "1h",
    within: Within = 20,
    days: Repeats = 7,
    as_json: Json = False,
) -> None:
    """One shift, from a quarter of an hour to another one."""
    from server.storage.queries import figures_report

    began, ended, every = instant(since, "--from"), instant(until, "--to"), seconds(interval)
    _show(lambda where: figures_report.between(began, ended, where, interval=every), None, within, days, as_json)


def hourly(day: Day = None, within: Within = 20, days: Repeats = 7, as_json: Json = False) -> None:
    """Each team in each hour of the day."""
    from server.storage.figures.catalogue import Terms
    from server.storage.queries import figures_report

    where = zone()
    with reading() as engine:
        period = figures_report.days(_day(day, where), where, interval=3600)
        found = figures_report.hourly(engine, period, now=datetime.now(UTC), terms=Terms(within, days))
    if as_json:
        print_json(found)
        return
    shares = {figure["id"] for figure in found["figures"] if figure["unit"] == "share"}
    _lines(found["teams"], ("from", "team", *OF_AGENTS), where, shares)


def complaints(day: Day = None, days: Repeats = 7, as_json: Json = False) -> None:
    """The complaints of the month in which the day lies, by category and department, beside the month before."""
    from server.storage.figures.catalogue import Terms
    from server.storage.queries import figures_report

    where = zone()
    with reading() as engine:
        found = figures_report.complaints(
            engine, _day(day, where), where, now=datetime.now(UTC), terms=Terms(days=days), wholes=wholes()
        )
    if as_json:
        print_json(found)
        return
    total = found["total"]
    say(f"{found['month']}: {total['complaints_opened']} complaints, {found['before']} in the month before")
    for name, first in (("categories", "category"), ("wholes", "whole"), ("departments", "department")):
        if name == "wholes" and not found[name]:
            continue
        say("")
        _lines(found[name], (first, *OF_COMPLAINTS), where, {"share", "tickets_in_time", "first_desk_rate"})


def mails(
    as_json: Json = False, limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 30
) -> None:
    """The mails with the report of 24 hours, newest first: sent, or waiting and why."""
    from server.storage.mail_outbox import MailOutbox

    with reading() as engine:
        show(MailOutbox(engine).newest(limit), ("id", "recipients", "made_at", "sent_at", "tries", "error"), as_json)


def seconds(text: str) -> int:
    """An interval as people write it. Raises Refused."""
    number, unit = text[:-1].strip(), text[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) <= 4 and unit in _UNITS):
        raise Refused(f"--interval {text}: write minutes, hours or a day, such as 15m, 30m, 1h or 1d")
    return int(number) * _UNITS[unit]


def _show(period: Callable[[ZoneInfo], Period], queue: str | None, within: int, days: int, as_json: bool) -> None:
    from server.storage.figures.catalogue import Terms
    from server.storage.queries.figures_report import report

    where = zone()
    with reading() as engine:
        terms = Terms(within, days)
        found = report(engine, period(where), now=datetime.now(UTC), queue=queue, terms=terms, wholes=wholes())
    if as_json:
        print_json(found)
        return
    say(f"{found['from']} to {found['to']} {found['zone']}, queue {found['queue']}: {found['belongs']}")
    shares = {figure["id"] for figure in found["figures"] if figure["unit"] == "share"}
    busy = [row for row in found["intervals"] if row["calls"] or row["legs"]]
    _lines([*busy, {"from": "total", **found["total"]}], OF_INTERVALS, where, shares)
    for name, columns in _LISTS:
        if found[name]:
            say("")
            _lines(found[name], columns, where, shares)
    say("")
    for figure in found["figures"]:
        value = found["total"][figure["id"]]
        if value is not None:
            named = f" ({figure['named']})" if figure["named"] else ""
            say(f"{figure['zh']} {figure['en']}: {_value(value, figure['unit'])} = {figure['formula']}{named}")


def _value(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else f"{value:g} s" if unit == "seconds" else f"{value:g}"


def _lines(rows: Sequence[dict[str, Any]], columns: Sequence[str], where: ZoneInfo, shares: set[str]) -> None:
    shown = [
        {name: f"{each:.1%}" if name in shares and each is not None else each for name, each in row.items()}
        for row in rows
    ]
    for line in table(shown, columns, where) if rows else ["none"]:
        say(line)


def _day(text: str | None, where: ZoneInfo, option: str = "--day") -> date:
    return datetime.now(UTC).astimezone(where).date() if text is None else as_day(text, option)
