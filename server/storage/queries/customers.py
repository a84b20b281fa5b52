"""What the records answer about customers: files page by page, marks, and whether a caller's identity was checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, or_, select
from sqlalchemy.orm import Session

from customers.marks import Mark, MarkState
from server.storage.queries.paging import Page, QueryError, iso, masked, page_of, page_of_entries
from server.storage.schema.customer_tables import Customer, CustomerMark, IdentityCheck

MARKS_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which files: part of a name, a class, a region, a reference, or one of these ids."""

    name: str | None = None
    customer_class: str | None = None
    region: str | None = None
    ref: str | None = None
    ids: tuple[int, ...] | None = None


class CustomerQueries:
    """Answers over one database. `mask` hides the middle of numbers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, which: CustomerFilter, *, limit: int = 100, after: str | None = None, mask: bool = False) -> Page:
        """Files, the greatest id first. Raises QueryError for a bad limit or cursor."""
        wanted = select(Customer).where(Customer.removed_at.is_(None))
        if which.name is not None:
            wanted = wanted.where(Customer.name.contains(which.name, autoescape=True))
        for column, value in (
            (Customer.customer_class, which.customer_class),
            (Customer.region, which.region),
            (Customer.ref, which.ref),
        ):
            wanted = wanted if value is None else wanted.where(column == value)
        if which.ids is not None:
            wanted = wanted.where(Customer.id.in_(which.ids))
        with Session(self._engine) as session:
            rows, following = page_of(session, wanted, Customer.id, "customer", limit, after)
            return Page([customer(row, mask) for row in rows], following)

    def show(self, number: int, *, mask: bool = False) -> dict[str, Any] | None:
        """One file; None when there is none, or it was removed."""
        with Session(self._engine) as session:
            row = session.get(Customer, number)
            return None if row is None or row.removed_at is not None else customer(row, mask)

    def marks(
        self,
        *,
        numbers: Sequence[str] | None = None,
        mark: str | None = None,
        state: str | None = None,
        mask: bool = False,
        limit: int = MARKS_SHOWN,
        after: str | None = None,
    ) -> Page:
        """Marks, newest first, in the state of this moment. Raises QueryError for an unknown kind or state, a bad limit
        or cursor."""
        for name, value, known in (("mark", mark, set(Mark)), ("state", state, set(MarkState))):
            if value is not None and value not in known:
                raise QueryError(f"{value!r} is no {name} of a mark; there are {', '.join(sorted(known))}")
        wanted = select(CustomerMark)
        if numbers is not None:
            wanted = wanted.where(CustomerMark.number.in_(numbers))
        if mark is not None:
            wanted = wanted.where(CustomerMark.mark == mark)
        now = datetime.now(UTC)
        stands = CustomerMark.state.in_((MarkState.PROPOSED, MarkState.IN_FORCE))
        if state == MarkState.EXPIRED:
            wanted = wanted.where(stands, CustomerMark.until <= now)
        elif state == MarkState.LIFTED:
            wanted = wanted.where(CustomerMark.state == state)
        elif state is not None:
            ahead = or_(CustomerMark.until.is_(None), CustomerMark.until > now)
            wanted = wanted.where(CustomerMark.state == state, ahead)
        with Session(self._engine) as session:
            rows, following = page_of_entries(session, wanted, CustomerMark, "mark", limit, after)
            return Page([marked(row, now, mask) for row in rows], following)

    def verified(self, calls: Sequence[int]) -> bool | None:
        """Whether identity was checked in one of these calls: True fitted, False did not, None nobody asked."""
        with Session(self._engine) as session:
            return verified(session, calls)


def verified(session: Session, calls: Sequence[int]) -> bool | None:
    """See `CustomerQueries.verified`."""
    if not calls:
        return None
    found = session.scalars(select(IdentityCheck.verified).where(IdentityCheck.call.in_(calls))).all()
    return any(found) if found else None


def customer(row: Customer, mask: bool) -> dict[str, Any]:
    """A file as lists show it."""
    return {
        "id": row.id,
        "ref": row.ref or None,
        "name": row.name or None,
        "numbers": [masked(each) for each in row.numbers] if mask else row.numbers,
        "class": row.customer_class or None,
        "region": row.region or None,
        "registered_on": row.registered_on or None,
        "note": row.note or None,
        "identity_kept": row.identity_kept,
        "created_at": iso(row.created_at),
        "changed_at": iso(row.changed_at),
        "changed_by": row.changed_by or None,
    }


def marked(row: CustomerMark, now: datetime, mask: bool) -> dict[str, Any]:
    """A mark as lists show it."""
    ended = row.until is not None and row.until <= now and row.state != MarkState.LIFTED
    return {
        "number": masked(row.number) if mask else row.number,
        "mark": row.mark,
        "state": MarkState.EXPIRED.value if ended else row.state,
        "at": iso(row.at),
        "by": row.by or None,
        "reason": row.reason or None,
        "until": iso(row.until),
        "confirmed_at": iso(row.confirmed_at),
        "confirmed_by": row.confirmed_by or None,
        "lifted_at": iso(row.lifted_at),
        "lifted_by": row.lifted_by or None,
        "lifted_reason": row.lifted_reason or None,
    }
