"""Law: whatever is wrong with a recording is an alarm from the moment it is known until a person settles it.

Missing, silent, one-sided, short, changed or removed. One alarm stands for all that is said of one recording. Only so
many are kept, the newest; of older ones the number is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from recordings.events import Event, RecordingClosed, RecordingFaultFound, RecordingMissing, RecordingSettled

MOST = 1000
"""Alarms that are kept."""
MOST_SENTENCES = 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong with one recording, and since when it is known (UTC epoch seconds).

    `recording` is 0 for files that are nobody's. `what` is missing, suspicious, removed, changed or added: the worst.
    """

    recording: int
    what: str
    sentences: tuple[str, ...]
    since: float

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        subject = f"recording {self.recording}" if self.recording else "a file that is no recording's"
        return f"{subject}: {'; '.join(self.sentences)}"


WORST = ("suspicious", "added", "missing", "changed", "removed")
"""What can be wrong, the worst last."""


class Alarms:
    """The alarms that nobody has settled, in the order in which they came."""

    def __init__(self) -> None:
        self._alarms: dict[int, Alarm] = {}
        self._settled: dict[int, tuple[str, ...]] = {}
        self._left_out = 0

    @property
    def count(self) -> int:
        """How many recordings have one, those that are not kept any more too."""
        return len(self._alarms) + self._left_out

    def receive(self, event: Event, at: float) -> None:
        """Play one logged event."""
        match event:
            case RecordingMissing(recording=number, why=why):
                self._raise(number, "missing", (why or "nothing was written",), at)
            case RecordingClosed(recording=number, alarms=found) if found:
                self._raise(number, "suspicious", found, at)
            case RecordingFaultFound(recording=number, kind=kind, sentence=sentence):
                self._raise(number, kind, (sentence,), at)
            case RecordingSettled(recording=number):
                if (settled := self._alarms.pop(number, None)) is not None:
                    self._settled[number] = (*self._settled.pop(number, ()), *settled.sentences)[-MOST_SENTENCES:]
                    if len(self._settled) > MOST:
                        self._settled.pop(next(iter(self._settled)))

    def __iter__(self) -> Iterator[Alarm]:
        return iter(tuple(self._alarms.values()))

    def get(self, recording: int) -> Alarm | None:
        """The recording's alarm, if it has one."""
        return self._alarms.get(recording)

    def knows(self, recording: int, sentence: str) -> bool:
        """Whether this was said of the recording already, be it settled or not."""
        alarm = self._alarms.get(recording)
        return sentence in (*(alarm.sentences if alarm else ()), *self._settled.get(recording, ()))

    def sentence(self) -> str:
        """All alarms in one sentence; empty when there are none."""
        if not self._alarms:
            return ""
        first = next(iter(self._alarms.values()))
        if self.count == 1:
            return f"{first.sentence} (`sansheng recording settle {first.recording} --why …` when it is looked into)"
        kinds = [each.what for each in self._alarms.values()]
        told = ", ".join(f"{kinds.count(kind)} {kind}" for kind in reversed(WORST) if kind in kinds)
        many = f"{self.count} recordings need a look ({told}): see `sansheng recording alarms`"
        return f"{many}; the first is {first.sentence}"

    def _raise(self, number: int, what: str, sentences: tuple[str, ...], at: float) -> None:
        known = self._alarms.get(number)
        if known is not None:
            worse = max(known.what, what, key=lambda kind: WORST.index(kind) if kind in WORST else 0)
            said = tuple(dict.fromkeys((*known.sentences, *sentences)))[:MOST_SENTENCES]
            self._alarms[number] = replace(known, what=worse, sentences=said)
            return
        self._alarms[number] = Alarm(number, what, sentences[:MOST_SENTENCES], at)
        if len(self._alarms) > MOST:
            self._alarms.pop(next(iter(self._alarms)))
            self._left_out += 1

    def snapshot(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        settled = [[number, *sentences] for number, sentences in self._settled.items()]
        return {"alarms": [asdict(each) for each in self], "settled": settled, "left_out": self._left_out}

    @classmethod
    def restore(cls, snapshot: Mapping[str, Any]) -> Alarms:
        """The alarms that `snapshot` was taken of."""
        alarms = cls()
        for saved in snapshot["alarms"]:
            alarms._alarms[saved["recording"]] = Alarm(**{**saved, "sentences": tuple(saved["sentences"])})
        alarms._left_out = snapshot["left_out"]
        alarms._settled = {number: tuple(sentences) for number, *sentences in snapshot.get("settled", ())}
        return alarms
