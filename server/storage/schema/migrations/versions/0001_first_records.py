"""The first records: calls, legs, agents, tickets, recordings, decisions, and the archive of the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "agent_intervals",
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_agent_intervals"),
    )
    op.create_index("ix_agent_intervals_agent_began_at", "agent_intervals", ["agent", "began_at"], unique=False)
    op.create_index("ix_agent_intervals_agent_ended_at", "agent_intervals", ["agent", "ended_at"], unique=False)
    op.create_index("ix_agent_intervals_began_at", "agent_intervals", ["began_at"], unique=False)
    op.create_table(
        "agents",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("skills", STRUCTURE, nullable=False),
        sa.Column("teams", STRUCTURE, nullable=False),
        sa.Column("contact", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("since", INSTANT, nullable=True),
        sa.Column("reachable", sa.Boolean(), nullable=True),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
    )
    op.create_table(
        "calls",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("called", TEXT, nullable=False),
        sa.Column("node", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("unique_id", TEXT, nullable=False),
        sa.Column("language", TEXT, nullable=False),
        sa.Column("business", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("priority", NUMBER, nullable=False),
        sa.Column("flow_node", TEXT, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("ticket", NUMBER, nullable=True),
        sa.Column("satisfaction", NUMBER, nullable=True),
        sa.Column("offered_at", INSTANT, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("queued_at", INSTANT, nullable=True),
        sa.Column("left_queue_at", INSTANT, nullable=True),
        sa.Column("left_queue_why", TEXT, nullable=False),
        sa.Column("connected_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("end_cause", TEXT, nullable=False),
        sa.Column("talked", sa.Double(), nullable=False),
        sa.Column("held", sa.Double(), nullable=False),
        sa.Column("promised", sa.Boolean(), nullable=False),
        sa.Column("message_left", sa.Boolean(), nullable=False),
        sa.Column("outcome", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_caller", "calls", ["caller"], unique=False)
    op.create_index("ix_calls_offered_at", "calls", ["offered_at"], unique=False)
    op.create_index("ix_calls_outcome_offered_at", "calls", ["outcome", "offered_at"], unique=False)
    op.create_table(
        "cursors",
        sa.Column("reader", TEXT, nullable=False),
        sa.Column("entry", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("reader", name="pk_cursors"),
    )
    op.create_table(
        "decisions",
        sa.Column("call", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("offer", NUMBER, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_decisions"),
    )
    op.create_index("ix_decisions_call", "decisions", ["call"], unique=False)
    op.create_table(
        "events",
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("after", TEXT, nullable=False),
        sa.Column("problem", TEXT, nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_events"),
    )
    op.create_index("ix_events_at", "events", ["at"], unique=False)
    op.create_index("ix_events_type_at", "events", ["type", "at"], unique=False)
    op.create_table(
        "messages",
        sa.Column("call", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_messages"),
    )
    op.create_table(
        "numbers_taken",
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.Column("spool_id", TEXT, nullable=True),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_numbers_taken"),
        sa.UniqueConstraint("spool_id", name="uq_numbers_taken_spool_id"),
    )
    op.create_table(
        "recordings",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("caller_file", TEXT, nullable=False),
        sa.Column("agent_file", TEXT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("channels", NUMBER, nullable=True),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("caller_level", sa.Double(), nullable=True),
        sa.Column("agent_level", sa.Double(), nullable=True),
        sa.Column("problem", TEXT, nullable=False),
        sa.Column("day", TEXT, nullable=True),
        sa.Column("place", NUMBER, nullable=True),
        sa.Column("link", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.UniqueConstraint("day", "place", name="uq_recordings_day_place"),
    )
    op.create_index("ix_recordings_call", "recordings", ["call"], unique=False)
    op.create_table(
        "segments",
        sa.Column("offer", NUMBER, nullable=True),
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("offered_at", INSTANT, nullable=True),
        sa.Column("rang_at", INSTANT, nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("joined_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("ended_by", TEXT, nullable=False),
        sa.Column("talked", sa.Double(), nullable=False),
        sa.Column("held", sa.Double(), nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_segments"),
        sa.UniqueConstraint("offer", name="uq_segments_offer"),
    )
    op.create_index("ix_segments_agent_offered_at", "segments", ["agent", "offered_at"], unique=False)
    op.create_index("ix_segments_call", "segments", ["call"], unique=False)
    op.create_table(
        "ticket_history",
        sa.Column("ticket", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("before", TEXT, nullable=False),
        sa.Column("after", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_ticket_history"),
    )
    op.create_index("ix_ticket_history_ticket", "ticket_history", ["ticket"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("call", NUMBER, nullable=True),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("business", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("confirmed", TEXT, nullable=False),
        sa.Column("grade", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("round", NUMBER, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("contacts", NUMBER, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("respond_by", INSTANT, nullable=True),
        sa.Column("resolve_by", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tickets"),
    )
    op.create_index("ix_tickets_caller", "tickets", ["caller"], unique=False)
    op.create_index("ix_tickets_state_opened_at", "tickets", ["state", "opened_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_tickets_state_opened_at", table_name="tickets")
    op.drop_index("ix_tickets_caller", table_name="tickets")
    op.drop_table("tickets")
    op.drop_index("ix_ticket_history_ticket", table_name="ticket_history")
    op.drop_table("ticket_history")
    op.drop_index("ix_segments_call", table_name="segments")
    op.drop_index("ix_segments_agent_offered_at", table_name="segments")
    op.drop_table("segments")
    op.drop_index("ix_recordings_call", table_name="recordings")
    op.drop_table("recordings")
    op.drop_table("numbers_taken")
    op.drop_table("messages")
    op.drop_index("ix_events_type_at", table_name="events")
    op.drop_index("ix_events_at", table_name="events")
    op.drop_table("events")
    op.drop_index("ix_decisions_call", table_name="decisions")
    op.drop_table("decisions")
    op.drop_table("cursors")
    op.drop_index("ix_calls_outcome_offered_at", table_name="calls")
    op.drop_index("ix_calls_offered_at", table_name="calls")
    op.drop_index("ix_calls_caller", table_name="calls")
    op.drop_table("calls")
    op.drop_table("agents")
    op.drop_index("ix_agent_intervals_began_at", table_name="agent_intervals")
    op.drop_index("ix_agent_intervals_agent_ended_at", table_name="agent_intervals")
    op.drop_index("ix_agent_intervals_agent_began_at", table_name="agent_intervals")
    op.drop_table("agent_intervals")
