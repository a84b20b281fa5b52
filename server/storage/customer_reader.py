"""What the API reads of customers: asked from the loop and answered from a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Engine

from server.storage.queries.customers import CustomerFilter, CustomerQueries


class CustomerReader:
    """Answers of `CustomerQueries`. Each raises QueryError for a wrong question."""

    def __init__(self, engine: Engine) -> None:
        self._queries = CustomerQueries(engine)

    async def page(self, which: CustomerFilter, limit: int, cursor: str | None, mask: bool) -> dict[str, Any]:
        """One page of files."""
        page = await asyncio.to_thread(self._queries.page, which, limit=limit, after=cursor, mask=mask)
        return {"items": page.items, "next": page.next}

    async def show(self, customer: int, mask: bool) -> dict[str, Any] | None:
        """One file."""
        return await asyncio.to_thread(self._queries.show, customer, mask=mask)

    async def marks(
        self, which: Mapping[str, Any], limit: int, mask: bool, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page of marks, newest first."""
        page = await asyncio.to_thread(partial(self._queries.marks, limit=limit, after=cursor, mask=mask, **which))
        return {"items": page.items, "next": page.next}
