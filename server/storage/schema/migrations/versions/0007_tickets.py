"""Tickets that people change: department, type, limits met or not, and a row for each round."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TEXTS = {"type": "", "department": "", "accused": "", "level": "agent", "warnings": ""}
NUMBERS = ("dispatches", "wrong_dispatches", "dates_missed", "version")
INSTANTS = ("promised_for", "dispatched_at", "responded_at", "resolved_at", "due_at")
INDEXES = (("state", "id"), ("department", "state"), ("owner",), ("due_at",))


def upgrade() -> None:
    for name, usual in TEXTS.items():
        op.add_column("tickets", sa.Column(name, TEXT, nullable=False, server_default=usual))
    for name in NUMBERS:
        op.add_column("tickets", sa.Column(name, NUMBER, nullable=False, server_default="0"))
    for name in INSTANTS:
        op.add_column("tickets", sa.Column(name, INSTANT, nullable=True))
    op.add_column("tickets", sa.Column("fields", STRUCTURE, nullable=True))
    # What was not answered yet runs towards its first limit: until now no ticket could be changed.
    op.execute("UPDATE tickets SET due_at = respond_by WHERE state = 'new'")
    for columns in INDEXES:
        op.create_index(f"ix_tickets_{'_'.join(columns)}", "tickets", list(columns), unique=False)
    op.create_table(
        "ticket_rounds",
        sa.Column("ticket", NUMBER, autoincrement=False, nullable=False),
        sa.Column("round", NUMBER, autoincrement=False, nullable=False),
        sa.Column("began_at", INSTANT, nullable=True),
        sa.Column("grade", TEXT, nullable=False),
        sa.Column("department", TEXT, nullable=False),
        sa.Column("dispatches", NUMBER, nullable=False),
        sa.Column("wrong_dispatches", NUMBER, nullable=False),
        sa.Column("respond_by", INSTANT, nullable=True),
        sa.Column("responded_at", INSTANT, nullable=True),
        sa.Column("resolve_by", INSTANT, nullable=True),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("ticket", "round", name="pk_ticket_rounds"),
    )
    for name in ("resolve_by", "respond_by", "began_at"):
        op.create_index(f"ix_ticket_rounds_{name}", "ticket_rounds", [name], unique=False)
    op.execute(
        "INSERT INTO ticket_rounds (ticket, round, began_at, grade, department, dispatches, wrong_dispatches,"
        " respond_by, resolve_by) SELECT id, round, opened_at, grade, '', 0, 0, respond_by, resolve_by FROM tickets"
    )


def downgrade() -> None:
    op.drop_table("ticket_rounds")
    for columns in INDEXES:
        op.drop_index(f"ix_tickets_{'_'.join(columns)}", "tickets")
    for name in (*TEXTS, *NUMBERS, *INSTANTS, "fields"):
        op.drop_column("tickets", name)
