"""Turns what a flow says into prompt ids. What cannot be said (a field that is empty, a word that is no number) is left
out: a caller never hears nothing at all because of one missing value.

An item of a prompt list is a prompt id (`menu-main`) or a field that is said (`{digits:account}`). The texts of other
settings may hold fields too: `{business}`, or `{business|inquiry}` with what stands there when it is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from zoneinfo import ZoneInfo

from ivr import saying
from tables.errors import nearest

PROMPT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SAID = re.compile(r"\{([a-z]+):([A-Za-z_][A-Za-z0-9_-]*)\}")
FILLED = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]*)(?:\|([^{}]*))?\}")

Say = Callable[[str, str, ZoneInfo], tuple[str, ...]]


def _digits(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    return saying.say_digits("".join(filter(_is_digit, value)), language)


def _phone(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    return saying.say_phone("".join(filter(_is_digit, value)), language)


def _number(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    return saying.say_number(int(value), language)


def _time(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    return saying.say_time(float(value), zone, language)


def _date(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    return saying.say_date(float(value), zone, language)


def _duration(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    return saying.say_duration(float(value), language)


def _wait(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    low, high = value.split("-")
    return saying.say_wait(float(low), float(high), language)


def _callback(value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    if value == SOON:
        return ("callback-soon",)
    if value.startswith("@"):
        due, now = value[1:].split("/")
        return saying.say_callback_after(float(due), float(now), zone, language)
    low, high = value.split("-")
    return saying.say_callback(float(low), float(high), language)


def _is_digit(character: str) -> bool:
    return character in "0123456789"


SAYABLE: Mapping[str, Say] = {
    "digits": _digits,
    "phone": _phone,
    "number": _number,
    "time": _time,
    "date": _date,
    "duration": _duration,
    "wait": _wait,
    "callback": _callback,
}
"""How a field can be said: by the word before the colon."""


SOON = "soon"
SAID_IN_MINUTES = 100 * 60.0
"""Seconds: what may take longer is not said in minutes."""


def interval(low: float | None, high: float | None) -> str:
    """An expected wait, as a field that `{wait:…}` says; empty when nothing can be said."""
    if low is None or high is None or high > SAID_IN_MINUTES:
        return ""
    return f"{max(0.0, low):.0f}-{max(low, high, 0.0):.0f}"


def expected(low: float | None, high: float | None, due: float | None, now: float) -> str:
    """When a call back may be expected, as a field that `{callback:…}` says: after an instant, or in a while."""
    return f"@{due:.0f}/{now:.0f}" if due is not None and due > now else interval(low, high) or SOON


def fault(prompt: str) -> str:
    """What is wrong with an item of a prompt list, as a sentence; empty if nothing is."""
    said = SAID.fullmatch(prompt)
    if said:
        return "" if said[1] in SAYABLE else f'"{said[1]}" is no way to say a field{nearest(said[1], SAYABLE)}'
    if PROMPT.fullmatch(prompt):
        return ""
    return (
        f'"{prompt}" is neither a prompt id (small letters, digits, hyphens) nor a field to be said, {{digits:field}}'
    )


def prompt_ids(prompts: tuple[str, ...]) -> tuple[str, ...]:
    """The plain prompt ids among the items."""
    return tuple(prompt for prompt in prompts if not SAID.fullmatch(prompt))


def words(prompts: tuple[str, ...], fields: Mapping[str, str], language: str, zone: ZoneInfo) -> tuple[str, ...]:
    """The prompt ids to be played for these items."""
    ids: list[str] = []
    for prompt in prompts:
        said = SAID.fullmatch(prompt)
        ids.extend(_said(said[1], fields.get(said[2], ""), language, zone) if said else (prompt,))
    return tuple(ids)


def _said(way: str, value: str, language: str, zone: ZoneInfo) -> tuple[str, ...]:
    if not value or way not in SAYABLE:
        return ()
    try:
        return SAYABLE[way](value, language, zone)
    except (ValueError, OverflowError):
        return ()


def filled(text: str, fields: Mapping[str, str]) -> str:
    """The text with its fields put in."""
    return FILLED.sub(lambda found: fields.get(found[1], "") or found[2] or "", text)


def fields_in(text: str) -> tuple[str, ...]:
    """The fields that a prompt item or a setting looks at."""
    said = SAID.fullmatch(text)
    return (said[2],) if said else tuple(found[1] for found in FILLED.finditer(text))


def possible(text: str, values: Mapping[str, Collection[str]]) -> set[str]:
    """What a setting of one field, or none, may come to, given the `values` that fields are set to; without the empty
    text. A setting with several fields is not followed."""
    found = FILLED.fullmatch(text)
    if found:
        return {value for value in (*values.get(found[1], ()), found[2] or "") if value and "{" not in value}
    return set() if "{" in text or not text else {text}
