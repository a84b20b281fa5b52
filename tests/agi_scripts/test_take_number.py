"""The conversation that takes a number, against a scripted Asterisk on the other end of two pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GREETING = "agi_callerid: {caller}\nagi_extension: s\nagi_language: {language}\n\n"


@dataclass
class Asterisk:
    """Answers the script's commands: each question (by its last prompt) takes the next of its keys."""

    spool: Path
    process: subprocess.Popen[str]
    played: list[str] = field(default_factory=list)
    why: str = ""

    def send(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def greet(self, caller: str = "13800001111", language: str = "zh") -> None:
        self.send(GREETING.format(caller=caller, language=language))

    def serve(self, keys: dict[str, list[str]], until: Callable[[str], bool] = lambda command: False) -> None:
        """Answer commands until the script ends or `until(command)`; that command stays unanswered."""
        assert self.process.stdout
        pending: list[str] = []
        for line in self.process.stdout:
            command = line.strip().replace('"', "")
            if until(command):
                return
            if command.startswith("GET VARIABLE SANSHENG_CALLED"):
                self.send("200 result=1 (4008001234)\n")
            elif command.startswith("GET VARIABLE SANSHENG_WHY"):
                self.send(f"200 result=1 ({self.why})\n" if self.why else "200 result=0\n")
            elif command.startswith("GET VARIABLE SANSHENG_CALL"):
                self.send("200 result=1 (77)\n")
            elif command.startswith("STREAM FILE"):
                prompt = command.split()[2]
                self.played.append(prompt)
                queue = keys.get(prompt)
                pending = list(queue.pop(0)) if queue else []
                self.send("200 result=0 endpos=1\n")
            elif command.startswith("WAIT FOR DIGIT"):
                self.send(f"200 result={ord(pending.pop(0)) if pending else 0}\n")
            else:
                self.send("510 Invalid or unknown command\n")

    def end(self) -> int:
        """Close our side; the exit code."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(5)

    def entry(self) -> dict[str, Any]:
        (path,) = self.spool.glob("*.json")
        data: dict[str, Any] = json.loads(path.read_text())
        return data

    @property
    def complaint(self) -> str:
        assert self.process.stderr
        return self.process.stderr.read()


def start(spool: Path) -> Asterisk:
    words = [sys.executable, "-I", "-m", "agi_scripts.take_number", str(spool)]
    pipe = subprocess.PIPE
    return Asterisk(spool, subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True))


@pytest.fixture
def asterisk(tmp_path: Path) -> Iterator[Asterisk]:
    peer = start(tmp_path / "spool")
    yield peer
    peer.process.kill()
    peer.process.wait()
    for stream in (peer.process.stdin, peer.process.stdout, peer.process.stderr):
        if stream:
            try:
                stream.close()
            except BrokenPipeError:
                continue


def test_a_caller_who_finds_the_line_full_is_not_told_of_a_failure(asterisk: Asterisk) -> None:
    asterisk.why = "full"
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"], "fallback-category": ["0"]})
    assert asterisk.end() == 0
    assert "fallback-sorry" not in asterisk.played
    assert asterisk.played[0] == "line-full-number"
    entry = asterisk.entry()
    assert (entry["full"], entry["number"]) == (True, "13800001111")


def test_the_own_number_is_said_back_and_kept_with_the_matter(asterisk: Asterisk) -> None:
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"], "fallback-category": ["4"]})
    assert asterisk.end() == 0
    entry = asterisk.entry()
    assert (entry["number"], entry["category"], entry["complete"]) == ("13800001111", "attitude", True)
    assert (entry["called"], entry["call"]) == ("4008001234", 77)
    assert asterisk.played[:4] == ["fallback-sorry", "digit-yao", "digit-3", "digit-8"]
    assert asterisk.played[-2:] == ["fallback-thanks", "goodbye"]


def test_a_number_that_is_none_is_said_to_be_none_and_another_is_asked_for(asterisk: Asterisk) -> None:
    asterisk.greet(caller="unknown")
    asterisk.serve({"fallback-key-number": ["12#", "13900002222#"], "fallback-number": ["1"]})
    assert asterisk.end() == 0
    assert asterisk.entry()["number"] == "13900002222"
    assert asterisk.played[1:4] == ["fallback-key-number", "number-invalid", "fallback-key-number"]


def test_an_english_caller_hears_english_digits(asterisk: Asterisk) -> None:
    asterisk.greet(language="en_GB")
    asterisk.serve({"fallback-number": ["1"], "fallback-category": ["0"]})
    assert asterisk.played[1] == "digit-1"
    assert asterisk.entry()["category"] == ""


def test_a_caller_without_a_number_is_asked_for_one(asterisk: Asterisk) -> None:
    asterisk.greet(caller="unknown")
    asterisk.serve({"fallback-key-number": ["0218888*02188887777#"], "fallback-number": ["1"]})
    entry = asterisk.entry()
    assert (entry["caller"], entry["number"]) == ("", "02188887777")


def test_a_number_keyed_in_wrong_is_asked_for_again(asterisk: Asterisk) -> None:
    asterisk.greet()
    asterisk.serve({"fallback-number": ["2", "2", "1"], "fallback-key-number": ["123#", "13900002222", "13900003333#"]})
    assert asterisk.entry()["number"] in {"13900002222", "13900003333"}


def test_silence_keeps_the_callers_own_number(asterisk: Asterisk) -> None:
    asterisk.greet()
    asterisk.serve({})
    assert asterisk.end() == 0
    assert (asterisk.entry()["number"], asterisk.entry()["category"]) == ("13800001111", "")
    assert asterisk.played.count("fallback-number") == 3


def test_a_silent_caller_without_a_number_leaves_nothing_and_does_not_wait_for_ever(asterisk: Asterisk) -> None:
    asterisk.greet(caller="unknown")
    asterisk.serve({})
    assert asterisk.end() == 0
    assert list(asterisk.spool.glob("*")) == []
    assert asterisk.played.count("fallback-key-number") == 3


@pytest.mark.parametrize("prompt", ["fallback-number", "fallback-category"])
def test_a_hangup_in_the_middle_keeps_the_number(asterisk: Asterisk, prompt: str) -> None:
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"]}, until=lambda command: prompt in command)
    asterisk.send("HANGUP\n511 Command Not Permitted on a dead channel or intercept routine\n")
    assert asterisk.end() == 0
    assert (asterisk.entry()["number"], asterisk.entry()["complete"]) == ("13800001111", False)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_in_the_middle_keeps_the_number(asterisk: Asterisk, number: signal.Signals) -> None:
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"]}, until=lambda command: "fallback-category" in command)
    asterisk.process.send_signal(number)
    assert asterisk.end() == 0
    assert asterisk.entry()["number"] == "13800001111"


def test_the_end_of_asterisk_in_the_middle_keeps_the_number(asterisk: Asterisk) -> None:
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"]}, until=lambda command: "fallback-category" in command)
    assert asterisk.end() == 0
    assert not asterisk.entry()["complete"]


def test_nonsense_in_the_middle_is_named_and_keeps_the_number(asterisk: Asterisk) -> None:
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"]}, until=lambda command: "fallback-category" in command)
    asterisk.send("<html>\n")
    assert asterisk.end() == 2
    assert "'<html>' is no reply to an AGI command" in asterisk.complaint
    assert asterisk.entry()["number"] == "13800001111"


@pytest.mark.parametrize("text", ["", "agi_callerid: 1\n", "GET / HTTP/1.1\r\n\r\n", "\xff\xfe\n"])
def test_what_is_no_agi_greeting_is_refused_in_a_sentence(asterisk: Asterisk, text: str) -> None:
    asterisk.send(text)
    assert asterisk.end() == 2
    assert asterisk.complaint.startswith("take_number: not started by Asterisk:")


def test_a_missing_prompt_is_passed_over(asterisk: Asterisk) -> None:
    asterisk.greet()
    asterisk.serve({}, until=lambda command: "fallback-sorry" in command)
    asterisk.send("200 result=-1 endpos=0\n")
    asterisk.serve({}, until=lambda command: command == "CHANNEL STATUS")
    asterisk.send("200 result=6\n")
    asterisk.serve({"fallback-number": ["1"], "fallback-category": ["1"]})
    assert asterisk.entry()["category"] == "process"


def test_a_spool_that_cannot_be_written_is_told_with_the_entry(asterisk: Asterisk) -> None:
    asterisk.spool.write_text("in the way")
    asterisk.greet()
    asterisk.serve({"fallback-number": ["1"], "fallback-category": ["2"]})
    assert asterisk.end() == 1
    complaint = asterisk.complaint
    assert "could not store" in complaint
    assert "13800001111" in complaint


def test_a_wrong_call_of_the_script_is_a_usage_error() -> None:
    words = [sys.executable, "-m", "agi_scripts.take_number"]
    done = subprocess.run(words, input="", capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (2, "take_number: give the spool's folder, and nothing else\n")


@given(garbage=st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60), after=st.integers(0, 3))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_input_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, garbage: str, after: int) -> None:
    peer = start(tmp_path_factory.mktemp("spool"))
    answers = "".join(["200 result=1 (1)\n"] * after)
    _, err = peer.process.communicate(GREETING.format(caller="13800001111", language="zh") + answers + garbage, 10)
    assert peer.process.returncode in (0, 2)
    assert "Traceback" not in err
