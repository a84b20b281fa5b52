"""Acts on customers: their files, the marks on numbers, and whether the caller is the customer.

A file is changed under one lock, so that two changes at once never give a number to two customers.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from acd.callbacks.events import PromiseCancelled
from customers import identity
from customers.errors import CustomerError
from customers.events import (
    CustomerRemoved,
    CustomerSaved,
    IdentityChecked,
    MarkConfirmed,
    MarkLifted,
    MarkPut,
)
from customers.files import MOST_NUMBERS, CustomerFile
from customers.marks import LONGEST_NUISANCE, NUISANCE_FOR, Mark, Marked, MarkState
from customers.register import CustomerRegister
from server.hotline.parties import canonical, shown
from server.storage.queries.customers import CustomerFilter
from server.usecases.errors import Conflict, Forbidden, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal, Role
from server.usecases.records import masks
from server.usecases.server import Acts, Server

TEXTS = ("name", "customer_class", "region", "registered_on", "note", "ref")


class CustomerActs(Acts):
    """Every act raises Forbidden, NotFound, Invalid or Conflict, and NotLeading where it changes something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self.changing = asyncio.Lock()
        """Held while files change."""

    @property
    def _register(self) -> CustomerRegister:
        return self._view.customers

    # Reading

    async def page(
        self, who: Principal, filters: Mapping[str, str], limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page of files, the newest first. A number is found however it is written. Raises QueryError."""
        self.permissions.require(who, Act.READ_CUSTOMERS)
        wanted = dict(filters)
        ids: tuple[int, ...] | None = None
        if number := wanted.pop("number", ""):
            found = self._register.of_number(self._canonical(number))
            ids = (found.id,) if found is not None else ()
        if mark := wanted.pop("mark", ""):
            numbers = [each.number for each in self._register.marks() if each.mark == mark and self._stands(each)]
            marked = {file.id for each in numbers if (file := self._register.of_number(each)) is not None}
            ids = tuple(sorted(marked if ids is None else marked & set(ids)))
        if (own := self._own(who)) is not None:
            ids = tuple(sorted(own if ids is None else own & set(ids)))
        await self._server.records.caught_up()
        which = CustomerFilter(ids=ids, **wanted)
        page = await self._server.records.customers.page(which, limit, cursor, masks(who, Act.READ_CUSTOMERS))
        return {**page, "items": [self._with_marks(row) for row in page["items"]]}

    async def show(self, who: Principal, customer: int) -> dict[str, Any]:
        """One file, with the marks on its numbers."""
        self.permissions.require(who, Act.READ_CUSTOMERS)
        if (own := self._own(who)) is not None and customer not in own:
            raise Forbidden(
                f"customer {customer} has no open ticket with {who.department}: {Act.READ_CUSTOMERS} ends there"
            )
        return await self._shown(who, customer)

    async def find(self, who: Principal, number: str) -> dict[str, Any]:
        """The file to which this number belongs."""
        self.permissions.require(who, Act.READ_CUSTOMERS)
        found = self._register.of_number(self._canonical(number))
        own = self._own(who)
        if found is None or (own is not None and found.id not in own):
            raise NotFound("nobody's file has this number: see `sansheng customer list`")
        return await self._shown(who, found.id)

    async def marks(
        self, who: Principal, filters: Mapping[str, str], limit: int, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page of marks, newest first, in the state of this moment. Raises QueryError."""
        self.permissions.require(who, Act.READ_CUSTOMERS)
        wanted: dict[str, Any] = dict(filters)
        if number := wanted.pop("number", ""):
            wanted["numbers"] = self._numbers_with(self._canonical(number))
        if who.role is Role.DEPARTMENT:
            mine = {each for caller in self._callers(who) for each in self._numbers_with(caller)}
            wanted["numbers"] = tuple(sorted(mine & set(wanted.get("numbers", mine))))
        await self._server.records.caught_up()
        return await self._server.records.customers.marks(wanted, limit, masks(who, Act.READ_CUSTOMERS), cursor)

    # Changing files

    async def add(self, who: Principal, texts: Mapping[str, str], numbers: Sequence[str], digits: str = "") -> int:
        """A new file; returns its id. `texts` are those of `TEXTS`, `digits` what only the customer knows."""
        self.permissions.require(who, Act.CHANGE_CUSTOMER)
        async with self.changing:
            file = self.filled(CustomerFile(self._register.last + 1), texts, numbers, digits)
            await self._save(who, file, f"customer {file.id}: added")
        return file.id

    async def change(
        self,
        who: Principal,
        customer: int,
        texts: Mapping[str, str],
        numbers: Sequence[str] | None = None,
        digits: str | None = None,
        *,
        whole: bool = False,
        reason: str = "",
    ) -> None:
        """Change these parts of a file; with `whole`, the parts that are not given are emptied.

        `digits` None keeps what is kept, empty forgets it.
        """
        self.permissions.require(who, Act.CHANGE_CUSTOMER)
        async with self.changing:
            before = self._known(customer)
            base = CustomerFile(customer, identity=before.identity) if whole else before
            given = numbers if numbers is not None or whole else None
            file = self.filled(base, texts, given if given is not None else (() if whole else None), digits)
            if file != before:
                await self._save(who, file, f"customer {customer}: changed", reason)

    async def remove(self, who: Principal, customer: int, reason: str) -> None:
        """Remove a file. The marks on its numbers stay: they are wishes."""
        self.permissions.require(who, Act.REMOVE_CUSTOMER)
        async with self.changing:
            self._known(customer)
            gone = CustomerRemoved(customer, who.name, reason)
            await self._record(who, Act.REMOVE_CUSTOMER, gone, subject=f"customer {customer}: removed", reason=reason)

    def filled(
        self, base: CustomerFile, texts: Mapping[str, str], numbers: Sequence[str] | None, digits: str | None
    ) -> CustomerFile:
        """This file with other texts, numbers (None: as before) and digits to check by (None: as before, empty: none).

        Raises Invalid.
        """
        kept = base.identity
        if digits is not None:
            try:
                kept = identity.keep(digits, self._server.identity_key, secrets.token_hex(8)) if digits else ""
            except ValueError as error:
                raise Invalid("identity", str(error)) from None
        known = base.numbers if numbers is None else tuple(dict.fromkeys(self._telephone(each) for each in numbers))
        if len(known) > MOST_NUMBERS:
            raise Invalid("number", f"a customer has at most {MOST_NUMBERS} numbers: leave some out")
        changes: dict[str, Any] = {name: texts[name] for name in TEXTS if name in texts}
        return replace(base, numbers=known, identity=kept, **changes)

    async def _save(self, who: Principal, file: CustomerFile, subject: str, reason: str = "") -> None:
        try:
            self._register.check(file)
        except CustomerError as error:
            raise Conflict(str(error)) from None
        saved = CustomerSaved(file, who.name)
        await self._record(who, Act.CHANGE_CUSTOMER, saved, subject=subject, reason=reason)

    # Marks

    async def mark(
        self, who: Principal, number: str, mark: Mark, reason: str, until: float | None = None
    ) -> dict[str, Any]:
        """Mark a number. A nuisance holds when it is confirmed, and has an end; the customer's wishes hold at once.

        With do not call, callbacks that are promised to the customer are cancelled.
        """
        self.permissions.require(who, Act.MARK_CUSTOMER)
        now = self._clock()
        known = self._telephone(number)
        before = self._register.mark(known, mark)
        if before is not None and before.stands(now):
            raise Conflict(f"{self._as_shown(known)} is marked {mark.value} already: {_state(before, now)}")
        ends = self._end(mark, until, now)
        put = MarkPut(known, mark.value, who.name, reason, ends)
        events: list[object] = [put]
        if mark is Mark.DO_NOT_CALL:
            events += self._promises_of(known, who, reason)
        await self._record(who, Act.MARK_CUSTOMER, *events, subject=self._subject(known, mark), reason=reason)
        return await self._mark_now(who, known, mark)

    async def confirm(
        self, who: Principal, number: str, mark: Mark, reason: str = "", until: float | None = None
    ) -> dict[str, Any]:
        """Confirm a proposed mark: it holds from now on."""
        self.permissions.require(who, Act.CONFIRM_MARK)
        now, known = self._clock(), self._telephone(number)
        before = self._marked(known, mark)
        if before.state_at(now) is not MarkState.PROPOSED:
            raise Conflict(f"the mark {mark.value} of {self._as_shown(known)} is {_state(before, now)}: nothing to do")
        ends = before.until if until is None else self._end(mark, until, now)
        confirmed = MarkConfirmed(known, mark.value, who.name, reason, ends)
        await self._record(who, Act.CONFIRM_MARK, confirmed, subject=self._subject(known, mark), reason=reason)
        return await self._mark_now(who, known, mark)

    async def unmark(self, who: Principal, number: str, mark: Mark, reason: str = "") -> dict[str, Any]:
        """Lift a mark, proposed or in force."""
        self.permissions.require(who, Act.CONFIRM_MARK)
        now, known = self._clock(), self._telephone(number)
        before = self._marked(known, mark)
        if not before.stands(now):
            raise Conflict(f"the mark {mark.value} of {self._as_shown(known)} is {_state(before, now)}: nothing to do")
        lifted = MarkLifted(known, mark.value, who.name, reason)
        await self._record(who, Act.CONFIRM_MARK, lifted, subject=self._subject(known, mark), reason=reason)
        return await self._mark_now(who, known, mark)

    # Identity

    async def verify(self, who: Principal, customer: int, digits: str, call: int) -> bool:
        """Whether these digits are the customer's; the check, without the digits, is in the log with the call.

        Raises Conflict when nothing is kept of the customer, or too many answers were wrong.
        """
        self.permissions.require(who, Act.VERIFY_CUSTOMER)
        file = self._known(customer)
        if not file.identity:
            raise Conflict(f"nothing is kept by which customer {customer} could be checked: set it in the file first")
        if self._register.locked(customer, self._clock()):
            raise Conflict(f"too many wrong answers were given for customer {customer}: check again tomorrow")
        if not self._view.calls.was_given(call):
            raise NotFound(f"there is no call {call}: see `sansheng call list`")
        verified = identity.fits(digits, file.identity, self._server.identity_key)
        checked = IdentityChecked(call, customer, verified, who.name)
        await self._record(who, Act.VERIFY_CUSTOMER, checked, subject=f"customer {customer} in call {call}")
        return verified

    # Helpers

    def _own(self, who: Principal) -> frozenset[int] | None:
        """The customers whom a department may see: those of its open tickets. None for everybody else: all of them."""
        if who.role is not Role.DEPARTMENT:
            return None
        found = (self._register.of_number(each) for each in self._callers(who))
        return frozenset(file.id for file in found if file is not None)

    def _callers(self, who: Principal) -> set[str]:
        return {self._canonical(each) for each in self._view.tickets.callers_of(who.department)}

    def _canonical(self, number: str) -> str:
        return canonical(number, self._server.definitions.callback.region)

    def _as_shown(self, number: str) -> str:
        return shown(number, self._server.definitions.callback.region)

    def _telephone(self, number: str) -> str:
        plain = self._canonical(number)
        if not plain or not plain.lstrip("+").isdecimal():
            raise Invalid("number", f"{number[:40]!r} is no telephone number: write digits, such as 13800138000")
        return plain

    def _known(self, customer: int) -> CustomerFile:
        found = self._register.file(customer)
        if found is None:
            raise NotFound(f"there is no customer {customer}: see `sansheng customer list`")
        return found

    def _marked(self, number: str, mark: Mark) -> Marked:
        found = self._register.mark(number, mark)
        if found is None:
            raise NotFound(f"{self._as_shown(number)} is not marked {mark.value}: see `sansheng customer marks`")
        return found

    def _numbers_with(self, number: str) -> tuple[str, ...]:
        file = self._register.of_number(number)
        return tuple(dict.fromkeys((number, *(file.numbers if file is not None else ()))))

    def _stands(self, put: Marked) -> bool:
        return put.stands(self._clock())

    def _end(self, mark: Mark, until: float | None, now: float) -> float | None:
        if mark is Mark.NUISANCE:
            until = now + NUISANCE_FOR if until is None else until
            if until > now + LONGEST_NUISANCE:
                raise Invalid("time", "a nuisance is marked for a year at most: give an earlier end")
        if until is not None and until <= now:
            raise Invalid("time", "that is in the past: give an instant to come")
        return until

    def _promises_of(self, number: str, who: Principal, reason: str) -> list[object]:
        numbers = {self._as_shown(each) for each in self._numbers_with(number)}
        why = reason or "do not call"
        return [
            PromiseCancelled(each.id, who.name, f"marked do not call: {why}")
            for each in self._view.callbacks.promises()
            if each.live and each.number in numbers
        ]

    def _subject(self, number: str, mark: Mark) -> str:
        return f"number {self._as_shown(number)}: {mark.value}"

    async def _mark_now(self, who: Principal, number: str, mark: Mark) -> dict[str, Any]:
        await self.shown()
        wanted = {"numbers": (number,), "mark": mark.value}
        found = await self._server.records.customers.marks(wanted, 1, masks(who, Act.READ_CUSTOMERS))
        return dict(found["items"][0])

    async def _shown(self, who: Principal, customer: int) -> dict[str, Any]:
        await self._server.records.caught_up()
        found = await self._server.records.customers.show(customer, masks(who, Act.READ_CUSTOMERS))
        if found is None:
            raise NotFound(f"there is no customer {customer}: see `sansheng customer list`")
        return self._with_marks(found)

    async def now(self, who: Principal, customer: int) -> dict[str, Any]:
        """The file after an act on it."""
        await self.shown()
        return await self._shown(who, customer)

    def _with_marks(self, row: dict[str, Any]) -> dict[str, Any]:
        """The marks in force or proposed for any of the customer's numbers, by name."""
        file, now = self._register.file(row["id"]), self._clock()
        numbers = file.numbers if file is not None else ()
        put = [found for each in numbers for kind in Mark if (found := self._register.mark(each, kind)) is not None]
        row["marks"] = sorted({_mark(each, now) for each in put if each.stands(now)})
        return row


def _mark(put: Marked, now: float) -> str:
    state = put.state_at(now)
    return put.mark.value if state is MarkState.IN_FORCE else f"{put.mark.value} ({state.value})"


def _state(put: Marked, now: float) -> str:
    return put.state_at(now).value.replace("_", " ")
