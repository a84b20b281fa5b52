"""Definitions as versions: looked at, changed on trial, published, undone; and files that were edited by hand.

A version stands in the log before any file is written. Every server then writes its own files and takes them over; if
the leader cannot, it says so in the log, and the version before holds again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog

from server.eventlog.definition_events import DefinitionsPublished, DefinitionsRefused
from server.hotline.definition_changes import by_key, unified
from server.hotline.definition_files import DefinitionFiles, file_of, product_parts, product_text, sum_of
from server.hotline.definition_settings import sections
from server.hotline.definitions import load
from server.hotline.dispatcher import NotLeading
from server.hotline.published import Head
from server.storage.queries import definitions as kept
from server.usecases.audit import audited
from server.usecases.definition_trial import Change, Checked, PartDiff, Proposal, finding, proposed
from server.usecases.errors import ChangedSince, Conflict, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server
from server.warned import warned

_log = structlog.get_logger("definitions")
_PACE = 0.5
"""Seconds between two looks of a server that stands by."""


class Unusable(Invalid):
    """Definitions with errors; `checked` has them all."""

    def __init__(self, checked: Checked) -> None:
        first, *others = checked.errors
        more = f" (and {len(others)} more)" if others else ""
        super().__init__(
            "definitions", f"{first.file}:{first.line}: {first.key and first.key + ': '}{first.sentence}{more}"
        )
        self.checked = checked


class VersionActs(Acts):
    """Acts raise Forbidden, and NotLeading where they change something."""

    def __init__(self, server: Server, clock: Callable[[], float] = time.time) -> None:
        super().__init__(server, clock)
        self._busy = asyncio.Lock()
        self.problem = ""
        """Why this server could not take a published version over; empty when it could."""

    @property
    def files(self) -> DefinitionFiles:
        """The operator's files of this server."""
        return DefinitionFiles(self._server.home)

    # Looking

    def overview(self, who: Principal) -> dict[str, Any]:
        """The version in force, and every part there is."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        published = self._view.published
        parts = dict.fromkeys((*product_parts(), *sorted(published.texts)))
        head = next((each for each in published.heads() if each.version == published.version), None)
        return {"version": published.version, "head": head, "parts": [self._part(each) for each in parts]}

    def part(self, who: Principal, part: str) -> dict[str, Any]:
        """One part with its text in force. Raises NotFound."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        text = self._text(part)
        if text is None:
            raise NotFound(f"there is no part {part}: see `sansheng definitions list`")
        return self._part(part) | {"text": text, "version": self._view.published.version}

    def _part(self, part: str) -> dict[str, Any]:
        published = self._view.published
        return {
            "part": part,
            "file": file_of(part),
            "source": "own" if part in published.texts else "product",
            "shipped": product_text(part) is not None,
            "head": published.head_of(part) if part in published.texts else None,
        }

    def _text(self, part: str) -> str | None:
        own = self._view.published.texts.get(part)
        return product_text(part) if own is None else own

    async def versions(self, who: Principal, limit: int, cursor: str | None) -> dict[str, Any]:
        """Every version, newest first. Raises QueryError."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        await self._server.records.caught_up()
        page = await self._server.records.asked(kept.versions, limit=limit, after=cursor)
        return {"items": page.items, "next": page.next}

    async def version(self, who: Principal, number: int) -> dict[str, Any]:
        """One version with what it changed. Raises NotFound."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        await self._server.records.caught_up()
        found = await self._server.records.asked(kept.version, number)
        if found is None:
            raise NotFound(f"there is no version {number} of the definitions: see `sansheng definitions list`")
        texts = found.pop("texts")
        return found | {"changes": [_diff(part, before, after) for part, before, after in texts]}

    # Trying

    async def check(self, who: Principal, changes: Iterable[Change]) -> Checked:
        """What `sansheng check` would find with these changes, and what differs. Raises Invalid."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        return await asyncio.to_thread(self._checked, self._proposed(changes))

    async def settings(self, who: Principal, changes: Iterable[Change] = ()) -> dict[str, Any]:
        """Every value of `hotline.toml`, with these changes, and the names that others go by. Raises Invalid."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        return await asyncio.to_thread(self._settings, self._proposed(changes))

    def _settings(self, proposal: Proposal) -> dict[str, Any]:
        try:
            with self.files.trial(proposal.texts) as folder:
                found, now = sections(folder), load(folder)
        except ValueError as error:
            raise Invalid("definitions", str(error)) from None
        return {
            "version": self._view.published.version,
            "sections": found,
            "skills": list(now.policy.skills),
            "categories": list(now.categories.names),
            "queues": [each.name for each in now.policy.queues],
            "flows": sorted(now.flows),
        }

    def _proposed(self, changes: Iterable[Change]) -> Proposal:
        return proposed(changes, self._view.published.texts)

    def _checked(self, proposal: Proposal) -> Checked:
        version, before = self._view.published.version, dict(self._view.published.texts)
        files = self.files
        with files.trial(proposal.texts) as folder:
            found = [finding(each, folder, files.home) for each in self._server.examine(folder)]
        diffs = [_diff(part, before.get(part), text) for part, text in proposal.changed.items()]
        return Checked(version, found, diffs)

    # Publishing

    async def publish(self, who: Principal, changes: Iterable[Change], base: int, reason: str = "") -> Head:
        """Let these changes of version `base` hold from now on, on every server.

        Raises ChangedSince when another version was published, Unusable for definitions with errors, Invalid for
        changes that change nothing, and Conflict when the leader cannot take them over.
        """
        self.permissions.require(who, Act.PUBLISH_DEFINITIONS)
        self._require_lead()
        async with self._busy:
            await self._note_edits()
            self._require_base(base)
            return await self._publish(who, Act.PUBLISH_DEFINITIONS, self._proposed(changes), reason=reason)

    async def put(self, who: Principal, act: Act, changes: Iterable[Change], subject: str, reason: str = "") -> None:
        """Publish what another act is about, if it changes anything. Raises as `publish` does."""
        async with self._busy:
            await self._note_edits()
            proposal = self._proposed(changes)
            if proposal.changed:
                await self._publish(who, act, proposal, reason=reason, subject=subject)

    async def undo(self, who: Principal, to: int | None = None, base: int | None = None, reason: str = "") -> Head:
        """Let the texts of a former version hold again: of version `to`, or else of the one before.

        Raises NotFound, and as `publish` does.
        """
        self.permissions.require(who, Act.PUBLISH_DEFINITIONS)
        self._require_lead()
        async with self._busy:
            await self._note_edits()
            if base is not None:
                self._require_base(base)
            now = self._view.published.version
            await self._server.records.caught_up()
            if to is None:
                to = await self._server.records.asked(kept.before, now)
            if to is None or to >= now:
                raise Invalid("version", f"version {now} is in force: name a version before it")
            if to and await self._server.records.asked(kept.version, to) is None:
                raise NotFound(f"there is no version {to} of the definitions: see `sansheng definitions list`")
            texts = await self._server.records.asked(kept.texts_at, to)
            known = self._view.published.texts
            changed = {part: texts.get(part) for part in {*texts, *known} if texts.get(part) != known.get(part)}
            proposal = Proposal(dict(texts), changed)
            return await self._publish(who, Act.PUBLISH_DEFINITIONS, proposal, reason=reason, how="undone", restores=to)

    def _require_lead(self) -> None:
        """A server that stands by refuses before it looks at anything. Raises NotLeading."""
        if not self._server.dispatcher:
            raise NotLeading("another server leads")

    def _require_base(self, base: int) -> None:
        published = self._view.published
        if base == published.version:
            return
        since = [each for each in published.heads(since=base) if not each.refused]
        told = "; ".join(self._told(each) for each in reversed(since[:5])) or f"version {published.version} is in force"
        raise ChangedSince(f"{told}: look at it, and decide anew", published.version)

    def _told(self, head: Head) -> str:
        zone = self._server.definitions.calendar.zone
        when = datetime.fromtimestamp(head.at, zone).strftime("%Y-%m-%d %H:%M")
        files = ", ".join(file_of(part) for part in head.parts)
        who = head.by or f"a hand on {head.node}"
        return f"version {head.version} by {who} at {when} changed {files}" + (
            f" ({head.reason})" if head.reason else ""
        )

    async def _publish(
        self,
        who: Principal,
        act: Act,
        proposal: Proposal,
        *,
        reason: str,
        subject: str = "",
        how: str = "published",
        restores: int = 0,
    ) -> Head:
        if not proposal.changed:
            raise Invalid("definitions", "these changes change nothing: the texts are the same")
        checked = await asyncio.to_thread(self._checked, proposal)
        if checked.errors:
            raise Unusable(checked)
        published = self._view.published
        former = {part: published.texts.get(part) for part in proposal.changed}
        before, version = published.version, published.last + 1
        event = DefinitionsPublished(
            version, tuple(proposal.changed.items()), who.name, who.role.value, reason, how, restores, self._server.node
        )
        files = ", ".join(file_of(part) for part in proposal.changed)
        subject = subject or f"definitions, version {version}: {files}"
        await self._server.dispatcher.record(event, *audited(who, act, subject, reason))
        try:
            await self._take(proposal.changed, version)
        except (ValueError, OSError) as error:
            await self._server.dispatcher.record(DefinitionsRefused(version, str(error)[:1000]))
            await self._put_back(former, before)
            raise Conflict(
                f"version {version} could not be taken over, and version {before} holds again: {error}"
            ) from None
        return next(each for each in self._view.published.heads() if each.version == version)

    async def _take(self, changed: Mapping[str, str | None], version: int) -> None:
        await asyncio.to_thread(self._write, changed, version)
        await self._server.reload()

    def _write(self, changed: Mapping[str, str | None], version: int) -> None:
        files = self.files
        files.write(changed)
        files.take(version)

    async def _put_back(self, former: Mapping[str, str | None], version: int) -> None:
        try:
            await self._take(former, version)
        except (ValueError, OSError) as error:
            _log.error("the definitions before could not be taken over again", version=version, error=str(error))

    # Files that were edited by hand, and servers that stand by

    async def edited(self) -> str:
        """Files of this server were edited: take them over; on the leader they are a version of their own then.

        Returns the file in force. Raises ValueError for what cannot be used.
        """
        async with self._busy:
            source = await self._server.reload()
            await self._note_edits()
            return source

    async def _note_edits(self) -> None:
        """Record as a version what this server's files have and the log has not, if it can be used."""
        published, files = self._view.published, self.files
        texts = await asyncio.to_thread(files.texts)
        known = published.texts
        changed = {part: texts.get(part) for part in {*texts, *known} if texts.get(part) != known.get(part)}
        if changed:
            checked = await asyncio.to_thread(self._checked, Proposal(texts, changed))
            if checked.errors:
                return
            how = "by hand" if published.last else "found"
            event = DefinitionsPublished(published.last + 1, tuple(changed.items()), how=how, node=self._server.node)
            try:
                await self._server.dispatcher.record(event)
            except NotLeading:
                return
        taken = await asyncio.to_thread(files.taken)
        if changed or taken is None or taken.version != published.version:
            await asyncio.to_thread(files.take, self._view.published.version)

    async def follow(self) -> None:
        """Write the texts in force into this server's files, and take them over, if another server published them.

        What only a hand has edited here stays. Where both changed, the published text holds and the other is set aside.
        """
        async with self._busy:
            published, files = self._view.published, self.files
            taken = await asyncio.to_thread(files.taken)
            known = taken.version if taken else 0
            if published.version == known or published.last < known or not published.last:
                return  # a log that was lost, or is older than the files, says nothing about them
            changed = await asyncio.to_thread(self._outdated, dict(published.texts))
            try:
                await self._take(changed, published.version)
                _log.info("published definitions are taken over", version=published.version, parts=sorted(changed))
                self.problem = ""
            except (ValueError, OSError) as error:
                sentence = f"version {published.version} of the definitions cannot be used here: {error}"
                self.problem = warned("version", sentence, version=published.version, error=str(error))
                _log.error("published definitions cannot be used here", version=published.version, error=str(error))

    def _outdated(self, texts: Mapping[str, str]) -> dict[str, str | None]:
        files = self.files
        own, taken = files.texts(), files.taken()
        sums = taken.sums if taken else {}
        changed: dict[str, str | None] = {}
        for part in sorted({*own, *texts, *sums}):
            have, wanted = own.get(part), texts.get(part)
            if have == wanted:
                continue
            by_hand = (None if have is None else sum_of(have)) != sums.get(part)
            if by_hand and (None if wanted is None else sum_of(wanted)) == sums.get(part):
                continue
            if by_hand and have is not None:
                copy = files.set_aside(part)
                _log.warning("a file edited by hand gives way to a published one", part=part, copy=str(copy))
            changed[part] = wanted
        return changed

    async def keep_following(self) -> None:
        """Take over what another server publishes while this one stands by; when it leads, what its files have and no
        version has becomes one. Never returns."""
        seen: tuple[bool, int] | None = None
        while True:
            now = (self._leads(), self._view.published.version)
            if now != seen:
                try:
                    await (self._settle() if now[0] else self.follow())
                    seen = now
                except Exception as error:
                    _log.error("the versions of the definitions could not be followed", error=str(error))
            await asyncio.sleep(_PACE)

    async def _settle(self) -> None:
        async with self._busy:
            await self._note_edits()

    def _leads(self) -> bool:
        try:
            return bool(self._server.dispatcher)
        except NotLeading:
            return False


def _diff(part: str, before: str | None, after: str | None) -> PartDiff:
    """What a part's change means. None stands for the product's text, which may be none."""
    old = product_text(part) if before is None else before
    new = product_text(part) if after is None else after
    return PartDiff(
        part,
        file_of(part),
        before is not None,
        after is not None,
        unified(old or "", new or "", file_of(part)),
        by_key(old or "", new or ""),
    )
