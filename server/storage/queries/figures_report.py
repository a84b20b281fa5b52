"""A day, or a range of days, in figures: from the counts of its quarter hours, so that many calls cost what few do.

Where an interval holds a whole block of slots, the block's sum is read in their place: the same counts in fewer rows.
Intervals sum to the whole, queues and categories too. A team is the sum of the agents who are in it now; an agent in
two teams counts in both. A category that has parts is besides, in a list of its own, the sum of itself and of them, as
the operator has them now. Agents' times have no queue: a report of one queue leaves them out.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, and_, or_, select

from server.storage.figures.catalogue import Of, Terms, catalogue, figures_of
from server.storage.figures.counts import BLOCK, SLOT, Counts, merge, slot_of, total
from server.storage.projections.contributions import ANSWER, DUE, SORTING, spent
from server.storage.queries.paging import QueryError, iso
from server.storage.schema.report_tables import ReportBlock, ReportCell, ReportCount
from server.storage.schema.tables import Agent, AgentInterval

BELONGS = (
    "a call and its legs belong to the interval in which the call was offered, and to the queue that it reached last;"
    " agents' times, tickets and recordings to the one in which they were"
)
_DAY = 86_400
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
LONGEST = 366
"""Days that one report may span."""
KINDS = {
    "queue": ("queues", (Of.CALLS, Of.LEGS, Of.TICKETS, Of.SORTING), frozenset({"call", "promise", "ticket", DUE})),
    "category": (
        "categories",
        (Of.CALLS, Of.LEGS, Of.TICKETS, Of.SORTING),
        frozenset({"call", "promise", "ticket", DUE}),
    ),
    "whole": ("wholes", (Of.CALLS, Of.LEGS, Of.TICKETS, Of.SORTING), frozenset({"call", "promise", "ticket", DUE})),
    "agent": ("agents", (Of.LEGS, Of.AGENTS), frozenset({"agent", "time", "recording", "score"})),
    "team": ("teams", (Of.LEGS, Of.AGENTS), frozenset({"agent", "time", "recording", "score"})),
    "department": ("departments", (Of.TICKETS, Of.SORTING), frozenset({"ticket", DUE})),
    "dispatcher": ("dispatchers", (Of.SORTING,), frozenset({SORTING})),
    "answer": ("answers", (Of.ANSWERS,), frozenset({ANSWER})),
}
"""What is broken down: into which list, with which figures, from which kinds of counts."""
NAMED_BY = {"queue": "queue", "category": "category", "whole": "category"}
"""Where a count has the name by which it is broken down; all others are named by its `agent`."""
Groups = Mapping[str, Sequence[str]]
"""In which groups something counts: an agent in teams, a category in the one that it is a part of."""
OF_AGENTS = frozenset({"agent", SORTING})
"""Kinds that say again, by agent or dispatcher, what other kinds say of the whole."""
_decode = msgspec.json.Decoder(dict[str, int]).decode
_AT_ONCE = 5000
_RUNS_AT_ONCE = 100
"""Stretches of time that one statement asks for: a database takes so many conditions."""


class Cell(NamedTuple):
    """Of what counts are, in any slot."""

    kind: str
    queue: str
    category: str
    agent: str


Counted = tuple[int, Cell, Counts]
"""The place of an interval, and what was counted in it."""


@dataclass(frozen=True, slots=True)
class Period:
    """What a report is of: [since, until), cut into intervals that begin at `begins`. `words` name it."""

    since: datetime
    until: datetime
    begins: tuple[datetime, ...]
    zone: ZoneInfo
    words: dict[str, Any]


def days(day: date, zone: ZoneInfo, *, count: int = 1, interval: int = 1800) -> Period:
    """So many days of this zone, from `day` on; `interval` in seconds. Raises QueryError for what cannot be."""
    if not 1 <= count <= LONGEST:
        raise QueryError(f"a report spans from 1 to {LONGEST} days, not {count}")
    if not FIRST_DAY <= day <= LAST_DAY - timedelta(days=count):
        raise QueryError(f"there is no report of {day}: days are from {FIRST_DAY} to {LAST_DAY}")
    if interval % SLOT or interval <= 0 or (_DAY % interval and interval != count * _DAY):
        raise QueryError(
            f"an interval of {interval} s is not made of quarter hours that divide a day: 15m, 30m, 1h, 1d"
        )
    midnights = [_midnight(day + timedelta(days=each), zone) for each in range(count + 1)]
    since, until = midnights[0], midnights[-1]
    if interval == _DAY:
        begins = midnights[:-1]
    else:
        cuts = range(0, int((until - since).total_seconds()), interval)
        begins = [since + timedelta(seconds=each) for each in cuts]
    return Period(since, until, tuple(begins), zone, {"day": day.isoformat(), "days": count, "interval": interval})


def between(since: datetime, until: datetime, zone: ZoneInfo, *, interval: int = 3600) -> Period:
    """From a quarter of an hour to another one, such as a shift. Raises QueryError."""
    if since.timestamp() % SLOT or until.timestamp() % SLOT:
        raise QueryError("a shift begins and ends at a quarter of an hour, such as 08:00 or 16:15")
    if not since < until <= since + timedelta(days=LONGEST):
        raise QueryError(f"a shift ends after it began, and lasts {LONGEST} days at most")
    if interval % SLOT or interval <= 0:
        raise QueryError(f"an interval of {interval} s is not made of quarter hours: 15m, 30m, 1h")
    cuts = range(0, int((until - since).total_seconds()), interval)
    begins = tuple(since + timedelta(seconds=each) for each in cuts)
    return Period(since, until, begins, zone, {"interval": interval})


def week_of(day: date, zone: ZoneInfo) -> Period:
    """The week, Monday to Sunday, in which this day lies, by days. Raises QueryError."""
    if day < FIRST_DAY:
        raise QueryError(f"there is no report of {day}: days are from {FIRST_DAY} to {LAST_DAY}")
    return days(day - timedelta(days=day.weekday()), zone, count=7, interval=_DAY)


def month_of(day: date, zone: ZoneInfo) -> Period:
    """The month in which this day lies, by days. Raises QueryError."""
    return days(day.replace(day=1), zone, count=monthrange(day.year, day.month)[1], interval=_DAY)


def range_of(first: date, last: date, zone: ZoneInfo) -> Period:
    """From the first day to the last, both in it, by days. Raises QueryError."""
    if last < first:
        raise QueryError(f"the last day, {last}, is before the first, {first}")
    return days(first, zone, count=(last - first).days + 1, interval=_DAY)


def report(
    engine: Engine,
    period: Period,
    *,
    now: datetime,
    queue: str | None = None,
    terms: Terms | None = None,
    wholes: Groups | None = None,
) -> dict[str, Any]:
    """The figures of a period, up to `now`. `wholes` says which categories make one."""
    terms = terms or Terms()
    cells, of_intervals, teams = _sums(engine, period, now, queue)
    groups = {"team": teams, "whole": wholes or {}}
    return {
        **period.words,
        "from": iso(period.since),
        "to": iso(period.until),
        "zone": period.zone.key,
        "queue": queue or "all",
        "terms": asdict(terms),
        "belongs": BELONGS,
        "figures": catalogue(terms),
        "intervals": _intervals(of_intervals, period, terms),
        **{name: _group(what, cells, groups, terms) for what, (name, _, _) in KINDS.items()},
        "total": figures_of(total(of_intervals), terms),
    }


def hourly(engine: Engine, period: Period, *, now: datetime, terms: Terms | None = None) -> dict[str, Any]:
    """The sheet of each team in each interval in which it was signed in or on calls, and of the whole."""
    terms = terms or Terms()
    _, figures, kinds = KINDS["team"]
    sums: defaultdict[tuple[int, str], Counts] = defaultdict(dict)
    intervals: list[Counts] = [{} for _ in period.begins]
    with engine.connect() as connection:
        teams = teams_of(connection)
        for place, cell, counts in _counted(connection, period, now, None):
            for team in teams.get(cell.agent, ()) if cell.kind in kinds else ():
                merge(sums[place, team], counts)
            if cell.kind not in OF_AGENTS:
                merge(intervals[place], counts)
    ends = (*period.begins[1:], period.until)
    return {
        **period.words,
        "zone": period.zone.key,
        "terms": asdict(terms),
        "figures": catalogue(terms),
        "teams": [
            {"from": iso(period.begins[at]), "to": iso(ends[at]), "team": team}
            | figures_of(sums[at, team], terms, figures)
            for at, team in sorted(sums)
        ],
        "intervals": _intervals(intervals, period, terms),
    }


def complaints(
    engine: Engine,
    day: date,
    zone: ZoneInfo,
    *,
    now: datetime,
    terms: Terms | None = None,
    wholes: Groups | None = None,
) -> dict[str, Any]:
    """The complaint statistics of the month in which this day lies, beside those of the month before.

    By category, by those that have parts (`wholes`) and by department: complaint tickets opened, their share, the
    change, and what became of the tickets.
    """
    terms = terms or Terms()
    month = month_of(day, zone)
    before = month_of(day.replace(day=1) - timedelta(days=1), zone)
    cells, of_days, teams = _sums(engine, month, now, None)
    earlier = _sums(engine, before, now, None)[0]
    of_all = figures_of(total(of_days), terms)
    lists: dict[str, Any] = {}
    groups = {"team": teams, "whole": wholes or {}}
    for what in ("category", "whole", "department"):
        past = {row[what]: row["complaints_opened"] for row in _group(what, earlier, groups, terms)}
        rows = [
            {what: row[what], "complaints": row["complaints_opened"], "before": past.pop(row[what], 0)}
            | {"share": _part(row["complaints_opened"], of_all["complaints_opened"])}
            | {name: row[name] for name in _OF_COMPLAINTS}
            for row in _group(what, cells, groups, terms)
            if any(row[name] for name in ("complaints_opened", *_OF_COMPLAINTS))
        ]
        rows += [{what: name, "complaints": 0, "before": count, "share": None} | dict.fromkeys(_OF_COMPLAINTS)
                 for name, count in sorted(past.items()) if count]  # fmt: skip
        lists[KINDS[what][0]] = rows
    return {
        **month.words,
        "month": f"{day:%Y-%m}",
        "zone": zone.key,
        "figures": catalogue(terms),
        "total": of_all,
        "before": sum(counts.get("complaints_opened", 0) for counts in earlier.values()),
        "days": [
            {"day": f"{begin.astimezone(zone):%Y-%m-%d}", "complaints": counts.get("complaints_opened", 0)}
            for begin, counts in zip(month.begins, of_days, strict=True)
        ],
        **lists,
    }


_OF_COMPLAINTS = (
    *("tickets_due", "tickets_in_time", "tickets_dispatched", "wrong_dispatches", "tickets_settled", "first_desk_rate"),
)


def _part(part: Any, whole: Any) -> float | None:
    return round(part / whole, 4) if whole else None


def _sums(
    engine: Engine, period: Period, now: datetime, queue: str | None
) -> tuple[dict[Cell, Counts], list[Counts], dict[str, Sequence[str]]]:
    """What was counted in the period, with what agents do at the moment: by cell, and by interval; the agents' teams.

    An interval has no counts of kinds that say again by agent what others say of the whole.
    """
    cells: defaultdict[Cell, Counts] = defaultdict(dict)
    intervals: list[Counts] = [{} for _ in period.begins]
    with engine.connect() as connection:
        for place, cell, counts in _counted(connection, period, now, queue):
            merge(cells[cell], counts)
            if cell.kind not in OF_AGENTS:
                merge(intervals[place], counts)
        return cells, intervals, teams_of(connection)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _counted(connection: Connection, period: Period, now: datetime, queue: str | None) -> Iterator[Counted]:
    place_of, present = _places(period), slot_of(now.timestamp())
    blocks = [
        block
        for block in range(min(place_of) // BLOCK, max(place_of) // BLOCK + 1)
        if (block + 1) * BLOCK <= present and _is_whole(block, place_of)
    ]
    apart = sorted(place_of.keys() - {slot for block in blocks for slot in _slots(block)})
    cells = _cells(connection, queue)
    for table, begins, width in ((ReportBlock, blocks, BLOCK), (ReportCount, apart, 1)):
        for begin, number, data in _rows(connection, table, begins, cells if queue is not None else None):
            cell = cells[number]
            if cell.kind != DUE or begin * width < present:
                yield place_of[begin * width], cell, _decode(data)
    if queue is None:
        yield from _going_on(connection, place_of, now)


def _slots(block: int) -> range:
    return range(block * BLOCK, (block + 1) * BLOCK)


def _is_whole(block: int, place_of: Mapping[int, int]) -> bool:
    """Whether all of the block's slots lie in one interval."""
    slots = _slots(block)
    return place_of.get(slots[0]) == place_of.get(slots[-1]) is not None


def _cells(connection: Connection, queue: str | None) -> dict[int, Cell]:
    """The cells, of all queues or of one, by their numbers."""
    columns = (ReportCell.id, ReportCell.kind, ReportCell.queue, ReportCell.category, ReportCell.agent)
    wanted = select(*columns)
    if queue is not None:
        wanted = wanted.where(ReportCell.queue == queue)
    return {number: Cell(*names) for number, *names in connection.execute(wanted)}


def _rows(
    connection: Connection,
    table: type[Any],
    begins: Sequence[int],
    cells: Mapping[int, Cell] | None,
) -> Iterator[Sequence[Any]]:
    """(begin, cell, data) of these slots or blocks, of all cells or of some."""
    first: Any = next(iter(table.__table__.primary_key.columns))
    wanted = select(first, table.cell, table.data)
    if cells is not None:
        wanted = wanted.where(table.cell.in_(sorted(cells)))
    runs = _runs(begins)
    for start in range(0, len(runs), _RUNS_AT_ONCE):
        within: list[ColumnElement[bool]] = [
            and_(first >= begin, first <= last) for begin, last in runs[start : start + _RUNS_AT_ONCE]
        ]
        found = connection.execute(wanted.where(or_(*within)).execution_options(yield_per=_AT_ONCE))
        for rows in found.partitions():
            yield from rows


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of each run of numbers that follow each other; the numbers are in order."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs


def _going_on(connection: Connection, place_of: Mapping[int, int], now: datetime) -> Iterator[Counted]:
    """What agents do now and is not counted yet."""
    columns = (AgentInterval.agent, AgentInterval.status, AgentInterval.state, AgentInterval.began_at)
    for interval in connection.execute(select(*columns).where(AgentInterval.ended_at.is_(None))):
        for key, counts in spent(interval, max(now, interval.began_at)).items():
            if key.slot in place_of:
                yield place_of[key.slot], Cell(*key[1:]), counts


def teams_of(connection: Connection) -> dict[str, Sequence[str]]:
    return {agent: tuple(teams) for agent, teams in connection.execute(select(Agent.id, Agent.teams))}


def _group(what: str, cells: Mapping[Cell, Counts], groups: Mapping[str, Groups], terms: Terms) -> list[dict[str, Any]]:
    _, figures, kinds = KINDS[what]
    sums: defaultdict[str, Counts] = defaultdict(dict)
    for cell, counts in cells.items():
        if cell.kind in kinds:
            name = getattr(cell, NAMED_BY.get(what, "agent"))
            for each in groups[what].get(name, ()) if what in groups else (name,) if name else ():
                merge(sums[each], counts)
    return [{what: name, **figures_of(sums[name], terms, figures)} for name in sorted(sums)]


def _intervals(sums: Sequence[Counts], period: Period, terms: Terms) -> list[dict[str, Any]]:
    ends = (*period.begins[1:], period.until)
    return [
        {"from": iso(begin), "to": iso(end), **figures_of(counts, terms)}
        for begin, end, counts in zip(period.begins, ends, sums, strict=True)
    ]


def _places(period: Period) -> dict[int, int]:
    """In which interval a slot lies."""
    ends = (*period.begins[1:], period.until)
    places: dict[int, int] = {}
    for place, (begin, end) in enumerate(zip(period.begins, ends, strict=True)):
        places |= dict.fromkeys(range(slot_of(begin.timestamp()), slot_of(end.timestamp())), place)
    return places
