"""How numbers, times and lengths are said: a value becomes the ids of the pieces that say it, in the caller's language.

Grammar lives here and texts live in the manifest, so that a voice can be changed without touching either rule or flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

LANGUAGES = ("zh", "en")
PAUSE = "pause"
LIMIT = 10**12
"""Numbers from here on are read digit by digit."""

Pieces = tuple[str, ...]

_KEYS = {"*": "digit-star", "#": "digit-pound"}
_SEPARATORS = " -()"


def say_digits(text: str, language: str) -> Pieces:
    """Digit by digit, as work numbers and ticket numbers are read; in Chinese 1 is read yao.

    Spaces, hyphens and brackets are skipped, `*` and `#` are named; any other character is a ValueError.
    """
    _known(language)
    pieces = []
    for character in text:
        if character in _SEPARATORS:
            continue
        if character in _KEYS:
            pieces.append(_KEYS[character])
        elif character == "1" and language == "zh":
            pieces.append("digit-yao")
        elif character in "0123456789":
            pieces.append(f"digit-{character}")
        else:
            raise ValueError(f"{text!r} cannot be read digit by digit: {character!r} is not a key of a telephone")
    return tuple(pieces)


def say_phone(number: str, language: str) -> Pieces:
    """A telephone number, digit by digit with a breath between its groups: 138 0000 0000, 0571 8888 8888.

    A Chinese number is read as it is dialled inside China, without +86; of any other the + is not read.
    """
    digits = "".join(character for character in number if character not in _SEPARATORS)
    if digits.startswith("+86"):
        digits = digits[3:] if digits.startswith("+861") and len(digits) == 14 else f"0{digits[3:]}"
    digits = digits.removeprefix("+")
    pieces: list[str] = []
    for group in _groups(digits):
        if pieces:
            pieces.append(PAUSE)
        pieces += say_digits(group, language)
    return tuple(pieces)


def say_number(number: int, language: str, *, counting: bool = False) -> Pieces:
    """A whole number from 0 to 10¹² - 1. `counting`: it counts something that follows (两分钟, not 二分钟)."""
    _known(language)
    if not 0 <= number < LIMIT:
        raise ValueError(f"{number} cannot be said as a number: it must be from 0 to {LIMIT - 1}")
    if number == 0:
        return ("digit-0",)
    if language == "zh":
        return ("digit-liang",) if counting and number == 2 else tuple(_chinese(number))
    return tuple(_english(number))


def say_time(epoch: float, zone: tzinfo, language: str) -> Pieces:
    """The time of day of an instant (UTC epoch seconds) in `zone`, to the minute: 下午三点零五分, three oh five p.m."""
    _known(language)
    moment = datetime.fromtimestamp(epoch, zone)
    hour, minute = moment.hour % 12 or 12, moment.minute
    if language == "zh":
        hour = 0 if moment.hour == 0 else hour
        said = (*say_number(hour, "zh", counting=True), "clock-hour")
        if minute == 0:
            return (_day_part(moment.hour), *said, "clock-sharp")
        zero = ("digit-0",) if minute < 10 else ()
        return (_day_part(moment.hour), *said, *zero, *say_number(minute, "zh"), "clock-minute")
    half = "part-am" if moment.hour < 12 else "part-pm"
    oh = ("clock-oh",) if 0 < minute < 10 else ()
    minutes = (*oh, *say_number(minute, "en")) if minute else ()
    return (*say_number(hour, "en"), *minutes, half)


def say_date(epoch: float, zone: tzinfo, language: str) -> Pieces:
    """Month, day and weekday of an instant (UTC epoch seconds) in `zone`: 十月一日，星期四; Thursday, October first."""
    _known(language)
    moment = datetime.fromtimestamp(epoch, zone)
    weekday = f"weekday-{moment.isoweekday()}"
    if language == "zh":
        month, day = say_number(moment.month, "zh"), say_number(moment.day, "zh")
        return (*month, "date-month", *day, "date-day", PAUSE, weekday)
    return (weekday, PAUSE, f"month-{moment.month}", *_ordinal(moment.day))


def say_duration(seconds: float, language: str) -> Pieces:
    """A length of time by its two largest units, to the second: 一小时五分钟, two minutes ten seconds."""
    _known(language)
    whole = round(seconds)
    if whole < 0:
        raise ValueError(f"a length of {seconds} s cannot be said: it must not be negative")
    hours, rest = divmod(whole, 3600)
    parts = [("hour", hours), ("minute", rest // 60), ("second", 0 if hours else rest % 60)]
    said = [part for part in parts if part[1]] or [("second", 0)]
    pieces: list[str] = []
    for unit, count in said:
        pieces += say_number(count, language, counting=True)
        pieces.append(f"unit-{unit}" if language == "zh" or count == 1 else f"unit-{unit}s")
    return tuple(pieces)


def say_place(ahead: int, language: str) -> Pieces:
    """How many callers are ahead in the queue, as a whole sentence."""
    _known(language)
    if ahead <= 0:
        return ("queue-ahead-none",)
    if ahead == 1:
        return ("queue-ahead-one",)
    return ("queue-ahead-before", *say_number(ahead, language, counting=True), "queue-ahead-after")


def say_wait(low: float, high: float, language: str) -> Pieces:
    """An estimated wait of `low` to `high` seconds, in whole minutes rounded up, as a whole sentence."""
    _known(language)
    first, last = (max(0, -int(-seconds // 60)) for seconds in (low, max(low, high)))
    if last == 0 or high < 60:
        return ("queue-under-a-minute",)
    first = max(first, 1)
    if first == last == 1:
        return ("queue-a-minute",)
    if first == last:
        return ("queue-wait-about", *say_number(last, language, counting=True), "queue-minutes")
    span = (*say_number(first, language, counting=True), "queue-to", *say_number(last, language, counting=True))
    return ("queue-wait-about", *span, "queue-minutes")


def say_callback(low: float, high: float, language: str) -> Pieces:
    """That a call back is likely to come in `low` to `high` seconds, in whole minutes rounded up: whole sentences."""
    _known(language)
    first, last = (max(1, -int(-seconds // 60)) for seconds in (low, max(low, high)))
    if last == 1:
        return ("callback-in-a-minute",)
    count = say_number(last, language, counting=True)
    span = count if first == last else (*say_number(first, language, counting=True), "queue-to", *count)
    return ("callback-in-about", *span, "callback-minutes")


def say_callback_after(epoch: float, now: float, zone: tzinfo, language: str) -> Pieces:
    """That a call back comes after an instant (UTC epoch seconds), on the day that it is: a whole sentence."""
    _known(language)
    days = (datetime.fromtimestamp(epoch, zone).date() - datetime.fromtimestamp(now, zone).date()).days
    day: Pieces = {0: ("day-today",), 1: ("day-tomorrow",)}.get(days) or say_date(epoch, zone, language)
    time = say_time(epoch, zone, language)
    if language == "zh":
        return ("callback-after", *day, *time, "callback-then")
    return ("callback-after", *time, PAUSE, *day)


def _known(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"nothing can be said in {language!r}: the languages are {', '.join(LANGUAGES)}")


def _groups(digits: str) -> Sequence[str]:
    """A mobile as 3-4-4, ten digits as 3-3-4; others in fours from the end, a lone first digit joined to them."""
    if len(digits) == 11 and digits[0] == "1":
        return digits[:3], digits[3:7], digits[7:]
    if len(digits) == 10:
        return digits[:3], digits[3:6], digits[6:]
    if len(digits) <= 5:
        return (digits,) if digits else ()
    head = len(digits) % 4
    cuts = [head] if head >= 2 else [head + 4]
    cuts += range(cuts[0] + 4, len(digits), 4)
    return [digits[start:end] for start, end in zip([0, *cuts], [*cuts, len(digits)], strict=True) if start < end]


# Chinese counts in groups of four digits. Inside a group a run of zeros before a digit is read once;
# zeros at a group's end are not read.

_CHINESE_GROUPS = ("", "number-ten-thousand", "number-hundred-million")
_CHINESE_PLACES = ("", "number-ten", "number-hundred", "number-thousand")


def _chinese(number: int) -> list[str]:
    pieces: list[str] = []
    for power in range(2, -1, -1):
        group = number // 10 ** (4 * power) % 10_000
        if not group:
            continue
        if pieces and (group < 1000 or _gap(number, power)):
            pieces.append("digit-0")
        pieces += ["digit-liang"] if group == 2 and power else _chinese_group(group, first=not pieces)
        if power:
            pieces.append(_CHINESE_GROUPS[power])
    return pieces


def _gap(number: int, power: int) -> bool:
    """Whether the group just above is all zeros, while there is something above that."""
    return power < 2 and number // 10 ** (4 * (power + 1)) % 10_000 == 0


def _chinese_group(group: int, *, first: bool) -> list[str]:
    pieces: list[str] = []
    zero = False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if not digit:
            zero = bool(pieces)
            continue
        if zero:
            pieces.append("digit-0")
            zero = False
        leading_ten = place == 1 and digit == 1 and first and not pieces
        if not leading_ten:
            pieces.append("digit-liang" if digit == 2 and place == 3 else f"digit-{digit}")
        if place:
            pieces.append(_CHINESE_PLACES[place])
    return pieces


_ENGLISH_GROUPS = ((10**9, "number-billion"), (10**6, "number-million"), (10**3, "number-thousand"))


def _english(number: int) -> list[str]:
    pieces: list[str] = []
    for size, name in _ENGLISH_GROUPS:
        if number >= size:
            pieces += [*_english_hundreds(number // size), name]
            number %= size
    return pieces + _english_hundreds(number)


def _english_hundreds(number: int) -> list[str]:
    pieces = [f"digit-{number // 100}", "number-hundred"] if number >= 100 else []
    number %= 100
    if number >= 20:
        pieces.append(f"number-{number // 10 * 10}")
        number %= 10
    if number >= 10:
        pieces.append(f"number-{number}")
    elif number:
        pieces.append(f"digit-{number}")
    return pieces


def _ordinal(day: int) -> Pieces:
    if day <= 20 or day == 30:
        return (f"ordinal-{day}",)
    return (f"number-{day // 10 * 10}", f"ordinal-{day % 10}")


_DAY_PARTS: tuple[tuple[int, str], ...] = (
    (6, "part-dawn"),
    (12, "part-morning"),
    (13, "part-noon"),
    (18, "part-afternoon"),
    (24, "part-evening"),
)


def _day_part(hour: int) -> str:
    return next(part for until, part in _DAY_PARTS if hour < until)
