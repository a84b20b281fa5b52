"""Counts of four hours beside those of a quarter of an hour, so that a month's report reads few rows."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TEXT = sa.String()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BLOCK = 16
REST = ("kind", "queue", "category", "agent")
_AT_ONCE = 5000


def upgrade() -> None:
    made = op.create_table(
        "report_blocks",
        sa.Column("block", NUMBER, autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in REST),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("block", *REST, name="pk_report_blocks"),
        sqlite_with_rowid=False,
    )
    _counts_so_far(made)


def _counts_so_far(made: sa.Table) -> None:
    """The sums of the counts that there are, block by block."""
    counts = sa.table("report_counts", *(sa.column(name) for name in ("slot", *REST, "data")))
    bind = op.get_bind()
    slots = list(bind.execute(sa.select(counts.c.slot).distinct().order_by(counts.c.slot)).scalars())
    for block, _ in groupby(slots, key=lambda slot: slot // BLOCK):
        sums: defaultdict[tuple[str, ...], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        of_block = counts.c.slot.between(block * BLOCK, block * BLOCK + BLOCK - 1)
        for _, *key, data in bind.execute(sa.select(counts).where(of_block)):
            for name, count in json.loads(data).items():
                sums[tuple(key)][name] += count
        rows = [
            {"block": block, **dict(zip(REST, key, strict=True)), "data": json.dumps(found, sort_keys=True)}
            for key, found in sums.items()
        ]
        for start in range(0, len(rows), _AT_ONCE):
            bind.execute(made.insert(), rows[start : start + _AT_ONCE])


def downgrade() -> None:
    op.drop_table("report_blocks")
