"""In a calibration 校准 reviewers score the same calls apart; marks are shown and compared when all agree to look.

Nobody sees another's marks before the round is closed, and nobody marks after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from statistics import median

from quality.agreement import Agreement, agreement
from quality.errors import QualityError
from quality.events import CalibrationClosed, CalibrationOpened, CalibrationScored, Event
from quality.forms.definitions import Form
from quality.scores import Mark, category, score

Scored = tuple[tuple[int, str], CalibrationScored]


@dataclass(frozen=True, slots=True)
class Calibration:
    """One round. `scored` has one entry for each call and reviewer who marked it."""

    calibration: int
    calls: tuple[int, ...]
    form: str
    version: int
    reviewers: tuple[str, ...]
    scored: tuple[Scored, ...] = ()
    closed: bool = False

    def given(self, call: int, reviewer: str) -> CalibrationScored | None:
        """This reviewer's marks of this call."""
        return dict(self.scored).get((call, reviewer))

    def missing(self) -> list[tuple[int, str]]:
        """Each call and reviewer whose marks are not there yet."""
        there = {key for key, _ in self.scored}
        return [(call, each) for call in self.calls for each in self.reviewers if (call, each) not in there]


def open_calibration(
    calibration: int,
    calls: tuple[int, ...],
    form: Form,
    reviewers: tuple[str, ...],
    barred: Mapping[int, Collection[str]],
    by: str = "",
) -> list[Event]:
    """Begin a round. `barred` names for each call the agents who are heard or accused in it.

    Raises QualityError for fewer than two reviewers, no calls, something twice, and a reviewer who is barred.
    """
    if len(set(reviewers)) < 2 or len(set(reviewers)) < len(reviewers) or "" in reviewers:
        raise QualityError("a calibration has two reviewers or more, each once")
    if not calls or len(set(calls)) < len(calls):
        raise QualityError("a calibration has one call or more, each once")
    for call in calls:
        for each in reviewers:
            if each in barred.get(call, ()):
                raise QualityError(f"{each} is heard or accused in call {call} and cannot score it")
    return [CalibrationOpened(calibration, calls, form.name, form.version, reviewers, by)]


def submit(round_: Calibration, call: int, reviewer: str, form: Form, marks: tuple[Mark, ...]) -> list[Event]:
    """Give one's marks of one call, once. Raises QualityError for all others, and when the round is closed."""
    if round_.closed:
        raise QualityError(f"calibration {round_.calibration} is closed")
    if (form.name, form.version) != (round_.form, round_.version):
        raise QualityError(
            f"calibration {round_.calibration} is by form {round_.form} version {round_.version}, not {form}"
        )
    if call not in round_.calls or reviewer not in round_.reviewers:
        raise QualityError(f"calibration {round_.calibration} has no call {call} for {reviewer}")
    if round_.given(call, reviewer):
        raise QualityError(f"calibration {round_.calibration}: {reviewer} has scored call {call}")
    return [CalibrationScored(round_.calibration, call, reviewer, marks, score(form, marks))]


def close(round_: Calibration, by: str = "") -> list[Event]:
    """End the round; marks that are missing stay so. Raises QualityError when it is closed."""
    if round_.closed:
        raise QualityError(f"calibration {round_.calibration} is closed")
    return [CalibrationClosed(round_.calibration, by)]


def opened(event: CalibrationOpened) -> Calibration:
    """The round that begins with this event."""
    return Calibration(event.calibration, event.calls, event.form, event.version, event.reviewers)


def play(round_: Calibration, event: Event) -> Calibration:
    """The round after one logged event about it. What comes after its end changes nothing."""
    match event:
        case CalibrationScored(call=call, reviewer=reviewer) if not round_.closed and not round_.given(call, reviewer):
            return replace(round_, scored=(*round_.scored, ((call, reviewer), event)))
        case CalibrationClosed():
            return replace(round_, closed=True)
    return round_


def seen_by(round_: Calibration, reader: str) -> Calibration:
    """The round as this reader may see it: until it is closed, only with the reader's own marks."""
    if round_.closed:
        return round_
    return replace(round_, scored=tuple(each for each in round_.scored if each[0][1] == reader))


def by_question(round_: Calibration, form: Form, level: float = 0.95) -> dict[str, Agreement]:
    """How far the reviewers agree on each question. Raises QualityError before the round is closed."""
    _is_closed(round_)
    found: dict[str, Agreement] = {}
    for question in form.questions:
        items = [
            [_answer(round_.given(call, reviewer), question.id) for reviewer in round_.reviewers]
            for call in round_.calls
        ]
        found[question.id] = agreement(items, question.answers, level)
    return found


def deviations(round_: Calibration) -> dict[str, float | None]:
    """How many points each reviewer scores above the median of all, on the mean over the calls that the reviewer
    scored.

    None: scored none that another scored too. Raises QualityError before the round is closed.
    """
    _is_closed(round_)
    above: dict[str, list[float]] = {each: [] for each in round_.reviewers}
    for call in round_.calls:
        points = {name: given.score.points for name in round_.reviewers if (given := round_.given(call, name))}
        if len(points) > 1:
            middle = median(points.values())
            for name, own in points.items():
                above[name].append(own - middle)
    return {name: sum(values) / len(values) if values else None for name, values in above.items()}


def _is_closed(round_: Calibration) -> None:
    if not round_.closed:
        raise QualityError(f"calibration {round_.calibration} is open: its marks are compared when it is closed")


def _answer(given: CalibrationScored | None, question: str) -> str | None:
    if given is None:
        return None
    return next((category(mark) for mark in given.marks if mark.question == question), None)
