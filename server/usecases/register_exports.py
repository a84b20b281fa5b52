"""Customers and outbound lists as rows for exports; what approves them is what approves every export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from customers.lists import BEHIND, LineState, OutboundList
from server.storage.notation import iso
from server.storage.projections.rows import utc
from server.storage.sheets import Row
from server.usecases.customers import CustomerActs
from server.usecases.errors import Invalid
from server.usecases.exports import Kind, columns, pages
from server.usecases.lists import LineView, ListActs
from server.usecases.principal import Principal

AT_ONCE = 1000


def register_kinds(customers: CustomerActs, lists: ListActs) -> dict[str, Kind]:
    """The kinds by name: customers, outbound lists, and the lines of one list or of all."""

    def of_customers(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        named = {_FILTERS.get(name, name): value for name, value in filters.items()}
        return pages(lambda cursor: customers.page(who, named, page, cursor))

    async def of_lists(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        yield [_list(lists, each) for each in lists.lists(who) if filters.get("state") in (None, lists.state(each))]

    async def of_lines(who: Principal, filters: Mapping[str, str], page: int) -> AsyncIterator[Sequence[Row]]:
        state = _state(filters.get("state"))
        wanted = [lists.show(who, int(filters["list"]))] if "list" in filters else lists.lists(who)
        for each in wanted:
            rows = [_line(each, line) for line in lists.lines(who, each.id, state)]
            for start in range(0, len(rows) or 1, AT_ONCE):
                yield rows[start : start + AT_ONCE]

    return {
        "customers": Kind(
            columns("id ref name numbers class region registered_on note marks created_at changed_at changed_by"),
            ("name", "class", "region", "ref", "number", "mark"),
            of_customers,
        ),
        "lists": Kind((*columns(_LIST), *_counts()), ("state",), of_lists),
        "list-lines": Kind(columns(_LINE), ("list", "state"), of_lines),
    }


_FILTERS = {"class": "customer_class"}
_LIST = (
    "id name purpose queue category owner consent proof state since until window attempts priority yields created_at"
    " created_by ended_at"
)
_LINE = "list line number name ref note proof state promise attempts outcomes why changed_at"


def _counts() -> Iterator[str]:
    return (f"lines_{each.value}" for each in LineState)


def _list(acts: ListActs, each: OutboundList) -> Row:
    rules = each.rules
    return {
        "id": each.id,
        "name": rules.name,
        "purpose": rules.purpose,
        "queue": rules.queue,
        "category": rules.category or None,
        "owner": rules.owner,
        "consent": rules.consent,
        "proof": rules.proof or None,
        "state": acts.state(each).value,
        "since": iso(utc(rules.since)) if rules.since else None,
        "until": iso(utc(rules.until)),
        "window": rules.window or None,
        "attempts": rules.attempts,
        "yields": rules.yields,
        "priority": None if rules.priority == BEHIND else rules.priority,
        "created_at": iso(utc(each.at)),
        "created_by": each.by or None,
        "ended_at": None if each.over_at is None else iso(utc(each.over_at)),
        **{f"lines_{state}": count for state, count in each.counts().items()},
    }


def _line(each: OutboundList, view: LineView) -> Row:
    called, line = view.called, view.called.line
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(called.outcomes.items()))
    found: dict[str, Any] = {
        "list": each.id,
        "line": line.line,
        "number": view.number,
        "name": line.name,
        "ref": line.ref,
    }
    return found | dict(
        **{"note": line.note, "proof": line.proof or each.rules.proof, "state": called.state.value},
        **{
            "promise": called.promise or None,
            "attempts": called.attempts,
            "outcomes": outcomes,
            "why": called.why or None,
        },
        changed_at=iso(utc(called.at)) if called.at else None,
    )


def _state(name: str | None) -> LineState | None:
    try:
        return None if name is None else LineState(name)
    except ValueError:
        known = ", ".join(LineState)
        raise Invalid("filter", f"there is no state {name!r} of a line: there are {known}") from None
