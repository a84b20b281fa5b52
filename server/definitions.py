"""The hotline as its operator defined it: queues, flows, hours, lists. Loaded whole, or not at all.

An operator's own `hotline.toml` and `flows/` in the home stand before the ones that come with the product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import phonenumbers

from acd.definitions import DefinitionError, Policy, Requirement, Skill
from acd.reading import read_policy
from ivr.calendar import Calendar
from ivr.check import Finding, check, check_calendar
from ivr.flow import Flow, FlowError
from ivr.holidays import chinese_holidays
from ivr.manifest import Manifest
from server.toml import DefinitionFault, Key, line_of, read

DEFAULTS = Path(str(resources.files("server") / "defaults" / "hotline.toml"))
FLOWS = Path(str(resources.files("ivr") / "flows"))
PROMPTS = Path(str(resources.files("ivr") / "prompts"))
MUSIC = Path(str(resources.files("ivr") / "music"))

_SERVER_TABLES: dict[str, frozenset[str]] = {
    "hotline": frozenset({"name", "flow"}),
    "calendar": frozenset(),
    "lists": frozenset(),
    "tickets": frozenset({"open_for"}),
    "callback": frozenset({"region", "types", "own_numbers"}),
    "admission": frozenset({"max_calls", "max_calls_per_second", "server_away_seconds"}),
}
_TYPES = {
    "mobile": phonenumbers.PhoneNumberType.MOBILE,
    "fixed_line": phonenumbers.PhoneNumberType.FIXED_LINE,
    "fixed_line_or_mobile": phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
}


@dataclass(frozen=True, slots=True)
class Admission:
    """Above either limit a new caller hears that the line is full. 0 means no limit."""

    max_calls: int = 300
    max_calls_per_second: int = 30
    server_away_seconds: int = 30


@dataclass(frozen=True)
class Definitions:
    """Everything that an operator may change while calls go on."""

    name: str
    policy: Policy
    flows: Mapping[str, Flow]
    start: str
    calendar: Calendar
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ticket_for: frozenset[str] = frozenset({"complaint"})
    admission: Admission = Admission()
    region: str = "CN"
    number_types: frozenset[int] = frozenset(_TYPES.values())
    own_numbers: frozenset[str] = frozenset()
    source: str = ""

    def is_vip(self, number: str) -> bool:
        """Whether this caller stands on the list `vip`."""
        return number in self.lists.get("vip", frozenset())

    def lists_of(self, number: str) -> frozenset[str]:
        """The names of the lists on which this number stands."""
        return frozenset(name for name, numbers in self.lists.items() if number in numbers)

    def music(self, queue: str) -> str:
        """The music class of a queue."""
        return "default"

    def requirement(self, queue: str, category: str, extra: Mapping[str, object]) -> Requirement:
        """What a call to this queue asks for: the queue's skill, the category preferred, and what the flow adds."""
        found = next((each for each in self.policy.queues if each.name == queue), None)
        own = found.own_requirement() if found else Requirement((Skill(queue),))
        required = {skill.name: skill for skill in own.required} | _skills(extra.get("required"))
        preferred = {skill.name: skill for skill in own.preferred} | _skills(extra.get("preferred"))
        if category and category in self.policy.skills and category not in required:
            preferred.setdefault(category, Skill(category))
        return Requirement(tuple(required.values()), tuple(preferred.values()))

    def callback_number(self, digits: str) -> tuple[str, str]:
        """(number in E.164 form, "") when this number may be called back, else ("", why not as a sentence)."""
        try:
            parsed = phonenumbers.parse(digits, self.region)
        except phonenumbers.NumberParseException:
            return "", f"{digits or 'an empty number'} is not a telephone number"
        number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.region_code_for_number(parsed) not in (self.region, None) or not phonenumbers.is_valid_number(
            parsed
        ):
            return "", f"{digits} is not a valid number in {self.region}"
        if phonenumbers.number_type(parsed) not in self.number_types:
            return "", f"{digits} is of a kind that is not called back"
        if number in self.own_numbers or digits in self.own_numbers:
            return "", f"{digits} is the hotline's own number"
        return number, ""


def _skills(rows: object) -> dict[str, Skill]:
    if not isinstance(rows, Mapping):
        return {}
    return {str(name): Skill(str(name), int(level)) for name, level in rows.items()}


def load(home: Path) -> Definitions:
    """The definitions in force for this home. Raises DefinitionFault with file, line and key."""
    own = home / "hotline.toml"
    file = own if own.exists() else DEFAULTS
    data, text = read(file)

    def fault(key: Key, sentence: str) -> DefinitionFault:
        return DefinitionFault(file, line_of(text, key), key, sentence)

    _check_keys(data, fault)
    try:
        policy = read_policy({key: data[key] for key in ("skills", "routing", "queues") if key in data})
    except DefinitionError as error:
        raise fault(error.key, error.sentence) from None
    hotline = data.get("hotline", {})
    flows = _flows(home)
    start = hotline.get("flow", "hotline")
    if start not in flows:
        raise fault(("hotline", "flow"), f'there is no flow "{start}": there are {", ".join(sorted(flows))}')
    try:
        calendar = Calendar.from_dict(data.get("calendar", {}), chinese_holidays())
    except FlowError as error:
        raise fault(("calendar", *error.key), error.sentence) from None
    callback = data.get("callback", {})
    types = callback.get("types", list(_TYPES))
    for index, name in enumerate(types):
        if name not in _TYPES:
            raise fault(("callback", "types", index), f'"{name}" is not one of {", ".join(_TYPES)}')
    try:
        admission = Admission(**data.get("admission", {}))
    except TypeError as error:
        raise fault(("admission",), str(error)) from None
    return Definitions(
        name=hotline.get("name", "Sansheng"),
        policy=policy,
        flows=flows,
        start=start,
        calendar=calendar,
        lists={name: frozenset(map(str, numbers)) for name, numbers in data.get("lists", {}).items()},
        ticket_for=frozenset(data.get("tickets", {}).get("open_for", ["complaint"])),
        admission=admission,
        region=callback.get("region", "CN"),
        number_types=frozenset(_TYPES[name] for name in types),
        own_numbers=frozenset(map(str, callback.get("own_numbers", []))),
        source=str(file),
    )


def _check_keys(data: Mapping[str, Any], fault: Any) -> None:
    for table, keys in _SERVER_TABLES.items():
        values = data.get(table, {})
        if not isinstance(values, Mapping):
            raise fault((table,), f"is a table: write it as [{table}]")
        for key in values if keys else ():
            if key not in keys:
                raise fault((table, key), f"is not known: this table has {', '.join(sorted(keys))}")
    for table in data:
        if table not in _SERVER_TABLES and table not in ("skills", "routing", "queues"):
            known = ", ".join(sorted([*_SERVER_TABLES, "skills", "routing", "queues"]))
            raise fault((table,), f"is not known: there are {known}")


def flow_files(home: Path) -> dict[str, Path]:
    """Name of each flow and the file that is in force for it."""
    files = {file.stem: file for file in sorted(FLOWS.glob("*.toml"))}
    return files | {file.stem: file for file in sorted((home / "flows").glob("*.toml"))}


def _flows(home: Path) -> dict[str, Flow]:
    flows = {}
    for name, file in flow_files(home).items():
        data, text = read(file)
        try:
            flows[name] = Flow.from_dict(name, data)
        except FlowError as error:
            raise DefinitionFault(file, line_of(text, error.key), error.key, error.sentence) from None
    return flows


def findings(home: Path, definitions: Definitions, now: float) -> list[tuple[Finding, Path, int]]:
    """What `ivr.check` finds in the flows and the calendar, each with its file and line. `now` is UTC epoch seconds."""
    data, _ = read(PROMPTS / "manifest.toml")
    own = Path(definitions.source)
    files = {"": own} | flow_files(home)
    texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
    found = check(
        definitions.flows,
        Manifest.from_dict(data).ids(),
        start=definitions.start,
        queues=[queue.name for queue in definitions.policy.queues],
    )
    found += check_calendar(definitions.calendar, now)
    return [(each, files[each.flow], line_of(texts[each.flow], each.key)) for each in found]
