"""When a ticket's round was followed up, so that reports can say it. Counts of tickets are made again.

The archived log has no index of instants: its key begins with one.
"""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("ticket_rounds", sa.Column("followed_up_at", INSTANT, nullable=True))
    _followed_up_so_far()
    op.drop_index("ix_events_at", "events")
    op.execute("DELETE FROM cursors WHERE reader = 'report counts of rounds'")


def _followed_up_so_far() -> None:
    """What stands in the history of tickets."""
    history = sa.table(
        "ticket_history",
        *(sa.column(name) for name in ("ms", "seq", "ticket", "kind", "after")),
        sa.column("at", INSTANT),
    )
    rounds = sa.table("ticket_rounds", sa.column("ticket"), sa.column("round"), sa.column("followed_up_at", INSTANT))
    bind = op.get_bind()
    wanted = sa.select(history).where(
        (history.c.kind == "round") | ((history.c.kind == "state") & (history.c.after == "followed_up"))
    )
    round_of: Counter[int] = Counter()
    found = []
    for row in bind.execute(wanted.order_by(history.c.ms, history.c.seq)):
        if row.kind == "round":
            round_of[row.ticket] = int(row.after) - 1
        else:
            found.append({"of": row.ticket, "number": round_of[row.ticket] + 1, "then": row.at})
    if found:
        this = (rounds.c.ticket == sa.bindparam("of")) & (rounds.c.round == sa.bindparam("number"))
        bind.execute(sa.update(rounds).where(this).values(followed_up_at=sa.bindparam("then")), found)


def downgrade() -> None:
    op.create_index("ix_events_at", "events", ["at"])
    with op.batch_alter_table("ticket_rounds") as table:
        table.drop_column("followed_up_at")
