"""The kinds of node a flow is made of, as frozen values. A kind says what it needs; what it does is in `ivr.kinds`.

A target is the name of a node in the same flow, or one of `@return` (back to the flow that came here),
`@hangup` and, for keys, `@again` (hear it again). A prompt is an id or a field to be said: `{digits:account}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ivr.conditions import Condition

RETURN = "@return"
HANGUP = "@hangup"
AGAIN = "@again"

SHORT, LONG, LIMIT = "short", "long", "limit"
REASONS = (SHORT, LONG, "invalid", "foreign", "kind", "own", "agent", LIMIT)
"""Why a number cannot be called back."""
CANCEL, POSTPONE = "cancel", "postpone"
ACTIONS = (CANCEL, POSTPONE)
"""What a customer can do with a promised callback."""

Prompts = tuple[str, ...]
Targets = tuple[tuple[tuple[str | int, ...], str], ...]
"""Where a node leads: (key inside the node's table, target)."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a question is put: what is said at first and after each miss, how often, and how long is waited.

    `no_input[k]` is said after the k-th miss when nothing was keyed, `no_match[k]` when it was wrong; the last
    stands for all further ones, and without any the question is put again as it was. Seconds throughout.
    """

    prompts: Prompts
    no_input: tuple[Prompts, ...] = ()
    no_match: tuple[Prompts, ...] = ()
    attempts: int = 3
    timeout: float = 5.0
    digit_timeout: float = 3.0
    interruptible: bool = True
    type_ahead: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a menu: fields that it sets, and where it leads."""

    to: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all kinds."""

    name: str

    @property
    def waits(self) -> bool:
        """Whether the caller stays here for something to happen: such a node can be resumed."""
        return False

    def targets(self) -> Targets:
        """Every target of this node, with its key."""
        return ()

    def silent(self) -> tuple[str, ...]:
        """The targets that a caller who does nothing may be taken to."""
        return tuple(target for _, target in self.targets())

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        """Every list of prompts of this node, with its key."""
        return ()


@dataclass(frozen=True, slots=True)
class Play(Node):
    """Play prompts and go on."""

    prompts: Prompts
    next: str
    interruptible: bool = True

    def targets(self) -> Targets:
        return ((("next",), self.next),)

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        return ((("prompts",), self.prompts),)


@dataclass(frozen=True, slots=True)
class Question(Node):
    """Base of the kinds that put a question. `on_no_input` and `on_no_match` take the caller on after the last miss."""

    asking: Asking
    on_no_input: str
    on_no_match: str

    @property
    def waits(self) -> bool:
        return True

    def targets(self) -> Targets:
        if self.on_no_input == self.on_no_match:
            return ((("on_fail",), self.on_no_input),)
        return ((("on_no_input",), self.on_no_input), (("on_no_match",), self.on_no_match))

    def silent(self) -> tuple[str, ...]:
        return (self.on_no_input,)

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        asking = self.asking
        return (
            (("prompts",), asking.prompts),
            *((("no_input", index), prompts) for index, prompts in enumerate(asking.no_input)),
            *((("no_match", index), prompts) for index, prompts in enumerate(asking.no_match)),
        )


@dataclass(frozen=True, slots=True)
class Menu(Question):
    """Ask for one of several options."""

    options: Mapping[str, Choice]

    def targets(self) -> Targets:
        options = tuple((("options", key), choice.to) for key, choice in self.options.items())
        return options + Question.targets(self)


@dataclass(frozen=True, slots=True)
class Collect(Question):
    """Digits into a field: `min`..`max` of them, `#` ends, `pattern` must match the whole. With `confirm` they are
    read back (as the field `answer`) and `yes` or `no` is keyed."""

    field: str
    min: int
    max: int
    next: str
    terminators: str = "#"
    pattern: str = ""
    confirm: Prompts = ()
    yes: str = "1"
    no: str = "2"

    def targets(self) -> Targets:
        return ((("next",), self.next), *Question.targets(self))

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        return (*Question.spoken(self), (("confirm",), self.confirm))


@dataclass(frozen=True, slots=True)
class Number(Collect):
    """A number to call back. With `offer` the number the caller rings from is proposed first, if it can be called.

    `refused` is said by why a number cannot be called. Who has a promise already goes on to `duplicate`, who may have
    no more of them to `limit`; empty: `next`, and another number is asked for.
    """

    offer: Prompts = ()
    refused: Mapping[str, Prompts] = field(default_factory=dict)
    duplicate: str = ""
    limit: str = ""

    def targets(self) -> Targets:
        named = (("duplicate", self.duplicate), ("limit", self.limit))
        return (*Collect.targets(self), *(((key,), target) for key, target in named if target))

    def silent(self) -> tuple[str, ...]:
        """The caller's own number may be over the limit before anything is keyed."""
        return (self.on_no_input, self.limit) if self.limit else (self.on_no_input,)

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        refused = ((("refused", reason), prompts) for reason, prompts in self.refused.items())
        return (*Collect.spoken(self), (("offer",), self.offer), *refused)


@dataclass(frozen=True, slots=True)
class Survey(Question):
    """A mark from 1 to 5. `skip` is the key of those who would rather not."""

    next: str
    skipped: str
    skip: str = ""

    def targets(self) -> Targets:
        if self.next == self.skipped:
            return ((("next",), self.next),)
        return ((("next",), self.next), (("skipped",), self.skipped))

    def silent(self) -> tuple[str, ...]:
        return (self.skipped,)


@dataclass(frozen=True, slots=True)
class Message(Node):
    """A spoken message. One with less than `min_seconds` of sound is none: `empty[k]` is said after the k-th."""

    prompts: Prompts
    next: str
    on_fail: str
    empty: tuple[Prompts, ...] = ()
    attempts: int = 2
    min_seconds: float = 2.0
    max_seconds: float = 180.0
    silence: float = 5.0

    @property
    def waits(self) -> bool:
        return True

    def targets(self) -> Targets:
        return ((("next",), self.next), (("on_fail",), self.on_fail))

    def silent(self) -> tuple[str, ...]:
        return (self.on_fail,)

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        empty = ((("empty", index), prompts) for index, prompts in enumerate(self.empty))
        return ((("prompts",), self.prompts), *empty)


@dataclass(frozen=True, slots=True)
class Enqueue(Node):
    """Wait for a person. `exits` by why the queue was left without one; `otherwise` for every other reason. `promise`
    is the number of the call back whose place the caller takes, if it is one."""

    queue: str
    served: str
    otherwise: str
    category: str = ""
    priority: int = 0
    music: str = ""
    """The music class; empty: the queue's own."""
    requirement: Mapping[str, object] = field(default_factory=dict)
    exits: Mapping[str, str] = field(default_factory=dict)
    promise: str = ""

    @property
    def waits(self) -> bool:
        return True

    def targets(self) -> Targets:
        exits = tuple((("exits", why), target) for why, target in self.exits.items())
        return (*exits, (("served",), self.served), (("otherwise",), self.otherwise))

    def silent(self) -> tuple[str, ...]:
        """None: who waits for a person is not lost, however long."""
        return ()

    def unserved(self) -> tuple[str, ...]:
        """The targets of a caller who left the queue without an agent."""
        return (*self.exits.values(), self.otherwise)


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a branch."""

    condition: Condition
    to: str


@dataclass(frozen=True, slots=True)
class Branch(Node):
    """The first case that holds, else `otherwise` (written `else`)."""

    cases: tuple[Case, ...]
    otherwise: str

    def targets(self) -> Targets:
        cases = tuple((("cases", index, "to"), case.to) for index, case in enumerate(self.cases))
        return (*cases, (("else",), self.otherwise))


@dataclass(frozen=True, slots=True)
class Hours(Node):
    """Whether the hotline's calendar is open at this moment."""

    open: str
    closed: str

    def targets(self) -> Targets:
        return ((("open",), self.open), (("closed",), self.closed))


@dataclass(frozen=True, slots=True)
class Set(Node):
    """Set fields. The field `language` also changes the language of the prompts."""

    fields: Mapping[str, str]
    next: str

    def targets(self) -> Targets:
        return ((("next",), self.next),)


@dataclass(frozen=True, slots=True)
class Notice(Node):
    """Say the incident notices in force, each once in a call: those of the queue, or those for all calls."""

    next: str
    queue: str = ""

    def targets(self) -> Targets:
        return ((("next",), self.next),)


@dataclass(frozen=True, slots=True)
class SubFlow(Node):
    """Go through another flow and come back to `next`. Without `next`, coming back ends the call."""

    flow: str
    next: str = HANGUP

    def targets(self) -> Targets:
        return ((("next",), self.next),)


@dataclass(frozen=True, slots=True)
class Identity(Question):
    """Digits that only the customer knows, `min`..`max` of them: compared by the server, kept nowhere. On to `next`
    when they fit, to `unknown` when there is nothing to compare them with, without asking."""

    next: str
    unknown: str
    min: int = 4
    max: int = 4
    terminators: str = "#"

    def targets(self) -> Targets:
        return ((("next",), self.next), (("unknown",), self.unknown), *Question.targets(self))

    def silent(self) -> tuple[str, ...]:
        """Who has given nothing to compare with is asked nothing."""
        return (self.on_no_input, self.unknown)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a key says to a question, and where it leads. `satisfied` decides a follow-up call; None: it does not."""

    says: str
    to: str
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class Asked(Question):
    """A question of a survey, whose answer is kept: by the name `question`, in the words of the answer."""

    question: str
    answers: Mapping[str, Answer]

    def targets(self) -> Targets:
        answers = tuple((("answers", key), answer.to) for key, answer in self.answers.items())
        return answers + Question.targets(self)


# Of callback mode. None of these waits for the caller: the server knows the answer.


@dataclass(frozen=True, slots=True)
class CallbackMode(Node):
    """How callback mode stands for the queue, or for all when none is named: `forced` on by a person, `active` by the
    rules, else `otherwise` (written `else`), also when no more may be promised."""

    forced: str
    active: str
    otherwise: str
    queue: str = ""
    category: str = ""

    def targets(self) -> Targets:
        return ((("forced",), self.forced), (("active",), self.active), (("else",), self.otherwise))


@dataclass(frozen=True, slots=True)
class Recall(Node):
    """Whether a call back is promised to this number: on to `promised`, to `dialling` if it is just being called,
    else `otherwise` (written `else`)."""

    promised: str
    dialling: str
    otherwise: str
    number: str = "{caller}"

    def targets(self) -> Targets:
        return ((("promised",), self.promised), (("dialling",), self.dialling), (("else",), self.otherwise))


@dataclass(frozen=True, slots=True)
class PromiseChange(Node):
    """Cancel a call back, or postpone it by `seconds`. `on_fail` when it cannot be changed any more."""

    action: str
    next: str
    on_fail: str
    promise: str = "{promise}"
    seconds: float = 3600.0

    def targets(self) -> Targets:
        return ((("next",), self.next), (("on_fail",), self.on_fail))


@dataclass(frozen=True, slots=True)
class End(Node):
    """Say goodbye and hang up. `why` is a word for the records."""

    prompts: Prompts = ()
    why: str = "done"

    def spoken(self) -> tuple[tuple[tuple[str | int, ...], Prompts], ...]:
        return ((("prompts",), self.prompts),)
