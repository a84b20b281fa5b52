"""What the server does for the caller next. A verb is data; of those that wait, one at most, and it is the last.

A prompt is an id such as `menu-main` or `digit-3`; which file that is depends on the language last set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Verb:
    """Base of everything a session asks for."""


@dataclass(frozen=True, slots=True)
class Waiting(Verb):
    """Base of the verbs that end a step: the session says nothing more until it is told how this one went."""


@dataclass(frozen=True, slots=True)
class Inquiry(Waiting):
    """Base of the verbs that ask the server what it knows: answered at once, and no place to be resumed at."""


@dataclass(frozen=True, slots=True)
class Play(Verb):
    """Play the prompts in order. Digits keyed meanwhile are kept for the next Gather; when `interruptible`, one that is
    keyed, or was already waiting, ends the playing."""

    prompts: tuple[str, ...]
    interruptible: bool = True


@dataclass(frozen=True, slots=True)
class SetLanguage(Verb):
    """Prompts are in this language from now on: `zh` or `en`."""

    language: str


@dataclass(frozen=True, slots=True)
class SetField(Verb):
    """The flow learned something. To be logged as `FieldSet`."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Satisfaction(Verb):
    """The caller's mark, 1 to 5. To be logged as `SatisfactionGiven`."""

    score: int


@dataclass(frozen=True, slots=True)
class Answered(Verb):
    """The caller answered a question of a survey. To be logged as `QuestionAnswered`."""

    question: str
    answer: str
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class Moved(Verb):
    """The caller came to a place that can be resumed. To be logged as `FlowMoved` with `Session.snapshot()`."""

    flow: str
    node: str


@dataclass(frozen=True, slots=True)
class Gather(Waiting):
    """Play the prompts and collect digits. Answered by Digits or NoInput.

    Gathering ends at `max_digits`, at one of `terminators` (which is the last character of the answer), or when
    `first_timeout` seconds after the prompts, `digit_timeout` after a digit, nothing was keyed. With `flush` digits
    keyed before are thrown away; without it they count (type-ahead). `min_digits` tells the server nothing it must
    act on: a shorter answer is given all the same, and the session judges it.
    """

    prompts: tuple[str, ...]
    min_digits: int
    max_digits: int
    terminators: str
    first_timeout: float
    digit_timeout: float
    interruptible: bool = True
    flush: bool = False


@dataclass(frozen=True, slots=True)
class Enqueue(Waiting):
    """Wait for a person. Answered by Served when the conversation is over, or by NotServed.

    `category` may be empty. `requirement` is what the flow adds to the queue's own requirement, as plain data that
    the server understands; the session only carries it. With `promise` the caller waits in the place of that call
    back, which is promised no more.
    """

    queue: str
    category: str = ""
    priority: int = 0
    music: str = ""
    requirement: Mapping[str, object] = field(default_factory=dict)
    promise: int = 0


@dataclass(frozen=True, slots=True)
class TakeMessage(Waiting):
    """Play the prompts, then a tone, and record until `silence` seconds of it, `#`, or `max_seconds`.

    What has less than `min_seconds` of sound is no message. Answered by Recorded or RecordFailed.
    """

    max_seconds: float
    silence: float
    prompts: tuple[str, ...] = ()
    min_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class TakeNumber(Waiting):
    """Promise to call this number back. Answered by Promised, or by NumberRefused."""

    number: str


@dataclass(frozen=True, slots=True)
class CheckNumber(Inquiry):
    """May this number be called back? Answered by NumberFits or NumberRefused."""

    number: str


@dataclass(frozen=True, slots=True)
class AskNotices(Inquiry):
    """Which notices are in force before this queue, or (empty) for all calls? Answered by NoticesStand."""

    queue: str = ""


@dataclass(frozen=True, slots=True)
class CheckIdentity(Inquiry):
    """Are these the digits that only this customer knows? Empty: can it be asked at all? Answered by IdentityStands.

    The digits are to be compared, and neither logged nor kept.
    """

    digits: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AskCallback(Inquiry):
    """How does callback mode stand for this queue, or (empty) for all? Answered by CallbackStands."""

    queue: str = ""
    category: str = ""


@dataclass(frozen=True, slots=True)
class AskPromise(Inquiry):
    """Is a call back promised to this number? Answered by PromiseStands."""

    number: str


@dataclass(frozen=True, slots=True)
class ChangePromise(Waiting):
    """Cancel this call back, or postpone it by so many seconds. Answered by Finished or Refused."""

    action: str
    promise: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hangup(Verb):
    """The flow is over. `why` is a word for the records: done, nuisance, no_input, overflow, ..."""

    why: str = "done"
