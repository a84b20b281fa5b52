"""The report of the 24 hours that a night shift closes, as a mail's text: figures, complaints, alarms, chain ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server.storage.queries import figures_report
from server.storage.queries.handover import chain_ends

DAY = timedelta(days=1)
_PARTS = (("queues", "queue"), ("teams", "team"), ("departments", "department"), ("dispatchers", "dispatcher"))


def day_mail(engine: Engine, until: datetime, zone: ZoneInfo, now: datetime) -> tuple[str, str]:
    """(subject, text) of the report of the 24 hours up to `until`, a quarter of an hour. Raises QueryError."""
    period = figures_report.between(until - DAY, until, zone)
    found = figures_report.report(engine, period, now=now)
    begin, end = (each.astimezone(zone) for each in (period.since, period.until))
    subject = f"Sansheng 24 h report 全日报表 {begin:%Y-%m-%d %H:%M} – {end:%m-%d %H:%M}"
    lines = [subject, "", found["belongs"], ""]
    lines += [
        f"{figure['zh']} {figure['en']}: {_value(value, figure['unit'])}    = {figure['formula']}"
        for figure in found["figures"]
        if (value := found["total"][figure["id"]]) is not None
    ]
    for name, first in _PARTS:
        lines += ["", name] if found[name] else []
        lines += [_row(row, first) for row in found[name]]
    with Session(engine) as session:
        ends = chain_ends(session, period)
    lines += ["", "recordings' chains 录音链 (keep these links: they prove that no recording was changed)"]
    lines += [f"{each['day']}: {each['recordings']} recordings, last link {each['last']}" for each in ends] or ["none"]
    return subject, "\n".join(lines) + "\n"


def _row(row: dict[str, Any], first: str) -> str:
    shown = ("calls", "answered", "connect_rate", "service_level", "legs", "aht", "tickets_due", "tickets_in_time",
             "wrong_dispatches")  # fmt: skip
    return f"  {row[first]}: " + ", ".join(f"{name} {row[name]}" for name in shown if row.get(name) is not None)


def _value(value: float, unit: str) -> str:
    return f"{value:.1%}" if unit == "share" else f"{value:g} s" if unit == "seconds" else f"{value:g}"
