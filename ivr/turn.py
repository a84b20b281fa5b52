"""One turn of a session as the kinds of node see it: where the caller is, what is known, and the verbs said so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr import verbs, wording
from ivr.calendar import Calendar
from ivr.conditions import Caller
from ivr.flow import Flow
from ivr.nodes import Asking, Prompts
from ivr.saying import LANGUAGES

NO_INPUT = "no_input"
NO_MATCH = "no_match"


def language_of(fields: Mapping[str, str]) -> str:
    """The language that prompts are spoken in: the field's, or the first one if there are no prompts in that."""
    language = fields.get("language", "")
    return language if language in LANGUAGES else LANGUAGES[0]


@dataclass(slots=True)
class Frame:
    """Where a caller is in one flow. `stage` is the part of a node that has several; `misses` counts what did not
    help, over all its stages; `missed` is the last miss until something else is said; `answer` awaits confirmation."""

    flow: str
    node: str
    stage: str = ""
    misses: int = 0
    missed: str = ""
    answer: str = ""

    def mark(self) -> tuple[str, ...]:
        """What matters to going on here: if it changes, the caller has moved."""
        return self.flow, self.node, self.stage, self.answer

    def as_dict(self) -> dict[str, str | int]:
        """The frame as a snapshot has it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Turn:
    """What a kind of node may look at and do. `frames` are the flows that led here, the present one last."""

    flows: Mapping[str, Flow]
    frames: list[Frame]
    caller: Caller
    calendar: Calendar
    fields: dict[str, str]
    now: float
    said: list[verbs.Verb] = field(default_factory=list)

    @property
    def frame(self) -> Frame:
        """The present frame."""
        return self.frames[-1]

    @property
    def flow(self) -> Flow:
        """The present flow."""
        return self.flows[self.frame.flow]

    @property
    def language(self) -> str:
        """The language that prompts are spoken in."""
        return language_of(self.fields)

    def known(self) -> Mapping[str, str]:
        """All fields, the hotline's own among them."""
        own = {
            "caller": self.caller.number,
            "called": self.caller.called,
            "now": repr(self.now),
            "answer": self.frame.answer,
        }
        return self.fields | own | {"language": self.language}

    def do(self, verb: verbs.Verb) -> None:
        """Add a verb to this turn."""
        self.said.append(verb)

    def put(self, fields: Mapping[str, str]) -> None:
        """Set fields, those that change."""
        for name, value in fields.items():
            if self.fields.get(name) == value:
                continue
            self.fields[name] = value
            self.do(verbs.SetField(name, value))
            if name == "language":
                self.do(verbs.SetLanguage(value))

    def words(self, prompts: Prompts) -> tuple[str, ...]:
        """The prompt ids to play for these items, fields filled in."""
        return wording.words(prompts, self.known(), self.language, self.calendar.zone)

    def filled(self, text: str) -> str:
        """The text with its fields filled in."""
        return wording.filled(text, self.known())

    def play(self, prompts: Prompts, interruptible: bool) -> None:
        """Play prompts, if there is anything to play."""
        words = self.words(prompts)
        if words:
            self.do(verbs.Play(words, interruptible))

    def ask(self, asking: Asking, prompts: Prompts, least: int, most: int, terminators: str = "") -> None:
        """Put a question: with these prompts, or with those that its last miss calls for."""
        frame = self.frame
        if frame.missed and prompts is asking.prompts:
            after = asking.no_input if frame.missed == NO_INPUT else asking.no_match
            if after:
                prompts = after[min(frame.misses, len(after)) - 1]
        if most > 1:
            terminators += "".join(key for key in self.keys() if key not in "0123456789" + terminators)
        self.do(
            verbs.Gather(
                prompts=self.words(prompts),
                min_digits=least,
                max_digits=most,
                terminators=terminators,
                first_timeout=asking.timeout,
                digit_timeout=asking.digit_timeout,
                interruptible=asking.interruptible,
                flush=not asking.type_ahead or frame.missed not in ("", NO_INPUT),
            )
        )

    def miss(self, why: str) -> int:
        """Note that the caller was not understood; how often that was the case here."""
        self.frame.missed = why
        self.frame.misses += 1
        return self.frame.misses

    def stage(self, stage: str, answer: str = "") -> None:
        """Go to another part of the same node."""
        self.frame.stage, self.frame.missed, self.frame.answer = stage, "", answer

    def keys(self) -> Mapping[str, int]:
        """The keys that mean something everywhere here, with the frame whose flow says what."""
        found: dict[str, int] = {}
        hidden: set[str] = set()
        for index in range(len(self.frames) - 1, -1, -1):
            for key, target in self.flows[self.frames[index].flow].keys.items():
                if not target:
                    hidden.add(key)
                elif key not in hidden:
                    found.setdefault(key, index)
        return found

    def press(self, key: str) -> str:
        """Leave for where the key leads: the target, in the flow that gives the key its meaning."""
        index = self.keys()[key]
        target = self.flows[self.frames[index].flow].keys[key]
        if target != "@again":
            del self.frames[index + 1 :]
        return target
