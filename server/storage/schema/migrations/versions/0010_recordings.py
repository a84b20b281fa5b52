"""Recordings after they were closed: what happened to them, and the tombstones of deleted ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "recording_steps",
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("recording", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_recording_steps"),
    )
    op.create_index("ix_recording_steps_recording", "recording_steps", ["recording"], unique=False)
    op.create_table(
        "recording_tombstones",
        sa.Column("recording", NUMBER, autoincrement=False, nullable=False),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("place", NUMBER, nullable=False),
        sa.Column("link", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("deleted_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("recording", name="pk_recording_tombstones"),
        sa.UniqueConstraint("day", "place", name="uq_recording_tombstones_day_place"),
    )


def downgrade() -> None:
    op.drop_table("recording_tombstones")
    op.drop_table("recording_steps")
