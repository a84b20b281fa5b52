"""From a log entry to rows, for the versions of the definitions."""

from __future__ import annotations

from server.eventlog.definition_events import DefinitionsPublished, DefinitionsRefused
from server.eventlog.log import Entry
from server.storage.projections.rows import Rows, utc
from server.storage.projections.rules import Rules
from server.storage.schema.definition_tables import DefinitionText, DefinitionVersion

RULES = Rules()


@RULES.on(DefinitionsPublished)
def _(event: DefinitionsPublished, entry: Entry, rows: Rows) -> None:
    rows.add(
        DefinitionVersion(
            id=event.version,
            at=utc(entry.at),
            by=event.by,
            role=event.role,
            reason=event.reason,
            how=event.how,
            restores=event.restores,
            node=event.node,
        )
    )
    for part, text in event.changed:
        rows.add(DefinitionText(version=event.version, part=part, text=text))


@RULES.on(DefinitionsRefused)
def _(event: DefinitionsRefused, entry: Entry, rows: Rows) -> None:
    rows.session.flush()
    found = rows.session.get(DefinitionVersion, event.version)
    if found is not None:
        found.refused = event.why
