"""Everything that is wrong with a home's definitions, not the first of it alone: what `sansheng check` shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.check import check, check_calendar
from ivr.flow import Flow
from ivr.manifest import Manifest
from ivr.manifest import check as check_prompts
from server.hotline import own_prompts
from server.hotline.definitions import (
    HOUSE_MUSIC,
    PROMPTS,
    Definitions,
    flow_files,
    hotline_file,
    music_folders,
    read_flow,
    read_hotline,
)
from server.hotline.ticket_rules import unreachable
from server.hotline.trunk_secrets import missing
from tables.errors import Key, TableError, shown
from tables.toml import DefinitionFault, line_of, located, read
from voice.prompt_store import load_record, sums


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that `examine` found; `severity` is error or warning, `line` counts from 1."""

    severity: str
    file: Path
    line: int
    key: str
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "severity": self.severity,
            "file": str(self.file),
            "line": self.line,
            "key": self.key,
            "sentence": self.sentence,
        }


def examine(home: Path, now: float, prompts: Path = PROMPTS, *, trunk: bool = False) -> list[Found]:
    """Everything that is wrong with definitions, flows and prompts. `now` is UTC epoch seconds.

    With a `trunk` calls go out, and they should show a number.

    A file that cannot be read at all has one finding, its first; what depends on it is not looked at.
    """
    found: list[Found] = []
    files = flow_files(home)
    flows: dict[str, Flow] = {}
    for name, file in files.items():
        try:
            flows[name] = read_flow(name, file)
        except DefinitionFault as fault:
            found.append(_error(fault))
    hotline = hotline_file(home)
    definitions = None
    try:
        definitions = read_hotline(hotline, None if found else flows, home)
    except DefinitionFault as fault:
        found.append(_error(fault))
    found += _examine_prompts(prompts)
    try:
        own_prompts.texts(home)
    except DefinitionFault as fault:
        found.append(_error(fault))
    if definitions is not None:
        found += _examine_callback(definitions, hotline, now, trunk)
        found += _examine_trunks(definitions, hotline, home)
        found += _examine_tickets(definitions, hotline, now)
    if definitions is not None and len(flows) == len(files):
        try:
            music = [HOUSE_MUSIC, *music_folders(home / "music")]
        except DefinitionFault as fault:
            found.append(_error(fault))
            music = None
        own = own_prompts.listed(own_prompts.folder(home))
        found += _examine_flows(definitions, {"": hotline} | files, prompts, own, music, now)
    return found


def _error(fault: DefinitionFault) -> Found:
    return Found("error", fault.file, fault.line, shown(fault.key), fault.sentence)


def _examine_flows(
    definitions: Definitions,
    files: Mapping[str, Path],
    prompts: Path,
    own: Iterable[str],
    music: list[str] | None,
    now: float,
) -> Iterator[Found]:
    try:
        known = Manifest.from_dict(read(prompts / "manifest.toml")[0]).ids() | frozenset(own)
    except (DefinitionFault, TableError):
        return
    queues = [queue.name for queue in definitions.policy.queues]
    also = definitions.numbers.flows()
    findings = check(definitions.flows, known, start=definitions.start, also=also, queues=queues, music=music)
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    for each in (*findings, *check_calendar(definitions.calendar, now)):
        line = line_of(texts[each.flow], each.key)
        yield Found(str(each.severity), files[each.flow], line, shown(each.key), each.sentence)


def _examine_callback(definitions: Definitions, hotline: Path, now: float, trunk: bool) -> Iterator[Found]:
    written = hotline.read_text(encoding="utf-8")
    shows = definitions.callback.outgoing or all(each.cli for each in definitions.trunks if each.numbers)
    if (trunk and not definitions.callback.outgoing) or not shows:
        at = ("callback", "outgoing")
        sentence = "calls go out without a number of the hotline's: give the approved one, which people are told"
        yield Found("warning", hotline, line_of(written, at), shown(at), sentence)
    if not definitions.callback.ever_open(now):
        at = ("callback", "window")
        sentence = "the window and the hours of [calendar] never meet: calls go out in the window alone"
        yield Found("warning", hotline, line_of(written, at), shown(at), sentence)


def _examine_trunks(definitions: Definitions, hotline: Path, home: Path) -> Iterator[Found]:
    written = hotline.read_text(encoding="utf-8") if definitions.trunks else ""
    for each in definitions.trunks:
        if sentence := missing(home, each):
            at = ("trunks", each.name, "user")
            yield Found("warning", hotline, line_of(written, at), shown(at), sentence)


def _examine_tickets(definitions: Definitions, hotline: Path, now: float) -> Iterator[Found]:
    written = hotline.read_text(encoding="utf-8")
    if definitions.tickets_in_hours:
        for grade in unreachable(definitions.tickets, definitions.calendar, now):
            at = ("tickets", "limits", grade, "resolve")
            sentence = "the hours of [calendar] do not reach this limit within three years: it runs by the clock"
            yield Found("warning", hotline, line_of(written, at), shown(at), sentence)


def _examine_prompts(folder: Path) -> Iterator[Found]:
    """What is wrong with the manifest, or with the sounds it stands for."""
    file = folder / "manifest.toml"
    try:
        data, written = read(file)
        with located(file, written):
            manifest = Manifest.from_dict(data)
    except DefinitionFault as fault:
        yield _error(fault)
        return
    for sentence in check_prompts(manifest, load_record(folder), sums(folder)):
        name = sentence.split()[1].partition("/")[2].removesuffix(".wav")
        key: Key = ("pieces" if name in data.get("pieces", {}) else "prompts", name)
        yield Found("error", file, line_of(written, key), shown(key), sentence)
