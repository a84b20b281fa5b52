"""The hotline as its operator defined it: queues, flows, hours, lists. Loaded whole, or not at all.

An operator's own `hotline.toml` and `flows/` in the home stand before the ones that come with the product.
"""

from __future__ import annotations

import re
import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from acd.policy.definitions import Policy, Requirement, Skill
from acd.policy.reading import read_policy
from ivr.calendar import Calendar
from ivr.flow import Flow
from ivr.saying import LANGUAGES
from server.hotline import own_prompts
from server.hotline.breaks import Breaks, read_breaks
from server.hotline.called_numbers import CalledNumbers, read_numbers
from server.hotline.categories import Categories, read_categories, usual
from server.hotline.dialling_policy import Callback, read_callback
from server.hotline.holidays import holidays_of
from server.hotline.parties import Party, canonical, party
from server.hotline.promising import usual_queue
from server.hotline.quality_rules import QualityRules, read_quality_rules
from server.hotline.recording_rules import RecordingRules, read_recording_rules
from server.hotline.thresholds import ThresholdRules, read_thresholds
from server.hotline.ticket_mails import TicketMails, read_ticket_mails
from server.hotline.ticket_rules import hours_of, read_rules
from server.hotline.trunks import Trunk, read_trunks
from tables.errors import TableError, nearest
from tables.toml import DefinitionFault, located, read
from tables.values import Table, items, number, text
from tickets.events import TicketRulesSet
from tickets.rules import Rules
from tickets.severity import Grade

DEFAULTS = Path(str(resources.files("server") / "defaults" / "hotline.toml"))
FLOWS = Path(str(resources.files("ivr") / "flows"))
PROMPTS = own_prompts.PROMPTS
MUSIC = Path(str(resources.files("ivr") / "music"))
HOUSE_MUSIC = "default"
"""The music class of every queue without music of its own."""
AGENTS_LANGUAGE = LANGUAGES[0]
"""Agents are spoken to in the first of the prompts' languages."""

_CLASS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_ROUTING = ("skills", "routing", "phones", "queues")
_CALLS = ("hotline", "numbers", "admission", "sound", "callback", "lists", "calendar", "teams", "trunks")
_WORK = ("breaks", "categories", "tickets", "ticket_types", "ticket_mails", "quality", "recordings", "thresholds")
TABLES = (*_ROUTING, *_CALLS, *_WORK)
"""What a hotline file may hold."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Above either limit a new caller hears that the line is full; 0 means no limit.

    `server_away_seconds`: how long a caller hears music without any server before a number is taken.
    """

    max_calls: int = 200
    max_calls_per_second: int = 30
    server_away_seconds: int = 30


@dataclass(frozen=True)
class SoundRules:
    """How the sound of conversations is watched, in seconds; 0 in `learn_after`: never. See `[sound]`."""

    counted_every: float = 2.0
    one_way_after: float = 5.0
    learn_after: float = 3.0


@dataclass(frozen=True)
class Definitions:
    """Everything that an operator may change while calls go on."""

    name: str
    policy: Policy
    flows: Mapping[str, Flow]
    start: str
    calendar: Calendar
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Name of each list → its numbers in their canonical form (see `parties`)."""
    numbers: CalledNumbers = field(default_factory=CalledNumbers)
    admission: Admission = Admission()
    sound: SoundRules = SoundRules()
    recordings: RecordingRules = field(default_factory=RecordingRules)
    callback: Callback = field(default_factory=Callback)
    tickets: Rules = field(default_factory=Rules)
    tickets_in_hours: bool = True
    """Whether the limits of tickets run in business hours only."""
    ticket_mails: TicketMails = field(default_factory=TicketMails)
    quality: QualityRules = field(default_factory=QualityRules)
    thresholds: ThresholdRules = field(default_factory=ThresholdRules)
    breaks: Breaks = field(default_factory=Breaks)
    own_categories: Categories = field(default_factory=Categories)
    """As `[categories]` has them; see `categories`."""
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of each team → its leaders, who are asked for help in this order."""
    outside_agent_confirms_for: float = 10.0
    """Seconds within which an agent at an outside number presses 1."""
    own_music: Mapping[str, Path] = field(default_factory=dict)
    """Class of music on hold → the folder of its files. One that is called as a queue is that queue's own."""
    trunks: tuple[Trunk, ...] = ()
    """The trunks, as outgoing calls try them; without their secrets."""
    source: str = ""

    def is_vip(self, number: str) -> bool:
        """Whether this caller stands on the list `vip`."""
        return "vip" in self.lists_of(number)

    def lists_of(self, number: str) -> frozenset[str]:
        """The names of the lists on which this number stands, however it is written."""
        known = canonical(number, self.callback.region)
        return frozenset(name for name, numbers in self.lists.items() if known in numbers)

    def begins(self, called: str) -> str:
        """The flow that a call to this number of the hotline begins with."""
        return self.numbers.of(called).flow or self.start

    def outgoing(self, called: str) -> str:
        """The number that a callback shows whose caller had dialled `called`; "" if none is given."""
        return self.numbers.of(called).outgoing or self.callback.outgoing

    def party(self, number: str, name: str = "", told_by: str = "") -> Party:
        """The party with this number, however it is written; see `parties`."""
        return party(number, self.callback.region, name, told_by)

    def music(self, queue: str, wanted: str = "") -> str:
        """The music class of a call: what its flow wants where the home has `music/<class>/`, else the queue's own."""
        return next((each for each in (wanted, queue) if each in self.own_music), HOUSE_MUSIC)

    def requirement(self, queue: str, category: str, extra: Mapping[str, object]) -> Requirement:
        """What a call to this queue asks for: the queue's skill, the category (or the one that it is under) preferred,
        and what the flow adds."""
        found = next((each for each in self.policy.queues if each.name == queue), None)
        own = found.own_requirement() if found else Requirement((Skill(queue),))
        required = {skill.name: skill for skill in own.required} | _skills(extra.get("required"))
        preferred = {skill.name: skill for skill in own.preferred} | _skills(extra.get("preferred"))
        skill = next((each for each in self.categories.way(category) if each in self.policy.skills), "")
        if skill and skill not in required:
            preferred.setdefault(skill, Skill(skill))
        return Requirement(tuple(required.values()), tuple(preferred.values()))

    def leaders(self, teams: Iterable[str]) -> tuple[str, ...]:
        """The leaders of these teams, each once, in order."""
        return tuple(dict.fromkeys(leader for team in teams for leader in self.teams.get(team, ())))

    def callback_number(self, digits: str) -> tuple[str, str]:
        """See `Callback.number`."""
        return self.callback.number(digits)

    def calls_allowed(self, now: float) -> float:
        """See `Callback.opens_at`."""
        return self.callback.opens_at(now)

    def ticket_rules(self, now: float) -> TicketRulesSet:
        """The rules that the ticket register follows, as the log keeps them. `now` is UTC epoch seconds."""
        hours = hours_of(self.calendar, now) if self.tickets_in_hours else None
        return TicketRulesSet(self.tickets, hours, self.source)

    def matter(self, category: str, queue: str = "") -> tuple[str, str]:
        """(queue, category) of a matter that is named by a category, a queue or both.

        A queue's name given as the category is that queue's own matter; a category without a queue belongs to
        complaints, as in the flow. Raises ValueError with a sentence for a name that does not exist (any more).
        """
        queues = [each.name for each in self.policy.queues]
        if queue and queue not in queues:
            raise ValueError(f"there is no queue {queue}: there are {', '.join(queues)}")
        categories = self.categories.names
        if category in categories or not category:
            usual = usual_queue(category)
            return queue or (usual if usual in queues else queues[0]), category
        if category in queues:
            return queue or category, ""
        raise ValueError(f"there is no category {category}: there are {', '.join((*categories, *queues))}")

    @property
    def categories(self) -> Categories:
        """What matters are sorted by: `[categories]`, or else what a call may prefer and no queue requires."""
        if self.own_categories.rows:
            return self.own_categories
        return Categories(tuple(usual(skill) for skill in _preferred(self.policy)))


def load(home: Path) -> Definitions:
    """The definitions in force for this home. Raises DefinitionFault with file, line and key."""
    return replace(read_hotline(hotline_file(home), _read_flows(home), home), own_music=music_folders(home / "music"))


def summary(home: Path) -> str:
    """One line about definitions that can be used."""
    loaded = load(home)
    own = Path(loaded.source) != DEFAULTS
    return (
        f"{'your' if own else 'the default'} hotline.toml: {len(loaded.policy.queues)} queues, "
        f"{len(loaded.policy.skills)} skills, {len(loaded.flows)} flows, prompts complete: usable"
    )


def flow_files(home: Path) -> dict[str, Path]:
    """Name of each flow and the file that is in force for it."""
    files = {file.stem: file for file in sorted(FLOWS.glob("*.toml"))}
    return files | {file.stem: file for file in sorted((home / "flows").glob("*.toml"))}


def hotline_file(home: Path) -> Path:
    """The `hotline.toml` in force for this home."""
    own = home / "hotline.toml"
    return own if own.exists() else DEFAULTS


def _read_flows(home: Path) -> dict[str, Flow]:
    return {name: read_flow(name, file) for name, file in flow_files(home).items()}


def read_flow(name: str, file: Path) -> Flow:
    """One flow. Raises DefinitionFault."""
    data, written = read(file)
    with located(file, written):
        return Flow.from_dict(name, data)


def read_hotline(file: Path, flows: Mapping[str, Flow] | None, home: Path) -> Definitions:
    """What a hotline file says. Raises DefinitionFault.

    `flows` is None when they could not be read: then nothing is said about the one that calls begin with.
    """
    data, written = read(file)
    with located(file, written):
        _refuse_unknown(data)
        policy = read_policy({key: data[key] for key in _ROUTING if key in data})
        top = Table({key: value for key, value in data.items() if key in TABLES})
        name, start, confirms_for = _hotline(top.table("hotline"), flows)
        calendar = Calendar.from_dict(data.get("calendar", {}), holidays_of(home), ("calendar",))
        queues = [queue.name for queue in policy.queues]
        categories = read_categories(top, _preferred(policy), queues)
        callback = read_callback(top.table("callback").data, calendar, queues)
        numbers = read_numbers(top.table("numbers"), flows, callback.region)
        callback = replace(callback, own_numbers=callback.own_numbers | numbers.own())
        tickets, in_hours = read_rules(
            top.table("tickets").data, queues, (*policy.skills, *categories.names), data.get("ticket_types")
        )
        tickets = replace(tickets, categories=_with_parts(tickets.categories, categories))
        teams = _teams(top.table("teams"))
        return Definitions(
            name=name,
            policy=policy,
            flows=flows or {},
            start=start,
            calendar=calendar,
            lists=_lists(top.table("lists"), callback.region),
            numbers=numbers,
            admission=_admission(top.table("admission")),
            sound=_sound(top.table("sound")),
            recordings=read_recording_rules(top.table("recordings"), queues, top.table("lists").data.keys()),
            callback=callback,
            tickets=tickets,
            tickets_in_hours=in_hours,
            ticket_mails=read_ticket_mails(top.table("ticket_mails"), tickets.departments, teams),
            quality=read_quality_rules(top.table("quality").data, policy.skills),
            thresholds=read_thresholds(top.table("thresholds"), queues),
            breaks=read_breaks(top),
            own_categories=categories,
            teams=teams,
            trunks=read_trunks(top.table("trunks"), callback.region),
            outside_agent_confirms_for=confirms_for,
            source=str(file),
        )


def music_folders(folder: Path) -> dict[str, Path]:
    """Class → folder of its music. Raises DefinitionFault for a file that Asterisk would not play."""
    found = {}
    for each in sorted(path.parent for path in folder.glob("*/*.wav")):
        if not _CLASS.fullmatch(each.name):
            raise DefinitionFault(each, 1, (), "is no music class: a name is up to 32 letters, digits, - and _")
        found[each.name] = each.absolute()
    for file in sorted(folder.glob("*/*.wav")):
        try:
            with wave.open(str(file), "rb") as music:
                form = (music.getnchannels(), music.getsampwidth(), music.getframerate())
        except (wave.Error, EOFError, OSError) as error:
            raise DefinitionFault(file, 1, (), f"cannot be played: {error}") from None
        if form not in ((1, 2, 8000), (1, 2, 16000)):
            raise DefinitionFault(file, 1, (), "cannot be played: music is mono WAV of 16 bits at 8 or 16 kHz")
    return found


def _refuse_unknown(data: Mapping[str, Any]) -> None:
    for table in data:
        if table not in TABLES:
            raise TableError((table,), f"is not known{nearest(table, TABLES)}")


def _hotline(table: Table, flows: Mapping[str, Flow] | None) -> tuple[str, str, float]:
    name, start = table.text("name", "Sansheng"), table.text("flow", "hotline")
    confirms_for = table.number("outside_agent_confirms_for", 10.0, least=3.0, most=60.0)
    table.done()
    if flows is not None and start not in flows:
        raise TableError(table.at("flow"), f'there is no flow "{start}": there are {", ".join(sorted(flows))}')
    return name, start, confirms_for


def _admission(table: Table) -> Admission:
    read_as = Admission(
        max_calls=table.integer("max_calls", Admission().max_calls, most=10_000),
        max_calls_per_second=table.integer("max_calls_per_second", Admission().max_calls_per_second, most=1_000),
        server_away_seconds=table.integer("server_away_seconds", Admission().server_away_seconds, least=1, most=600),
    )
    table.done()
    return read_as


def _sound(table: Table) -> SoundRules:
    def seconds(name: str, usual: float, least: float, most: float) -> float:
        return table.get(name, usual, lambda value, key: number(value, key, least, most, unit=" of seconds"))

    usual = SoundRules()
    read_as = SoundRules(
        counted_every=seconds("counted_every", usual.counted_every, 0.25, 60),
        one_way_after=seconds("one_way_after", usual.one_way_after, 1, 600),
        learn_after=seconds("learn_after", usual.learn_after, 0, 600),
    )
    table.done()
    return read_as


def _lists(table: Table, region: str) -> dict[str, frozenset[str]]:
    def number(value: object, key: tuple[str | int, ...]) -> str:
        written = text(value, key, numbers=True)
        if not any(character.isdecimal() for character in written):
            raise TableError(key, f'"{written}" is no telephone number')
        return canonical(written, region)

    return {str(name): frozenset(items(table.data[name], table.at(name), number)) for name in table.data}


def _teams(table: Table) -> dict[str, tuple[str, ...]]:
    teams = {}
    for name in table.data:
        team = table.table(name)
        teams[str(name)] = tuple(team.texts("leaders", ()))
        team.done()
    return teams


def _preferred(policy: Policy) -> tuple[str, ...]:
    """The skills that a call may prefer and no queue asks for."""
    asked = {each.skill for each in policy.queues} | {each.name for each in policy.queues}
    return tuple(skill for skill in policy.skills if skill not in asked)


def _with_parts(grades: tuple[tuple[str, Grade], ...], categories: Categories) -> tuple[tuple[str, Grade], ...]:
    """The grade of a category holds for those under it, unless they have their own."""
    named = dict(grades)
    parts = {part: grade for name, grade in grades for part in categories.within({name}) if part not in named}
    return (*grades, *parts.items())


def _skills(rows: object) -> dict[str, Skill]:
    if not isinstance(rows, Mapping):
        return {}
    return {str(name): Skill(str(name), int(level)) for name, level in rows.items()}
