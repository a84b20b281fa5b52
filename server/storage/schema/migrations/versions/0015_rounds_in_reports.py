"""Tickets in reports: queue and category of rounds, a row for each dispatch. Answers to follow-up calls. What of a
ticket an outside system owns."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None

TEXT = sa.String()
INSTANT = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for name in ("queue", "category"):
        op.add_column("ticket_rounds", sa.Column(name, TEXT, nullable=False, server_default=""))
        op.execute(
            f"UPDATE ticket_rounds SET {name} = COALESCE((SELECT {name} FROM ticket_times"
            " WHERE ticket_times.ticket = ticket_rounds.ticket), '')"
        )
    op.add_column("ticket_rounds", sa.Column("answers", STRUCTURE, nullable=True))
    op.add_column("ticket_links", sa.Column("owns", TEXT, nullable=False, server_default=""))
    made = op.create_table(
        "ticket_dispatches",
        sa.Column("ticket", NUMBER, autoincrement=False, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("round", NUMBER, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("department", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("wrong", sa.Boolean(), nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("ticket", "number", name="pk_ticket_dispatches"),
    )
    _dispatches_so_far(made)


def _dispatches_so_far(made: sa.Table) -> None:
    """The dispatches that stand in the history of tickets."""
    history = sa.table(
        "ticket_history",
        *(sa.column(name) for name in ("ms", "seq", "ticket", "kind", "before", "after", "by", "why")),
        sa.column("at", INSTANT),
    )
    rounds = sa.table("ticket_rounds", *(sa.column(name) for name in ("ticket", "queue", "category")))
    bind = op.get_bind()
    wanted = sa.select(history).where(
        (history.c.kind == "redispatched")
        | (history.c.kind == "round")
        | ((history.c.kind == "state") & (history.c.after == "dispatched"))
    )
    where = {row.ticket: (row.queue, row.category) for row in bind.execute(sa.select(rounds))}
    count: Counter[int] = Counter()
    round_of: dict[int, int] = {}
    for row in bind.execute(wanted.order_by(history.c.ms, history.c.seq)).all():
        if row.kind == "round":
            round_of[row.ticket] = int(row.after)
            continue
        again = row.kind == "redispatched"
        if again:
            before = (made.c.ticket == row.ticket) & (made.c.number == count[row.ticket])
            bind.execute(sa.update(made).where(before).values(wrong=True))
        count[row.ticket] += 1
        queue, category = where.get(row.ticket, ("", ""))
        said = row.why.partition(";")[0]
        department = row.after if again else said.removeprefix("to ") if said.startswith("to ") else ""
        place = {"ticket": row.ticket, "number": count[row.ticket], "round": round_of.get(row.ticket, 1)}
        who = {"at": row.at, "department": department, "by": row.by, "wrong": False}
        bind.execute(made.insert().values(**place, **who, queue=queue, category=category))


def downgrade() -> None:
    op.drop_table("ticket_dispatches")
    op.drop_column("ticket_links", "owns")
    for name in ("answers", "category", "queue"):
        op.drop_column("ticket_rounds", name)
