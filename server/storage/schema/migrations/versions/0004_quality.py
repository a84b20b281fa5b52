"""Quality assurance: plans, frames, jobs, forms, reviews, calibrations, trainings, results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "qa_calibrations",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("form", TEXT, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("opened_by", TEXT, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_qa_calibrations"),
    )
    op.create_table(
        "qa_calls",
        sa.Column("job", NUMBER, autoincrement=False, nullable=False),
        sa.Column("call", NUMBER, autoincrement=False, nullable=False),
        sa.Column("place", NUMBER, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("job", "call", name="pk_qa_calls"),
    )
    op.create_index("ix_qa_calls_call", "qa_calls", ["call"], unique=False)
    op.create_table(
        "qa_forms",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("added_at", INSTANT, nullable=True),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_qa_forms"),
    )
    op.create_table(
        "qa_frames",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("part", NUMBER, nullable=False),
        sa.Column("packed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_qa_frames"),
    )
    op.create_index("ix_qa_frames_digest", "qa_frames", ["digest"], unique=False)
    op.create_table(
        "qa_jobs",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("first", sa.Date(), nullable=True),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("frame", TEXT, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=True),
        sa.Column("drawn_by", TEXT, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_qa_jobs"),
    )
    op.create_index("ix_qa_jobs_first", "qa_jobs", ["first"], unique=False)
    op.create_index("ix_qa_jobs_plan_period", "qa_jobs", ["plan", "period"], unique=False)
    op.create_table(
        "qa_picks",
        sa.Column("call", NUMBER, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_qa_picks"),
    )
    op.create_index("ix_qa_picks_call", "qa_picks", ["call"], unique=False)
    op.create_table(
        "qa_plans",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.Column("set_at", INSTANT, nullable=True),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_qa_plans"),
    )
    op.create_table(
        "qa_results",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("team", TEXT, nullable=False),
        sa.Column("period", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("steps", STRUCTURE, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_qa_results"),
    )
    op.create_table(
        "qa_reviews",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("call", NUMBER, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("job", NUMBER, nullable=True),
        sa.Column("form", TEXT, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("reviewer", TEXT, nullable=False),
        sa.Column("second_reviewer", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=True),
        sa.Column("scored_at", INSTANT, nullable=True),
        sa.Column("appealed_at", INSTANT, nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("points", sa.Double(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("fatal", sa.Boolean(), nullable=True),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_qa_reviews"),
    )
    op.create_index("ix_qa_reviews_agent_scored_at", "qa_reviews", ["agent", "scored_at"], unique=False)
    op.create_index("ix_qa_reviews_call", "qa_reviews", ["call"], unique=False)
    op.create_index("ix_qa_reviews_job", "qa_reviews", ["job"], unique=False)
    op.create_index("ix_qa_reviews_state", "qa_reviews", ["state"], unique=False)
    op.create_table(
        "qa_trainings",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("agent", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("needed_at", INSTANT, nullable=True),
        sa.Column("moved_at", INSTANT, nullable=True),
        sa.Column("moved_by", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("data", STRUCTURE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_qa_trainings"),
    )
    op.create_index("ix_qa_trainings_agent", "qa_trainings", ["agent"], unique=False)


def downgrade() -> None:
    op.drop_table("qa_trainings")
    op.drop_table("qa_reviews")
    op.drop_table("qa_results")
    op.drop_table("qa_plans")
    op.drop_table("qa_picks")
    op.drop_table("qa_jobs")
    op.drop_table("qa_frames")
    op.drop_table("qa_forms")
    op.drop_table("qa_calls")
    op.drop_table("qa_calibrations")
