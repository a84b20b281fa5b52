"""The counts of calls and agents by quarter of an hour, for figures that go on: what reports sum, and nothing else."""

from __future__ import annotations

import msgspec
from sqlalchemy import Engine, select

from server.storage.figures.counts import Counts
from server.storage.projections.contributions import Key
from server.storage.schema.report_tables import ReportCell, ReportCount

KINDS = ("call", "agent")
_decode = msgspec.json.Decoder(dict[str, int]).decode


def counts_since(engine: Engine, slot: int) -> list[tuple[Key, Counts]]:
    """What was counted of calls and of agents' legs, from this slot on."""
    cell = (ReportCell.kind, ReportCell.queue, ReportCell.category, ReportCell.agent)
    wanted = select(ReportCount.slot, *cell, ReportCount.data).join(ReportCell, ReportCell.id == ReportCount.cell)
    wanted = wanted.where(ReportCount.slot >= slot, ReportCell.kind.in_(KINDS))
    with engine.connect() as connection:
        return [
            (Key(row.slot, row.kind, row.queue, row.category, row.agent), _decode(row.data))
            for row in connection.execute(wanted)
        ]
