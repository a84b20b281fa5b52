"""Take a number for a callback while no server answers, or when the line is full.

A number that is known is spooled once, whatever happens.

Asterisk starts this as an AGI script. It needs Python, pyst2 and the spool's folder: no server, no Redis, no database.

    python -m agi_scripts.take_number SPOOL

Exit: 0 done (also when the caller hung up), 1 the entry could not be stored, 2 not called as an AGI script.
"""

from __future__ import annotations

import contextlib
import io
import re
import signal
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from asterisk.agi import AGI, AGIAppError, AGIError, AGIHangup, AGIUnknownError

from agi_scripts.spool import Entry, plausible, put
from ivr.saying import say_phone

if TYPE_CHECKING:
    from types import FrameType

TRIES = 3
FIRST_DIGIT = 6000
"""Milliseconds to wait for the first key after a question, and for each next one of a number."""
NEXT_DIGIT = 4000
LONGEST_NUMBER = 15
KEYS = "0123456789*#"
CATEGORIES = {"0": "", "1": "process", "2": "system", "3": "competence", "4": "attitude", "5": "usage"}
CHANNEL_UP = "6"
LINE_LIMIT = 65536


class Gone(Exception):
    """The caller hung up, or Asterisk ended."""


class Malformed(Exception):
    """The input is not AGI."""


class Replies:
    """Asterisk's side of the conversation, line by line: distinguishes its end from nonsense, which pyst2 does not."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._greeting = True

    def readline(self) -> str:
        """The next line of the greeting, then of replies. Raises Gone at the end of input, Malformed for nonsense."""
        while line := self._stream.readline(LINE_LIMIT):
            text = line.strip()
            if self._greeting:
                if text and not re.match(r"agi_\w+:", text):
                    raise Malformed(f"{text[:80]!r} is no line of an AGI greeting")
                self._greeting = bool(text)
                return line
            if re.match(r"\d{3}[ -]", text):
                return line
            if text and not text.startswith("HANGUP"):
                raise Malformed(f"{text[:80]!r} is no reply to an AGI command")
        raise Gone("the greeting broke off" if self._greeting else "Asterisk closed the session")


class Nowhere(io.TextIOBase):
    """The output for pyst2's account of every line."""

    def write(self, text: str) -> int:
        return len(text)


class Caller:
    """The person on the line: hears prompts, presses keys, may be gone at any moment (Gone)."""

    def __init__(self, agi: AGI) -> None:
        self._agi = agi

    def hear(self, prompts: Sequence[str], keys: str = "") -> str:
        """Play prompts until one of `keys` is pressed; the key or "". A missing prompt is skipped."""
        for prompt in prompts:
            try:
                if key := self._agi.stream_file(prompt, keys):
                    return str(key)
            except AGIHangup as error:
                raise Gone(str(error)) from None
            except AGIAppError:
                self._still_there()
            except AGIError as error:
                raise Gone(str(error)) from None
        return ""

    def press(self, milliseconds: int) -> str:
        """The next key within the time, or ""."""
        try:
            return str(self._agi.wait_for_digit(milliseconds))
        except AGIError as error:
            raise Gone(str(error)) from None

    def ask(self, prompts: Sequence[str], keys: str) -> str:
        """One of `keys`, or "" after three times silence or other keys. A key during the prompts counts."""
        for _ in range(TRIES):
            key = self.hear(prompts, KEYS) or self.press(FIRST_DIGIT)
            if key and key in keys:
                return key
        return ""

    def key_in(self, prompts: Sequence[str]) -> str:
        """Digits up to # or a pause; * starts anew."""
        digits = ""
        key = self.hear(prompts, KEYS) or self.press(FIRST_DIGIT)
        while key and key != "#" and len(digits) < LONGEST_NUMBER:
            digits = "" if key == "*" else digits + key
            key = self.press(NEXT_DIGIT)
        return digits

    def variable(self, name: str) -> str:
        """A channel variable, "" when it is not set."""
        try:
            return str(self._agi.get_variable(name) or "")
        except AGIError as error:
            raise Gone(str(error)) from None

    def _still_there(self) -> None:
        """Asterisk answers alike for a missing file and for a caller who hung up: ask for the channel's state."""
        try:
            state = self._agi.execute("CHANNEL STATUS")["result"][0]
        except (AGIError, AGIUnknownError) as error:
            raise Gone(str(error)) from None
        if state != CHANNEL_UP:
            raise Gone("the caller hung up")


class Taking:
    """One conversation; `entry` has at every moment all that is known."""

    def __init__(self, caller: Caller, entry: Entry) -> None:
        self.entry = entry
        self._caller = caller

    def run(self) -> None:
        """Apologise, settle the number, then the category. Raises Gone as soon as the caller is."""
        entry, full = self.entry, self._caller.variable("SANSHENG_WHY") == "full"
        self.entry = replace(
            entry, called=self._caller.variable("SANSHENG_CALLED") or entry.called, call=self._call_number(), full=full
        )
        self._caller.hear(["line-full-number" if full else "fallback-sorry"])
        self._settle_number()
        if self.entry.number:
            self._ask_category()

    def _call_number(self) -> int | None:
        text = self._caller.variable("SANSHENG_CALL")
        return int(text) if text.isdecimal() else None

    def _settle_number(self) -> None:
        """The caller's own number or one keyed in, read back and confirmed; silence confirms."""
        candidate = self.entry.caller if plausible(self.entry.caller) else ""
        for _ in range(TRIES):
            if candidate:
                self.entry = replace(self.entry, number=candidate)
                if self._caller.ask([*self._said(candidate), "fallback-number"], "12") != "2":
                    return
            keyed = self._caller.key_in(["fallback-key-number"])
            candidate = keyed if plausible(keyed) else ""
            if keyed and not candidate:
                self._caller.hear(["number-invalid"])

    def _ask_category(self) -> None:
        key = self._caller.ask(["fallback-category"], "".join(CATEGORIES))
        self.entry = replace(self.entry, category=CATEGORIES.get(key, ""))

    def _said(self, number: str) -> Sequence[str]:
        try:
            return say_phone(number, self.entry.language)
        except ValueError:
            return say_phone(number, "zh")


def main(arguments: Sequence[str], stdin: IO[str], stdout: IO[str]) -> int:
    """Hold the conversation over `stdin` and `stdout`; the exit code."""
    if len(arguments) != 1:
        print("take_number: give the spool's folder, and nothing else", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _ended)
    try:
        agi = AGI(Replies(stdin), stdout, Nowhere())
    except (Gone, Malformed) as error:
        print(f"take_number: not started by Asterisk: {error}", file=sys.stderr)
        return 2
    known = agi.env.get("agi_callerid", "")
    caller = "" if known in ("", "unknown") else known
    language = agi.env.get("agi_language", "zh").partition("_")[0].partition("-")[0]
    called, now = agi.env.get("agi_extension", ""), round(time.time(), 3)
    person = Caller(agi)
    channel = agi.env.get("agi_uniqueid", "")
    taking = Taking(person, Entry(str(uuid.uuid4()), caller, "", "", called, now, language=language, channel=channel))
    code = 0
    try:
        taking.run()
        taking.entry = replace(taking.entry, complete=bool(taking.entry.number))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except (Gone, BrokenPipeError):
        pass
    except Malformed as error:
        print(f"take_number: {error}", file=sys.stderr)
        code = 2
    if not taking.entry.number:
        return code
    try:
        put(Path(arguments[0]), taking.entry)
    except OSError as error:
        print(f"take_number: could not store {asdict(taking.entry)}: {error}", file=sys.stderr)
        return 1
    if taking.entry.complete:
        with contextlib.suppress(Gone, Malformed, BrokenPipeError):
            person.hear(["fallback-thanks", "goodbye"])
    return code


def _ended(signum: int, frame: FrameType | None) -> NoReturn:
    """End the conversation, once: the storing that follows is not interrupted."""
    signal.signal(signum, signal.SIG_IGN)
    raise Gone("asked to end")


if __name__ == "__main__":
    replies = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    sys.exit(main(sys.argv[1:], replies, sys.stdout))
