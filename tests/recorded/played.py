"""The fixture: a log that an earlier release wrote, and what that release made of it.

`log.jsonl.gz` holds the entries as they stand in Redis, `expected.json.gz` what came of playing them: the commands, the
state at the end, the rows of the records, and the snapshot in the middle. Both were made by `record.py`; its stories
are those of the end-to-end tests, their numbers and names are invented. A release may know more than was recorded: it
is compared in what was.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Select, Table, select

from server.eventlog.log import Entry, entry_of
from server.hotline.state import HotlineState
from server.storage.database import Database
from server.storage.projector import Projector
from server.storage.schema.tables import Base

LOG, EXPECTED = (Path(__file__).with_name(name) for name in ("log.jsonl.gz", "expected.json.gz"))
NOTED = {"AgentChanged", "PromiseChanged", "ModeChanged", "Record"}
"""Commands that say what their note in the log says."""
OF_THE_LOG = {"events", "cursors"}


def entries() -> list[Entry]:
    """The recorded log."""
    read: list[Entry] = []
    for line in gzip.decompress(LOG.read_bytes()).splitlines():
        row = {key.encode(): value.encode() for key, value in json.loads(line).items()}
        read.append(entry_of(row.pop(b"id"), row))
    return read


def expected() -> dict[str, Any]:
    """What the release that recorded it made of the log."""
    return dict(json.loads(gzip.decompress(EXPECTED.read_bytes())))


def expect(log: Sequence[Entry], database: Database) -> None:
    """Write what this release makes of the log; the snapshot is one of a busy floor in the second half of it."""
    whole, part = HotlineState(), HotlineState()
    made = {"commands": list(commands(whole, log)), "house": house(whole), "records": records(database, log)}
    for place, entry in enumerate(log):
        part.play(entry)
        if place > len(log) / 2 and part.unwritten and len(part.calls) > 1 and any(part.callbacks.promises()):
            break
    made["snapshot"] = json.loads(part.snapshot())
    EXPECTED.write_bytes(gzip.compress(json.dumps(made, ensure_ascii=False).encode(), mtime=0))


def commands(state: HotlineState, log: Sequence[Entry]) -> Iterator[list[Any]]:
    """Play entries; each command as (entry, name, fields). Decisions are left out: they stand in the log as notes."""
    for entry in log:
        for command in state.play(entry):
            if (name := type(command).__name__) not in NOTED:
                yield [entry.id, name, {key: value for key, value in plain(command).items() if key != "decision"}]


def house(state: HotlineState) -> dict[str, Any]:
    """The views of the state."""
    return {
        "agents": plain(state.floor.agents()),
        "waiting": plain(state.floor.waiting(state.at)),
        "promises": plain(state.callbacks.promises()),
        "modes": plain(state.callbacks.modes()),
        "calls": [[call.id, call.caller, call.stage, call.queue, call.ticket] for call in state.calls],
        "last_ticket": state.last_ticket,
        "next_call": state.calls.next_call(),
    }


def records(database: Database, log: Sequence[Entry]) -> dict[str, list[dict[str, Any]]]:
    """Project entries into an empty database: the rows of each table, but for the log's own."""
    Projector(database.write).apply(log)
    with database.read.connect() as connection:
        return {
            table.name: plain([dict(row) for row in connection.execute(_in_order(table)).mappings()])
            for table in Base.metadata.sorted_tables
            if table.name not in OF_THE_LOG
        }


def _in_order(table: Table) -> Select[Any]:
    return select(table).order_by(*table.primary_key)


def plain(value: Any) -> Any:
    """As JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def unlike(recorded: Any, now: Any, at: str = "") -> list[str]:
    """Where `now` differs from what was recorded, as lines. Fields that were added since do not count."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return [line for key, value in recorded.items() for line in unlike(value, now.get(key), f"{at}.{key}")]
    if isinstance(recorded, list) and isinstance(now, list):
        pairs = enumerate(zip_longest(recorded, now))
        return [line for place, (then, here) in pairs for line in unlike(then, here, f"{at}[{place}]")]
    return [] if recorded == now else [f"{at}: {now!r}, not {recorded!r}"]
