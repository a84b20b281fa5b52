"""A flow tried without a phone: a transcript of one call. Prompts are shown as their texts, keys are read as lines;
what is keyed beyond an answer counts for the next question, as on the line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ivr import inputs, verbs
from ivr.nodes import REASONS
from ivr.session import Session

Read = Callable[[str], str | None]
Write = Callable[[str], None]
Texts = Mapping[str, Mapping[str, str]]

EXITS = ("message", "callback", "goodbye")


@dataclass(frozen=True, slots=True)
class ServerAnswers:
    """What the server would answer: the callback mode of every queue, the promise to the caller's number, and whether a
    number may be called."""

    stands: inputs.CallbackStands = field(default_factory=inputs.CallbackStands)
    promise: inputs.PromiseStands = field(default_factory=inputs.PromiseStands)
    check: Callable[[str], inputs.NumberFits | inputs.NumberRefused] = inputs.NumberFits


class Transcript:
    """One call on a terminal. `read` shows its argument and gives a line, or None when there are no more: the caller
    hangs up. `texts` are the prompts' texts by language and id; `clock` gives the instant, UTC epoch seconds."""

    def __init__(
        self,
        session: Session,
        read: Read,
        write: Write,
        texts: Texts,
        clock: Callable[[], float],
        answers: ServerAnswers | None = None,
    ) -> None:
        self.session, self.answers = session, answers or ServerAnswers()
        self.read = read
        self.write = write
        self.texts = texts
        self.clock = clock
        self.ahead = ""
        """Keyed, but not yet asked for."""

    def run(self) -> None:
        """Take the call to its end."""
        given: inputs.Input | None = inputs.Started()
        while given is not None:
            said = self.session.step(given, self.clock())
            for verb in said:
                self._show(verb)
            given = self._answer(said[-1])

    def _show(self, verb: verbs.Verb) -> None:
        match verb:
            case verbs.Play(prompts=prompts, interruptible=interruptible):
                if not (self.ahead and interruptible):
                    self._say(prompts)
            case verbs.Gather(prompts=prompts, interruptible=interruptible, flush=flush):
                if flush:
                    self.ahead = ""
                if not (self.ahead and interruptible):
                    self._say(prompts)
            case verbs.TakeMessage(prompts=prompts):
                self._say(prompts)
            case verbs.SetField(field=name, value=value):
                self.write(f"  · {name} = {value}")
            case verbs.SetLanguage(language=language):
                self.write(f"  · language {language}")
            case verbs.Satisfaction(score=score):
                self.write(f"  · satisfaction {score}")
            case verbs.Answered(question=question, answer=answer):
                self.write(f"  · {question}: {answer}")
            case verbs.Moved(flow=flow, node=node):
                self.write(f"  · at {flow}.{node}")
            case verbs.Enqueue(queue=queue, category=category, promise=promise):
                place = f", in the place of call back {promise}" if promise else ""
                self.write(f"  · waits in queue {queue}" + (f", category {category}" if category else "") + place)
            case verbs.TakeNumber(number=number):
                self.write(f"  · asks to be called back at {number}")
            case verbs.ChangePromise(action=action, promise=promise, seconds=seconds):
                self.write(f"  · {action} call back {promise}" + (f" by {seconds:g} s" if seconds else ""))
            case verbs.Hangup(why=why):
                self.write(f"  · the hotline hangs up: {why}")

    def _say(self, prompts: tuple[str, ...]) -> None:
        texts = self.texts.get(self.session.language, {})
        separator = "" if self.session.language == "zh" else " "
        said = separator.join(texts.get(prompt, f"[{prompt}]") for prompt in prompts)
        if said.strip():
            self.write(f"  ☏ {said}")

    def _answer(self, verb: verbs.Verb) -> inputs.Input | None:
        match verb:
            case verbs.Gather():
                return self._gathered(verb)
            case verbs.Enqueue():
                line = self.read(f"Enter: an agent takes the call; or {', '.join(EXITS)}: ")
                if line is None:
                    return None
                return inputs.NotServed(line.strip()) if line.strip() else inputs.Served(60.0)
            case verbs.TakeMessage():
                line = self.read("seconds that the message lasts: ")
                return None if line is None else inputs.Recorded("tryout", _seconds(line))
            case verbs.TakeNumber():
                return self._taken(verb)
            case verbs.ChangePromise():
                line = self.read("Enter: done; or why it cannot be: ")
                if line is None:
                    return None
                return inputs.Refused(line.strip()) if line.strip() else inputs.Finished()
            case verbs.AskNotices():
                return inputs.NoticesStand()
            case verbs.CheckIdentity(digits=digits):
                return self._identity(digits)
            case verbs.AskCallback():
                return self.answers.stands
            case verbs.AskPromise():
                return self.answers.promise
            case verbs.CheckNumber(number=number):
                return self.answers.check(number)
        return None

    def _identity(self, digits: str) -> inputs.Input | None:
        if not digits:
            return inputs.IdentityStands(known=True)
        line = self.read("Enter: the digits are the customer's; or anything else: they are not: ")
        return None if line is None else inputs.IdentityStands(known=True, fits=not line.strip())

    def _taken(self, verb: verbs.TakeNumber) -> inputs.Input | None:
        line = self.read(f"Enter: the number is promised; or why not, such as {', '.join(REASONS)}: ")
        if line is None:
            return None
        why = line.strip()
        if why:
            return inputs.NumberRefused(why, why if why in REASONS else "invalid")
        return inputs.Promised(verb.number, self.answers.stands.low, self.answers.stands.high)

    def _gathered(self, verb: verbs.Gather) -> inputs.Input | None:
        if not self.ahead:
            line = self.read("keys (Enter: none): ")
            if line is None:
                return None
            self.ahead = "".join(key for key in line if key in "0123456789*#")
        taken = ""
        for key in self.ahead[: verb.max_digits]:
            taken += key
            if key in verb.terminators:
                break
        self.ahead = self.ahead[len(taken) :]
        return inputs.Digits(taken) if taken else inputs.NoInput()


def _seconds(line: str) -> float:
    try:
        return max(0.0, float(line))
    except ValueError:
        return 0.0


def run(
    session: Session,
    read: Read,
    write: Write,
    *,
    texts: Texts,
    clock: Callable[[], float],
    answers: ServerAnswers | None = None,
) -> None:
    """Try the session in a terminal; see Transcript."""
    Transcript(session, read, write, texts, clock, answers).run()
