"""The act of taking in a table of customers' files."""

from __future__ import annotations

import asyncio
from typing import Any

from customers import identity, importing
from customers.errors import CustomerError
from customers.events import CustomersImported
from customers.files import CustomerFile
from customers.importing import Line, Wrong
from customers.register import CustomerRegister
from server.hotline.parties import canonical
from server.usecases.customers import CustomerActs
from server.usecases.errors import Invalid
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server

AT_ONCE = 1000
"""Files in one entry of the log."""


class CustomerImportActs(Acts):
    """`customers` fills the files. The act raises Forbidden, Invalid and NotLeading."""

    def __init__(self, server: Server, customers: CustomerActs) -> None:
        super().__init__(server)
        self._customers = customers

    @property
    def _register(self) -> CustomerRegister:
        return self._view.customers

    async def import_table(
        self, who: Principal, data: bytes, *, source: str = "", skip_bad: bool = False, check: bool = False
    ) -> dict[str, Any]:
        """Take in a table of files (CSV); returns the report of every line.

        A customer is found by reference, else by number; who is not found is new. Columns that the table does not have
        stay as they are. With a bad line nothing is taken in, unless `skip_bad`; with `check`, nothing ever.
        """
        self.permissions.require(who, Act.IMPORT_CUSTOMERS)
        region = self._server.definitions.callback.region
        try:
            read = await asyncio.to_thread(importing.read, data, lambda text: canonical(text, region))
        except ValueError as error:
            raise Invalid("file", str(error)) from None
        async with self._customers.changing:
            files, created = self._matched(read)
            changed = [file for file in files if self._register.file(file.id) != file]
            taken = not check and (skip_bad or not read.wrong)
            if taken and changed:
                await self._take_in(who, changed, source)
        return {
            "encoding": read.encoding,
            "lines": read.count,
            "taken": taken,
            "created": created,
            "changed": len(changed) - created,
            "unchanged": len(files) - len(changed),
            "bad": [each.as_dict() for each in sorted(read.wrong, key=lambda each: each.line)],
        }

    async def _take_in(self, who: Principal, files: list[CustomerFile], source: str) -> None:
        for start in range(0, len(files), AT_ONCE):
            part = tuple(files[start : start + AT_ONCE])
            subject = f"{len(part)} customers of {source or 'a table'}"
            await self._record(who, Act.IMPORT_CUSTOMERS, CustomersImported(part, who.name, source), subject=subject)

    def _matched(self, read: importing.Read) -> tuple[list[CustomerFile], int]:
        """(the files as they are to be, how many of them are new). Lines that fit no file become faults."""
        files: dict[int, CustomerFile] = {}
        following, created = self._register.last, 0
        for line in read.lines:
            found = self._owners(line)
            fault = _fault(line, found)
            owner = next(iter(found), 0)
            if fault is None and owner in files:
                fault = Wrong(line.line, "", "", f"another line changes customer {owner} too", "leave one of them out")
            if fault is not None:
                read.wrong.append(fault)
                continue
            if not owner:
                following, created, owner = following + 1, created + 1, following + 1
            try:
                file = self._of_line(line, self._register.file(owner) or CustomerFile(owner))
                self._register.check(file)
            except (CustomerError, Invalid) as error:
                read.wrong.append(Wrong(line.line, "", "", str(error), "correct this line"))
                created -= self._register.file(owner) is None
                continue
            files[owner] = file
        return list(files.values()), created

    def _owners(self, line: Line) -> set[int]:
        found = {file.id for each in line.numbers if (file := self._register.of_number(each)) is not None}
        named = self._register.of_ref(line.texts.get("ref", ""))
        return {named.id} | found if named is not None else found

    def _of_line(self, line: Line, before: CustomerFile) -> CustomerFile:
        names = {"class": "customer_class", "registered": "registered_on"}
        texts = {names.get(name, name): text for name, text in line.texts.items()}
        digits = texts.pop("identity", "")
        numbers = line.numbers if "numbers" in line.given and (line.numbers or not before.numbers) else None
        same = digits and before.identity and identity.fits(digits, before.identity, self._server.identity_key)
        return self._customers.filled(before, texts, numbers, digits if digits and not same else None)


def _fault(line: Line, found: set[int]) -> Wrong | None:
    if len(found) > 1:
        which = " and ".join(str(each) for each in sorted(found))
        return Wrong(line.line, "", "", f"it belongs to customers {which}", "correct the files first, or this line")
    return None
