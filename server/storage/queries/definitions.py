"""Questions about the versions of the definitions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from server.storage.queries.paging import Page, iso, page_of
from server.storage.schema.definition_tables import DefinitionText, DefinitionVersion

_Text = tuple[str, str | None, str | None]
"""(part, the text before, the text of this version); None: the product's own."""


def versions(engine: Engine, *, limit: int = 100, after: str | None = None) -> Page:
    """Every version without texts, newest first. Raises QueryError for a bad limit or cursor."""
    with Session(engine) as session:
        rows, following = page_of(session, select(DefinitionVersion), DefinitionVersion.id, "definitions", limit, after)
        wanted = select(DefinitionText.version, DefinitionText.part).where(
            DefinitionText.version.in_([row.id for row in rows])
        )
        parts: dict[int, list[str]] = {}
        for version, part in session.execute(wanted.order_by(DefinitionText.version, DefinitionText.part)):
            parts.setdefault(version, []).append(part)
        return Page([_version(row, parts.get(row.id, [])) for row in rows], following)


def version(engine: Engine, number: int) -> dict[str, Any] | None:
    """One version; `texts` are what it changed. None if there is none."""
    with Session(engine) as session:
        row = session.get(DefinitionVersion, number)
        if row is None:
            return None
        changed = session.scalars(
            select(DefinitionText).where(DefinitionText.version == number).order_by(DefinitionText.part)
        ).all()
        before = _texts_at(session, number - 1)
        texts: list[_Text] = [(each.part, before.get(each.part), each.text) for each in changed]
        return _version(row, [each.part for each in changed]) | {"texts": texts}


def before(engine: Engine, number: int) -> int | None:
    """The version that held before this one; 0 before the first, None when this one is not there."""
    with Session(engine) as session:
        if session.get(DefinitionVersion, number) is None:
            return None
        held = select(func.max(DefinitionVersion.id)).where(
            DefinitionVersion.id < number, DefinitionVersion.refused == ""
        )
        return session.scalar(held) or 0


def texts_at(engine: Engine, number: int) -> dict[str, str]:
    """Part → the operator's text that held with this version."""
    with Session(engine) as session:
        return _texts_at(session, number)


def _texts_at(session: Session, number: int) -> dict[str, str]:
    wanted = (
        select(DefinitionText.part, DefinitionText.text)
        .join(DefinitionVersion, DefinitionVersion.id == DefinitionText.version)
        .where(DefinitionText.version <= number, DefinitionVersion.refused == "")
        .order_by(DefinitionText.version)
    )
    found: dict[str, str | None] = {}
    for part, text in session.execute(wanted):
        found[part] = text
    return {part: text for part, text in found.items() if text is not None}


def _version(row: DefinitionVersion, parts: list[str]) -> dict[str, Any]:
    return {
        "version": row.id,
        "at": iso(row.at),
        "by": row.by,
        "role": row.role,
        "reason": row.reason,
        "how": row.how,
        "restores": row.restores or None,
        "node": row.node,
        "refused": row.refused or None,
        "parts": parts,
    }
