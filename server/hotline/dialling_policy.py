"""Which numbers the hotline calls back, from which number, and when. Everything that is not allowed is refused.

Allowed is a list of kinds and regions, never a list of what is forbidden: premium, shared-cost and service numbers,
satellite telephones, short numbers and those abroad stay out by themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, shortnumberinfo

from acd.callbacks.policy import CallbackPolicy
from acd.callbacks.reading import CALLBACK_KEYS, read_callback_policy
from ivr.calendar import Calendar
from server.hotline.parties import canonical
from server.hotline.parties import shown as as_shown
from tables.errors import TableError
from tables.values import Table

SATELLITE = "satellite"
TYPES = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
}
"""What `phonenumbers` tells apart, and its name in the definitions."""
USUAL_TYPES = frozenset(TYPES.values())
KNOWN_TYPES = (*TYPES.values(), SATELLITE)
NUMBER_KEYS = ("region", "abroad", "types", "own_numbers", "outgoing", "window", "business_hours")
"""What this module reads of `[callback]`; the rest are the rules of callback mode."""
_SERVICE = {"CN": re.compile(r"400\d*|800\d*|9[56]\d{3,}|1[012]\d(\d\d)?|106\d+|16[08]\d+")}
"""Numbers of a region that serve or cost extra, even if they look like others."""
_SATELLITE = {"CN": re.compile(r"1349\d{7}|1740[0-5]\d{6}|1749\d{7}")}
"""Telephones reached by satellite, at several times the price: mobiles for `phonenumbers`, or unknown to it.

From the ministry's allocations, as public lists of Chinese prefixes give them: 1349 (the older satellite service, now
China Telecom's), 17400 to 17405 (Tiantong, China Telecom), 1749 (Inmarsat by its Chinese operator). Not here: 17406 to
17412 (the ministry's emergency network) and the numbers of things (140, 141, 144, 146, 148, 10647 …; 11 or 13 digits),
which are not valid and stay out by themselves; data cards (145, 147) and resold numbers (162, 165, 167, 170, 171) are
mobiles at usual prices. The world's own satellite codes (+870, +881, +882) are abroad, of no region.
"""
_WRITTEN = re.compile(r"\+?[\d\s().\-/]*")
_ROUNDS = 400
"""Days and more for which an instant inside window and business hours is looked for."""


class Checked(NamedTuple):
    """What became of a number: in the form that is dialled, or "" and the reason and a sentence about it.

    `reason` is "", "invalid" (no telephone number), "foreign", "kind" (premium, shared cost, service, short) or "own".
    """

    number: str
    reason: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class Callback:
    """The numbers, the hours and the rules of calling back. `outgoing` is the number that calls show; "" if none."""

    region: str = "CN"
    abroad: frozenset[str] = frozenset()
    types: frozenset[str] = USUAL_TYPES
    own_numbers: frozenset[str] = frozenset()
    """Canonical forms, see `parties`."""
    outgoing: str = ""
    window: Calendar = field(default_factory=Calendar.always_open)
    business: Calendar | None = None
    """The hotline's hours, when calls go out in those only."""
    policy: CallbackPolicy = field(default_factory=CallbackPolicy)

    def check(self, text: str) -> Checked:
        """Whether this number, however it is written, may be called back. Never raises."""
        written = unicodedata.normalize("NFKC", text).strip()
        shown = written[:40] or "an empty number"
        if not _WRITTEN.fullmatch(written) or not any(each.isdecimal() for each in written):
            return Checked("", "invalid", f"{shown} is not a telephone number: write digits only")
        digits = re.sub(r"[^\d+]", "", written)
        if digits in self.own_numbers or canonical(digits, self.region) in self.own_numbers:
            return Checked("", "own", f"{shown} is the hotline's own number")
        try:
            parsed = phonenumbers.parse(digits, self.region)
        except phonenumbers.NumberParseException:
            return Checked("", "invalid", f"{shown} is not a telephone number")
        return self._judge(parsed, digits, shown)

    def number(self, text: str) -> tuple[str, str]:
        """(number in the form that is dialled, "") when it may be called back, else ("", why not as a sentence).

        Numbers of the region have their national digits, others begin with + (E.164).
        """
        checked = self.check(text)
        return checked.number, checked.sentence

    def opens_at(self, now: float) -> float:
        """The first instant from `now` on, which may be `now`, inside both window and business hours.

        Where these never meet, the window alone decides: a promise is kept rather than left lying for good.
        """
        opens = self._opens_at(now)
        return opens if opens is not None else self.window.next_open(now) or now

    def ever_open(self, now: float) -> bool:
        """Whether window and business hours meet at all."""
        return self._opens_at(now) is not None

    def _opens_at(self, now: float) -> float | None:
        at: float | None = now
        for _ in range(_ROUNDS):
            at = self.window.next_open(at) if at is not None else None
            if at is None or self.business is None:
                return at
            opens = self.business.next_open(at)
            if opens == at:
                return at
            at = opens
        return None

    def _serves(self, digits: str) -> bool:
        country = str(phonenumbers.country_code_for_region(self.region))
        own = re.sub(rf"^(\+|00){country}", "", digits)
        service = _SERVICE.get(self.region)
        if service is not None and service.fullmatch(own):
            return True
        try:
            parsed = phonenumbers.parse(own, self.region)
        except phonenumbers.NumberParseException:
            return False
        return shortnumberinfo.is_valid_short_number_for_region(parsed, self.region) and not own.startswith("0")

    def _judge(self, parsed: PhoneNumber, digits: str, shown: str) -> Checked:
        region = phonenumbers.region_code_for_number(parsed)
        home = phonenumbers.country_code_for_region(self.region)
        elsewhere = parsed.country_code != home or region not in (self.region, None, "ZZ")
        if elsewhere and region not in self.abroad:
            return Checked("", "foreign", f"{shown} is not a number of {self.region}: abroad is not called back")
        kind = _kind(parsed, self.region)
        if kind in self.types:
            return Checked(as_shown(phonenumbers.format_number(parsed, PhoneNumberFormat.E164), self.region))
        if kind == SATELLITE:
            return Checked(
                "", "kind", f"{shown} is a satellite telephone, which is not called back: give another number"
            )
        if kind or self._serves(digits):
            return Checked("", "kind", f"{shown} is of a kind that is not called back: give a mobile or a landline")
        return Checked("", "invalid", f"{shown} is not a valid number in {self.region}: {_what_is_wrong(parsed)}")


def _kind(parsed: PhoneNumber, region: str) -> str:
    """What kind of telephone this is: one of `KNOWN_TYPES`, "other", or "" where it is not valid."""
    satellite = _SATELLITE.get(region)
    if (
        satellite is not None
        and parsed.country_code == phonenumbers.country_code_for_region(region)
        and satellite.fullmatch(str(parsed.national_number))
    ):
        return SATELLITE
    if not phonenumbers.is_valid_number(parsed):
        return ""
    return TYPES.get(phonenumbers.number_type(parsed), "other")


def read_callback(data: Mapping[str, Any], calendar: Calendar, queues: list[str]) -> Callback:
    """Read `[callback]`. Raises TableError with the key of the value that cannot be used."""
    policy = read_callback_policy(data, queues, NUMBER_KEYS)
    table = Table({key: data[key] for key in NUMBER_KEYS if key in data}, ("callback",))
    region = table.text("region", "CN")
    _known_region(region, table.at("region"))
    abroad = table.texts("abroad", ())
    for index, other in enumerate(abroad):
        _known_region(other, (*table.at("abroad"), index))
    types = table.texts("types", tuple(TYPES.values()))
    for index, name in enumerate(types):
        if name not in KNOWN_TYPES:
            raise TableError((*table.at("types"), index), f'"{name}" is not one of {", ".join(KNOWN_TYPES)}')
    own = table.texts("own_numbers", ())
    outgoing = outgoing_number(table, region)
    business = table.flag("business_hours", True) and not calendar.always()
    return Callback(
        region,
        frozenset(abroad),
        frozenset(types),
        frozenset(canonical(number, region) for number in (*own, outgoing) if number),
        outgoing,
        _window(table, calendar),
        calendar if business else None,
        policy,
    )


def _known_region(region: str, key: tuple[str | int, ...]) -> None:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise TableError(key, f'"{region}" is no region: write two capital letters, such as CN')


def outgoing_number(table: Table, region: str) -> str:
    """The number `outgoing` that calls show, in the form that is dialled; "" if none is given. Raises TableError."""
    written = table.text("outgoing", "")
    if not written:
        return ""
    checked = Callback(region).check(written)
    if checked.reason == "kind":
        raise TableError(
            table.at("outgoing"),
            f"{written} cannot call out: 400, 800, 95 and other service numbers only receive calls; give the approved"
            " geographic number, such as 01065529988",
        )
    if checked.reason:
        raise TableError(table.at("outgoing"), f"calls cannot come from this number: {checked.sentence}")
    return checked.number


def _window(table: Table, calendar: Calendar) -> Calendar:
    written = table.text("window", "09:00-20:00")
    try:
        hours = Calendar.from_dict({"hours": {"every_day": [written], "holidays": [written]}})
    except TableError as error:
        raise TableError(table.at("window"), error.sentence) from None
    return Calendar(calendar.zone, hours.weekly, on_holidays=None)


def _what_is_wrong(parsed: PhoneNumber) -> str:
    match phonenumbers.is_possible_number_with_reason(parsed):
        case phonenumbers.ValidationResult.TOO_SHORT:
            return "it is too short"
        case phonenumbers.ValidationResult.TOO_LONG:
            return "it is too long"
        case _:
            return "it has too few or too many digits, or its area code is missing"


__all__ = ["CALLBACK_KEYS", "NUMBER_KEYS", "Callback", "Checked", "outgoing_number", "read_callback"]
