"""How fast the records take entries in, how large they are, and how long each list and report takes; on both databases.

Writes the log of days that never were (`made_up.py`) through the projector, as a server does, and then asks each list
and report many times. Trims the archive at the end, as SANSHENG_ARCHIVE_DAYS does. Bytes a call are those beyond a
database without calls, which has some megabytes of its own on PostgreSQL. With `--beside FOLDER`, another
checkout of the project with a Python environment of its own, the same log goes through that one too, turn by turn.
The ratio is ours to the other's time for an entry; without another checkout, to the time that the aims allow.

A million calls are 22 million entries. `--within SECONDS` ends the taking in after so long, and measures what is there
by then; `--keep FILE` leaves the SQLite database there. `--doubled TIMES` trims the archive when the calls are taken
in, and copies every row by SQL so many times (`multiply.py`): with 15,625 calls and six times it is a million. The
output says which calls the projector has written.

    python bench/records.py [--calls 10000] [--per-day 6800] [--postgresql] [--beside FOLDER] [--within 3600]
    python bench/records.py --calls 15625 --doubled 6 --postgresql
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, os.environ.get("RECORDS_TREE", str(Path(__file__).parent.parent)))

from made_up import BEGAN, Made, entries
from multiply import doubled
from sqlalchemy import Engine, text

import tickets.events as tickets
from server.eventlog.derived_events import AgentNoted, Decided, PromiseNoted
from server.eventlog.log import Entry
from server.storage.database import Database, open_database
from server.storage.projector import Projector
from server.storage.queries.agent_day import agent_day
from server.storage.queries.records import CallFilter, Queries
from server.storage.schema.migrate import migrate

TREE = Path(__file__).parent.parent
_NOTES = (AgentNoted, Decided, PromiseNoted, tickets.TicketOpened, tickets.ContactAdded)
ZONE = ZoneInfo("Asia/Shanghai")
BATCH = 1000
_TOLD = 500_000
"""Entries after which a line says how far it is."""
AIMS = {"report day": 200.0, "report day, one queue": 200.0, "call list": 50.0, "ticket list --state new": 20.0}
"""Milliseconds at p95. A list without a name here has the aim of `call list`."""
BYTES = 4000.0
"""Bytes a call after the archive was trimmed."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--per-day", type=int, default=6800)
    parser.add_argument("--postgresql", action="store_true", help="PostgreSQL too (the one of the tests)")
    parser.add_argument("--beside", type=Path, help="another checkout, with its environment in .venv")
    parser.add_argument("--times", type=int, default=40, help="how often each list and report is asked for")
    parser.add_argument("--within", type=float, default=float("inf"), help="seconds that the taking in may last")
    parser.add_argument("--keep", type=Path, help="a file for the SQLite database, which stays")
    parser.add_argument("--doubled", type=int, default=0, help="how often all rows are copied after that, by SQL")
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.url:  # one side's turn, in a process of its own
        print(json.dumps(_measure(options.url, Made(options.calls, options.per_day), options)))
        return
    sides = {"ours": TREE} | ({"theirs": options.beside.resolve()} if options.beside else {})
    worst, costs = 0.0, dict.fromkeys(sides, 0.0)
    for kind in ("sqlite", *(("postgresql",) if options.postgresql else ())):
        for side, tree in sides.items():
            with _database(kind, options.keep) as url:
                found = _turn(tree, url, options)
            costs[side] += found["worked"] / found["entries"]
            print(f"\n{kind}, {side}: {found['calls']:,} calls, {found['entries']:,} entries")
            if options.doubled:
                print(
                    f"  {options.calls:,} of the calls by the projector, the others copied by SQL without their archive"
                )
            rate, own = (found["entries"] / found[each] for each in ("seconds", "worked"))
            size = f"{found['bytes']:,.0f} bytes a call beyond the {found['empty'] / 1e6:.1f} MB of no call"
            print(f"  {rate:,.0f} entries/s, {own:,.0f} a second of this process; {size}")
            if found["trimmed"] is not None:
                print(f"  {found['trimmed']:,.0f} bytes a call after trimming (aim {BYTES:,.0f})")
            for name, (p95, ours) in found["p95"].items():
                aim = AIMS.get(name, AIMS["call list"])
                print(f"  {name:<32} p95 {p95:7.1f} ms (aim {aim:g}), {ours:7.1f} ms of this process")
                worst = max(worst, p95 / aim) if side == "ours" else worst
    if options.beside:
        ours, theirs = (1e6 * costs[side] for side in ("ours", "theirs"))
        print(f"\nrecords: ours={ours:.0f}us theirs={theirs:.0f}us ratio={ours / theirs:.2f}")
    else:
        print(f"\nrecords: ours={worst:.2f} theirs=1.00 ratio={worst:.2f}")


def _turn(tree: Path, url: str, options: argparse.Namespace) -> dict[str, Any]:
    python = tree / ".venv" / "bin" / "python"
    python = python if python.exists() else Path(sys.executable)
    command = [python, __file__, "--url", url, "--calls", str(options.calls), "--per-day", str(options.per_day)]
    command += ["--times", str(options.times), "--within", str(options.within), "--doubled", str(options.doubled)]
    environment = os.environ | {"RECORDS_TREE": str(tree), "PYTHONPATH": str(tree)}
    done = subprocess.run(command, env=environment, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _measure(url: str, made: Made, options: argparse.Namespace) -> dict[str, Any]:
    times, within = options.times, options.within
    database = open_database(url)
    migrate(database.write)
    _compact(database)  # what the migrations leave in PostgreSQL's catalogue is no part of an empty database
    empty = _size(database)
    projector = Projector(database.write)
    log, count, seconds, worked = _with_causes(entries(made)), 0, 0.0, 0.0
    while seconds < within and (batch := list(islice(log, BATCH))):
        began, own = time.perf_counter(), time.process_time()
        projector.apply(batch)
        seconds += time.perf_counter() - began
        worked += time.process_time() - own
        count += len(batch)
        if count % _TOLD == 0:
            print(
                f"{count:,} entries in {seconds:,.0f} s, {worked:,.0f} s of this process", file=sys.stderr, flush=True
            )
    if options.doubled:
        _trimmed(database, made, empty)
        doubled(database, options.doubled, -(-made.calls // made.per_day))
    made = replace(made, calls=Queries(database.read).call_list(limit=1).items[0]["id"])
    size = (_size(database) - empty) / made.calls
    p95 = {name: _p95(ask, times) for name, ask in _questions(database.read, made).items()}
    found = {"calls": made.calls, "entries": count, "seconds": seconds, "worked": worked, "bytes": size, "p95": p95}
    found |= {"empty": empty, "trimmed": size if options.doubled else _trimmed(database, made, empty)}
    database.dispose()
    return found


def _with_causes(log: Iterator[Entry]) -> Iterator[Entry]:
    """Notes say which entry they follow from, as in a log that a leader wrote."""
    cause = ""
    for entry in log:
        if isinstance(entry.event, _NOTES):
            yield replace(entry, after=cause)
        else:
            cause = entry.id
            yield entry


def _questions(engine: Engine, made: Made) -> dict[str, Callable[[], object]]:
    queries = Queries(engine)
    last = datetime.fromtimestamp(BEGAN, ZONE).date() + timedelta(days=(made.calls - 1) // made.per_day)
    now = datetime.now(UTC) + timedelta(days=3650)
    middle = queries.call_list(limit=1).items[0]["id"] // 2
    since = datetime.fromtimestamp(BEGAN, UTC) + timedelta(hours=9)
    found: dict[str, Callable[[], object]] = {
        "call list": lambda: queries.call_list(limit=100),
        "call list --since": lambda: queries.call_list(CallFilter(since=since), limit=100),
        "call list --agent": lambda: queries.call_list(CallFilter(agent="1003"), limit=100),
        "call list --queue": lambda: queries.call_list(CallFilter(queue="orders"), limit=100),
        "call list --outcome": lambda: queries.call_list(CallFilter(outcome="message"), limit=100),
        "call list --caller": lambda: queries.call_list(CallFilter(caller="13800000007"), limit=100),
        "call show": lambda: queries.call_show(middle),
        "ticket list": lambda: queries.ticket_list(limit=100),
        "ticket list --state new": lambda: queries.ticket_list(state="new", limit=100),
        "recording list": lambda: queries.recording_list(limit=100),
        "recording list --agent": lambda: queries.recording_list(agent="1003", limit=100),
        "agent show": lambda: queries.agent_intervals("1003", newest=20),
        "agent's day": lambda: agent_day(engine, "1003", *_day(last)),
        "callback report": lambda: queries.callbacks.report(last, ZONE),
    }
    try:
        from server.storage.queries.figures_report import days, month_of, report
    except ImportError:
        return found  # a checkout from before there were reports
    return found | {
        "report day": lambda: report(engine, days(last, ZONE), now=now),
        "report day, one queue": lambda: report(engine, days(last, ZONE), now=now, queue="complaint"),
        "report month": lambda: report(engine, month_of(last, ZONE), now=now),
    }


def _day(day: date) -> tuple[datetime, datetime]:
    begin = datetime.combine(day, time_of_day(), ZONE)
    return begin, begin + timedelta(days=1)


def _p95(ask: Callable[[], object], times: int) -> tuple[float, float]:
    """By the clock, and of the time that this process had a processor: what others do on the machine is not in it."""
    ask()
    spent: list[tuple[float, float]] = []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        ask()
        spent.append((1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)))
    at = max(0, int(len(spent) * 0.95) - 1)
    return sorted(clock for clock, _ in spent)[at], sorted(own for _, own in spent)[at]


def _trimmed(database: Database, made: Made, empty: float) -> float | None:
    try:
        from server.storage.retention import trim
    except ImportError:
        return None
    trim(database.write, BEGAN + 86_400 * (made.calls / made.per_day + 3))
    _compact(database)
    return (_size(database) - empty) / made.calls


def _compact(database: Database) -> None:
    with database.write.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("VACUUM FULL"))


def _size(database: Database) -> float:
    """Bytes in use: pages that are free are used again."""
    with database.read.connect() as connection:
        if connection.dialect.name == "postgresql":
            return float(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        used = connection.scalar(
            text("SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count")
        )
        return float(used or 0) * float(connection.scalar(text("PRAGMA page_size")) or 0)


@contextmanager
def _database(kind: str, keep: Path | None) -> Iterator[str]:
    if kind == "sqlite" and keep is not None:
        keep.unlink(missing_ok=True)
        yield f"sqlite:///{keep.absolute()}"
        return
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="sansheng-records-") as folder:
            yield f"sqlite:///{folder}/records.db"
        return
    from provision import default_cache, provision
    from tests.conftest import _run_postgres

    tool = provision("postgresql", default_cache(), print)
    with tempfile.TemporaryDirectory(prefix="sansheng-postgres-") as folder:
        servers = _run_postgres(tool, Path(folder))
        server = next(servers)
        try:
            with server.new_database() as url:
                yield url
        finally:
            servers.close()


if __name__ == "__main__":
    main()
