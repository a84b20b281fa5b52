"""Reports: counts by quarter of an hour, instants of tickets, wrap-up of a leg, contacts of a number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "report_counts",
        sa.Column("slot", NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "kind", "queue", "category", "agent", name="pk_report_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ticket_times",
        sa.Column("ticket", NUMBER, autoincrement=False, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("queue", "business", "category", "department")),
        *(sa.Column(name, INSTANT, nullable=True) for name in ("opened_at", "due_at", "dispatched_at", "settled_at")),
        sa.PrimaryKeyConstraint("ticket", name="pk_ticket_times"),
    )
    op.create_table(
        "archive_starts",
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_archive_starts"),
    )
    op.create_table(
        "handovers",
        sa.Column("team", TEXT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("state", "digest")),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("outgoing", TEXT, nullable=False),
        sa.Column("outgoing_at", INSTANT, nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("outgoing_note", "incoming")),
        sa.Column("incoming_at", INSTANT, nullable=True),
        sa.Column("incoming_note", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("team", "until", name="pk_handovers"),
    )
    op.create_table(
        "mails",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "recipients", "subject")),
        sa.Column("body", sa.Text(), nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("made_at", "try_at")),
        sa.Column("tries", NUMBER, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
    )
    op.add_column("calls", sa.Column("opened_ticket", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in ("since_contact", "until_contact"):
        op.add_column("calls", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("segments", sa.Column("wrapped", sa.Double(), server_default="0", nullable=False))
    op.add_column("agent_intervals", sa.Column("after_call", NUMBER, nullable=True))
    op.drop_index("ix_agent_intervals_agent_ended_at", "agent_intervals")
    op.drop_index("ix_agent_intervals_began_at", "agent_intervals")
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_agent_intervals_open", "agent_intervals", ["agent"], sqlite_where=still_open, postgresql_where=still_open
    )
    op.execute(
        "INSERT INTO ticket_times (ticket, queue, business, category, department, opened_at, due_at)"
        " SELECT id, business, business, category, '', opened_at, resolve_by FROM tickets"
    )
    op.execute("UPDATE calls SET opened_ticket = true WHERE id IN (SELECT call FROM tickets)")


def downgrade() -> None:
    op.drop_index("ix_agent_intervals_open", "agent_intervals")
    op.create_index("ix_agent_intervals_began_at", "agent_intervals", ["began_at"])
    op.create_index("ix_agent_intervals_agent_ended_at", "agent_intervals", ["agent", "ended_at"])
    op.drop_column("agent_intervals", "after_call")
    op.drop_column("segments", "wrapped")
    for name in ("until_contact", "since_contact", "opened_ticket"):
        op.drop_column("calls", name)
    op.drop_table("mails")
    op.drop_table("handovers")
    op.drop_table("archive_starts")
    op.drop_table("ticket_times")
    op.drop_table("report_counts")
