"""Customers: files, marks on numbers, checks of identity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("numbers", STRUCTURE, nullable=False),
        sa.Column("customer_class", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=False),
        sa.Column("registered_on", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("identity_kept", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("changed_at", INSTANT, nullable=True),
        sa.Column("changed_by", TEXT, nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
    )
    for column in ("name", "customer_class", "ref"):
        op.create_index(f"ix_customers_{column}", "customers", [column], unique=False)
    op.create_table(
        "customer_marks",
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("mark", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("confirmed_by", TEXT, nullable=False),
        sa.Column("lifted_at", INSTANT, nullable=True),
        sa.Column("lifted_by", TEXT, nullable=False),
        sa.Column("lifted_reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_customer_marks"),
    )
    op.create_index("ix_customer_marks_number", "customer_marks", ["number"], unique=False)
    op.create_index("ix_customer_marks_mark_state", "customer_marks", ["mark", "state"], unique=False)
    op.create_table(
        "identity_checks",
        sa.Column("ms", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("call", NUMBER, nullable=False),
        sa.Column("customer", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("ms", "seq", name="pk_identity_checks"),
    )
    op.create_index("ix_identity_checks_call", "identity_checks", ["call"], unique=False)
    op.create_index("ix_identity_checks_customer", "identity_checks", ["customer"], unique=False)


def downgrade() -> None:
    for table in ("identity_checks", "customer_marks", "customers"):
        op.drop_table(table)
