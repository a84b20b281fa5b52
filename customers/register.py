"""All customers' files and all marks: a number has one file at most, and a wish holds for every number of its customer.

Changed only by `receive`, once an event is in the log; questions change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from customers.errors import CustomerError
from customers.events import (
    CustomerRemoved,
    CustomerSaved,
    CustomersImported,
    Event,
    IdentityChecked,
    MarkConfirmed,
    MarkLifted,
    MarkPut,
)
from customers.files import VIP, CustomerFile
from customers.identity import FAILURES, WITHIN
from customers.marks import DAY, FIRST, TRANSITIONS, Mark, Marked, MarkSignal, MarkState

REMEMBER = 30 * DAY
"""Seconds for which a mark that holds no more stays known here; the records keep it."""


class CustomerRegister:
    """Files by id, by number and by the reference of another system; marks by number. Numbers are canonical."""

    def __init__(self) -> None:
        self._files: dict[int, CustomerFile] = {}
        self._by_number: dict[str, int] = {}
        self._by_ref: dict[str, int] = {}
        self._marks: dict[str, dict[Mark, Marked]] = {}
        self._failures: dict[int, list[float]] = {}
        self.last = 0
        """The greatest id that was ever given."""
        self.changes = 0
        """How often the register has changed."""

    def __len__(self) -> int:
        return len(self._files)

    # Questions

    def file(self, customer: int) -> CustomerFile | None:
        """The file of this id."""
        return self._files.get(customer)

    def of_number(self, number: str) -> CustomerFile | None:
        """The file to which this number belongs; None for nobody's, and for a withheld one (empty)."""
        return self._files.get(self._by_number.get(number, 0))

    def of_ref(self, ref: str) -> CustomerFile | None:
        """The file with this reference of another system."""
        return self._files.get(self._by_ref.get(ref, 0)) if ref else None

    def is_vip(self, number: str) -> bool:
        """Whether the number belongs to a customer of the class `vip`."""
        found = self.of_number(number)
        return found is not None and found.customer_class == VIP

    def mark(self, number: str, mark: Mark) -> Marked | None:
        """The latest mark of this kind on this very number, whatever its state."""
        return self._marks.get(number, {}).get(mark)

    def marks(self) -> Iterator[Marked]:
        """Every mark that is remembered."""
        for of_number in self._marks.values():
            yield from of_number.values()

    def holding(self, number: str, mark: Mark, now: float) -> Marked | None:
        """The mark in force on this number, or on another one of the same customer."""
        found = self.of_number(number)
        for each in (number, *(found.numbers if found is not None else ())):
            put = self.mark(each, mark)
            if put is not None and put.in_force(now):
                return put
        return None

    def is_nuisance(self, number: str, now: float) -> bool:
        """Whether the caller is a confirmed nuisance: hears the message, and is never queued."""
        return bool(number) and self.holding(number, Mark.NUISANCE, now) is not None

    def may_record(self, number: str, now: float) -> bool:
        """Whether conversations with this number may be recorded."""
        return not number or self.holding(number, Mark.DO_NOT_RECORD, now) is None

    def why_not_called(self, number: str, now: float, asked_at: float | None = None) -> str:
        """Why the hotline may not call this number, as a sentence; empty when it may.

        `asked_at` is when the customer asked for this very call: a wish that is older does not stop it.
        """
        put = self.holding(number, Mark.DO_NOT_CALL, now)
        if put is None or (asked_at is not None and asked_at >= put.at):
            return ""
        return f"{number} is marked do not call: lift the mark first, if the customer agrees"

    def locked(self, customer: int, now: float) -> bool:
        """Whether so many wrong answers were given for this customer that none is compared now."""
        return sum(at > now - WITHIN for at in self._failures.get(customer, ())) >= FAILURES

    def check(self, file: CustomerFile) -> None:
        """Raises CustomerError when the file cannot stand beside the others."""
        if not file.name and not file.numbers and not file.ref:
            raise CustomerError("a customer needs a name, a number or a reference: give one of them")
        for number in file.numbers:
            other = self._by_number.get(number, file.id)
            if other != file.id:
                raise CustomerError(f"{number} belongs to customer {other} already: take it out there first")
        other = self._by_ref.get(file.ref, file.id) if file.ref else file.id
        if other != file.id:
            raise CustomerError(f"reference {file.ref} is customer {other}'s already: each customer has one of its own")

    # The log

    def receive(self, event: object, at: float) -> None:
        """Take in an event of the log; events of other kinds change nothing."""
        if not isinstance(event, Event):
            return
        self.changes += 1
        match event:
            case CustomerSaved():
                self._keep(event.file)
            case CustomersImported():
                for file in event.files:
                    self._keep(file)
            case CustomerRemoved():
                self._forget(event.customer)
            case MarkPut():
                kind = Mark(event.mark)
                put = Marked(event.number, kind, FIRST[kind], at, event.by, event.reason, event.until)
                self._prune(at)
                self._marks.setdefault(event.number, {})[kind] = put
            case MarkConfirmed():
                self._signal(event.number, event.mark, MarkSignal.CONFIRMED, at, event.by, event.until)
            case MarkLifted():
                self._signal(event.number, event.mark, MarkSignal.LIFTED, at, "", None)
            case IdentityChecked():
                self._checked(event, at)

    def _keep(self, file: CustomerFile) -> None:
        self._forget(file.id)
        for number in file.numbers:
            # A number that moved: the file that had it loses it.
            if (other := self.of_number(number)) is not None:
                kept = tuple(each for each in other.numbers if each != number)
                self._files[other.id] = replace(other, numbers=kept)
            self._by_number[number] = file.id
        if file.ref:
            self._by_ref[file.ref] = file.id
        self._files[file.id] = file
        self.last = max(self.last, file.id)

    def _forget(self, customer: int) -> None:
        file = self._files.pop(customer, None)
        if file is not None:
            for number in file.numbers:
                self._by_number.pop(number, None)
            self._by_ref.pop(file.ref, None)

    def _signal(self, number: str, mark: str, signal: MarkSignal, at: float, by: str, until: float | None) -> None:
        put = self.mark(number, Mark(mark))
        after = TRANSITIONS.get((put.state_at(at), signal)) if put is not None else None
        if put is None or after is None:
            return
        if signal is MarkSignal.CONFIRMED:
            changed = replace(put, state=after, confirmed_by=by, until=until if until is not None else put.until)
        else:
            changed = replace(put, state=after, until=at)
        self._marks[number][put.mark] = changed

    def _prune(self, now: float) -> None:
        """Forget marks that ended long ago."""
        for number, of_number in list(self._marks.items()):
            for kind, put in list(of_number.items()):
                if not put.stands(now) and (put.until or put.at) + REMEMBER < now:
                    del of_number[kind]
            if not of_number:
                del self._marks[number]

    def _checked(self, event: IdentityChecked, at: float) -> None:
        lately = [each for each in self._failures.get(event.customer, ()) if each > at - WITHIN]
        if not event.verified:
            lately.append(at)
        if lately and not event.verified:
            self._failures[event.customer] = lately[-FAILURES:]
        elif event.verified:
            self._failures.pop(event.customer, None)

    # As JSON

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "files": list(self._files.values()),
            "marks": list(self.marks()),
            "failures": list(self._failures.items()),
            "last": self.last,
        }

    @classmethod
    def restore(cls, data: dict[str, Any] | None) -> CustomerRegister:
        """The inverse of `snapshot`, from decoded JSON; None: a snapshot of before there were customers."""
        made = cls()
        if data is None:
            return made
        for row in data["files"]:
            made._keep(CustomerFile(**{**row, "numbers": tuple(row["numbers"])}))
        for row in data["marks"]:
            put = Marked(**{**row, "mark": Mark(row["mark"]), "state": MarkState(row["state"])})
            made._marks.setdefault(put.number, {})[put.mark] = put
        made._failures = {customer: list(at) for customer, at in data["failures"]}
        made.last = data["last"]
        return made
