"""Callback mode: promises, attempts, offers, modes; calls of the hotline's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("calls", sa.Column("direction", TEXT, nullable=False, server_default="inbound"))
    op.add_column("calls", sa.Column("promise", NUMBER, nullable=True))
    op.create_table(
        "attempts",
        sa.Column("promise", NUMBER, nullable=False),
        sa.Column("attempt", NUMBER, nullable=False),
        sa.Column("call", NUMBER, nullable=False),
        sa.Column("offer", NUMBER, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_attempts"),
    )
    op.create_index("ix_attempts_call", "attempts", ["call"], unique=False)
    op.create_index("ix_attempts_promise", "attempts", ["promise"], unique=False)
    op.create_index("ix_attempts_started_at", "attempts", ["started_at"], unique=False)
    op.create_table(
        "callback_modes",
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("full", sa.Boolean(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("rule", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_callback_modes"),
    )
    op.create_index("ix_callback_modes_scope_at", "callback_modes", ["scope", "at"], unique=False)
    op.create_table(
        "callback_offers",
        sa.Column("call", NUMBER, autoincrement=False, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("call", name="pk_callback_offers"),
    )
    op.create_index("ix_callback_offers_at", "callback_offers", ["at"], unique=False)
    op.create_table(
        "callbacks",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("language", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("promised_at", INSTANT, nullable=True),
        sa.Column("queued_at", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("connected_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("priority", NUMBER, nullable=False),
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("origin", NUMBER, nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("vip", sa.Boolean(), nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("ticket", NUMBER, nullable=True),
        sa.Column("asked", NUMBER, nullable=False),
        sa.Column("task", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_callbacks"),
    )
    op.create_index("ix_callbacks_number", "callbacks", ["number"], unique=False)
    op.create_index("ix_callbacks_origin", "callbacks", ["origin"], unique=False)
    op.create_index("ix_callbacks_promised_at", "callbacks", ["promised_at"], unique=False)
    op.create_index("ix_callbacks_state_promised_at", "callbacks", ["state", "promised_at"], unique=False)


def downgrade() -> None:
    for table in ("callbacks", "callback_offers", "callback_modes", "attempts"):
        op.drop_table(table)
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("promise")
        calls.drop_column("direction")
