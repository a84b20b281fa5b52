"""The work and the output of `sansheng replay`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from server.commands.output import print_json, say, table
from server.commands.shared import START, Refused, settings, zone
from server.eventlog.log import Entry
from server.storage.archive import archived_after, archived_entries
from server.storage.database import Database, DatabaseError, open_database
from server.storage.projections.rows import entry_key
from server.storage.retention import start_before
from simulation.fit import NothingRecorded
from simulation.measures import ALL, Measured
from simulation.reading import load_rules
from simulation.recorded import Recorded, record
from simulation.replay import Replayed, WhatIf, replay, what_if
from tables.toml import DefinitionFault

LISTED = 20

COLUMNS = ("queue", "rules", "offered", "service_level", "mean_wait", "p95", "abandoned", "occupancy")


def again(day: str, as_json: bool) -> None:
    """Play the day with its own rules. Raises Refused with the first difference."""
    since, until = bounds(day)
    with _database() as database:
        try:
            start = start_before(database.read, since)
        except LookupError as error:
            first = datetime.fromtimestamp(float(error.args[0]), zone())
            raise Refused(f"the log of {day} is trimmed: days from {first:%Y-%m-%d} on can be played") from None
        state = None if start is None else start[0]
        entries = archived_after(database.read, (0, 0) if state is None else entry_key(state.position))
        result = replay(entries, since, until, state)
    if not result.entries:
        raise Refused(f"nothing is recorded of {day}")
    if as_json:
        print_json({"day": day, **_outcome(result)})
    elif result.first is None:
        say(f"{day}: {result.entries} entries played, {result.decisions} decisions made again: no difference")
    if result.first is not None:
        at = datetime.fromtimestamp(result.first.at, zone())
        where = f"at {at:%H:%M:%S.%f} after entry {result.first.cause}"
        raise Refused(f"{day}: the first difference, {where}: {result.first}")


def otherwise(day: str, definitions: Path, as_json: bool) -> None:
    """Play the day with the rules of a hotline file. Raises Refused."""
    try:
        found = what_if(recorded_day(day), load_rules(definitions))
    except (DefinitionFault, NothingRecorded) as error:
        raise Refused(str(error)) from None
    if as_json:
        print_json(_as_json(found))
    else:
        _report(found, day, definitions)


def bounds(day: str) -> tuple[float, float]:
    """First and last instant of a day of the hotline's zone, UTC epoch seconds. Raises Refused."""
    try:
        midnight = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone())
    except ValueError:
        raise Refused(f"{day} is no day: write it as {datetime.now(zone()):%Y-%m-%d}") from None
    return midnight.timestamp(), (midnight + timedelta(days=1)).astimezone(UTC).timestamp()


@contextmanager
def archive(until: float) -> Iterator[Iterator[Entry]]:
    """The recorded log from its beginning up to an instant; where it was trimmed, the calls of then are not in it.

    Raises Refused when there is none.
    """
    with _database() as database:
        yield archived_entries(database.read, 0.0, until)


@contextmanager
def _database() -> Iterator[Database]:
    here = settings()
    if not here.database_url and not (here.root / "records.db").exists():
        raise Refused(f"there are no records in {here.root} yet: {START}")
    try:
        database = open_database(here.records_url)
    except DatabaseError as error:
        raise Refused(str(error)) from None
    try:
        yield database
    finally:
        database.dispose()


def recorded_day(day: str) -> Recorded:
    """A recorded day's calls and agents. Raises Refused."""
    since, until = bounds(day)
    with archive(until) as entries:
        return record(entries, since, until)


def _outcome(result: Replayed) -> dict[str, Any]:
    first = None if result.first is None else asdict(result.first) | {"sentence": str(result.first)}
    return {"entries": result.entries, "notes": result.notes, "decisions": result.decisions, "first_difference": first}


def _report(found: WhatIf, day: str, definitions: Path) -> None:
    queues = [queue for queue in found.before if queue != ALL] + [ALL]
    ways = (("as recorded", found.recorded), ("its own rules", found.before), (definitions.name, found.after))
    rows = [_row(queue, name, measured[queue]) for queue in queues for name, measured in ways]
    level = found.scenario.service_level
    say(f"{day}, {len(found.changed)} of {found.before[ALL].offered:.0f} calls go another way; answered in time: within"
        f" {level.within:g} s\n")  # fmt: skip
    for line in table(rows, COLUMNS, zone()):
        say(line)
    if found.reloads:
        say(f"\nthe rules were changed {found.reloads} times on that day: it is played with those of its beginning")
    moved = [
        {"agent": agent, "calls": before, f"with {definitions.name}": after, "difference": f"{after - before:+d}"}
        for agent, (before, after) in found.taken.items()
        if before != after
    ]
    if moved:
        say("\nwho takes how many")
        for line in table(moved, ["agent", "calls", f"with {definitions.name}", "difference"], zone()):
            say(line)
    for each in found.changed[:LISTED]:
        say(f"call {each.call} ({each.queue}): {_way(each.before)} → {_way(each.after)}")
    if len(found.changed) > LISTED:
        say(f"and {len(found.changed) - LISTED} more: --json lists them")


def _way(way: tuple[str, str, float]) -> str:
    outcome, agent, waited = way
    return f"{agent or outcome} after {waited:.0f} s"


def _row(queue: str, name: str, measured: Measured) -> dict[str, Any]:
    def share(value: float) -> str:
        return "-" if value != value else f"{100 * value:.1f} %"

    def seconds(value: float) -> str:
        return "-" if value != value else f"{value:.1f}"

    return {
        "queue": queue or "all",
        "rules": name,
        "offered": f"{measured.offered:.0f}",
        "service_level": share(measured.service_level),
        "mean_wait": seconds(measured.wait),
        "p95": seconds(measured.wait_p95),
        "abandoned": share(measured.abandoned),
        "occupancy": share(measured.occupancy),
    }


def _as_json(found: WhatIf) -> dict[str, Any]:
    def plain(measured: dict[str, Measured]) -> dict[str, Any]:
        return {
            queue or "all": {name: None if value != value else value for name, value in asdict(each).items()}
            for queue, each in measured.items()
        }

    return {
        "recorded": plain(found.recorded),
        "own_rules": plain(found.before),
        "other_rules": plain(found.after),
        "changed": [asdict(each) for each in found.changed],
        "taken": found.taken,
        "reloads": found.reloads,
    }
