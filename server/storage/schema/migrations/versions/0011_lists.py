"""Outbound lists and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "outbound_lists",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("consent", TEXT, nullable=False),
        sa.Column("proof", TEXT, nullable=False),
        sa.Column("rules", STRUCTURE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbound_lists"),
    )
    op.create_table(
        "outbound_lines",
        sa.Column("list", NUMBER, autoincrement=False, nullable=False),
        sa.Column("line", NUMBER, autoincrement=False, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("proof", TEXT, nullable=False),
        sa.Column("loaded_at", INSTANT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("promise", NUMBER, nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("list", "line", name="pk_outbound_lines"),
    )
    op.create_index("ix_outbound_lines_number", "outbound_lines", ["number"], unique=False)
    op.create_index("ix_outbound_lines_promise", "outbound_lines", ["promise"], unique=False)


def downgrade() -> None:
    op.drop_table("outbound_lines")
    op.drop_table("outbound_lists")
