"""Counts of reports in less room and less time: their cells have numbers, and there are sums of four hours."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TEXT = sa.String()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BLOCK = 16
CELL = ("kind", "queue", "category", "agent")
_AT_ONCE = 5000


def upgrade() -> None:
    op.rename_table("report_counts", "report_counts_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_report_counts RENAME TO pk_report_counts_before")
    cells = op.create_table(
        "report_cells",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in CELL),
        sa.PrimaryKeyConstraint("id", name="pk_report_cells"),
        sa.UniqueConstraint(*CELL, name="uq_report_cells_kind_queue_category_agent"),
    )
    counts, blocks = (_counts(name, first) for name, first in (("report_counts", "slot"), ("report_blocks", "block")))
    _counts_so_far(cells, counts, blocks)
    op.drop_table("report_counts_before")


def _counts(name: str, first: str) -> sa.Table:
    return op.create_table(
        name,
        sa.Column(first, sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cell", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(first, "cell", name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def _counts_so_far(cells: sa.Table, counts: sa.Table, blocks: sa.Table) -> None:
    before = sa.table("report_counts_before", *(sa.column(name) for name in ("slot", *CELL, "data")))
    bind = op.get_bind()
    number_of: dict[tuple[str, ...], int] = {}
    for each in bind.execute(sa.select(*(before.c[name] for name in CELL)).distinct()):
        number_of[tuple(each)] = len(number_of) + 1
    _insert(cells, ({"id": number, **dict(zip(CELL, cell, strict=True))} for cell, number in number_of.items()))
    slots = list(bind.execute(sa.select(before.c.slot).distinct().order_by(before.c.slot)).scalars())
    for block, _ in groupby(slots, key=lambda slot: slot // BLOCK):
        sums: defaultdict[int, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        of_block = before.c.slot.between(block * BLOCK, block * BLOCK + BLOCK - 1)
        rows = []
        for slot, *cell, data in bind.execute(sa.select(before).where(of_block)):
            number = number_of[tuple(cell)]
            rows.append({"slot": slot, "cell": number, "data": data})
            for name, count in json.loads(data).items():
                sums[number][name] += count
        _insert(counts, iter(rows))
        _insert(
            blocks,
            (
                {"block": block, "cell": number, "data": json.dumps(found, sort_keys=True)}
                for number, found in sums.items()
            ),
        )


def _insert(table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    every = list(rows)
    for start in range(0, len(every), _AT_ONCE):
        op.get_bind().execute(table.insert(), every[start : start + _AT_ONCE])


def downgrade() -> None:
    op.rename_table("report_counts", "report_counts_after")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_report_counts RENAME TO pk_report_counts_after")
    op.create_table(
        "report_counts",
        sa.Column("slot", NUMBER, autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in CELL),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot", *CELL, name="pk_report_counts"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO report_counts (slot, {', '.join(CELL)}, data) SELECT slot, {', '.join(CELL)}, data"
        " FROM report_counts_after JOIN report_cells ON report_cells.id = report_counts_after.cell"
    )
    for name in ("report_counts_after", "report_blocks", "report_cells"):
        op.drop_table(name)
