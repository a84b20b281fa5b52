"""Webhooks: subscriptions, messages to be sent, and the links of tickets to other systems."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("types", TEXT, nullable=False),
        sa.Column("whole_numbers", sa.Boolean(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("webhook", NUMBER, autoincrement=False, nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("dead", sa.Boolean(), nullable=False),
        sa.Column("problem", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("webhook", "ms", "seq", name="pk_webhook_messages"),
    )
    columns = ["webhook", "dead", "ms", "seq"]
    op.create_index("ix_webhook_messages_webhook_dead_ms_seq", "webhook_messages", columns, unique=False)
    op.create_table(
        "ticket_links",
        sa.Column("ticket", NUMBER, autoincrement=False, nullable=False),
        sa.Column("system", TEXT, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("ticket", "system", name="pk_ticket_links"),
    )


def downgrade() -> None:
    for table in ("ticket_links", "webhook_messages", "webhooks"):
        op.drop_table(table)
