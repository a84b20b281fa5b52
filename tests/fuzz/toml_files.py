"""TOML: whatever stands in an operator's file gives a value, or the reader's own error with file and line, in time.

An example begins with a line that names its reader; the flows that come with the product are left out of the reading of
a hotline's file, so that one input costs milliseconds.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from ivr.check import check as check_flows
from ivr.flow import Flow
from ivr.manifest import Manifest
from server.hotline import definitions
from simulation.reading import load_rules, load_scenario
from tables.toml import DefinitionFault, located, read
from tests.fuzz.mutator import Grammar
from tests.fuzz.target import Flaw, resident, time_limit

HOTLINE = """\
# reader: hotline
skills = ["complaint", "inquiry", "attitude"]
[hotline]
name = "三声"
flow = "hotline"
[routing]
ageing_limit = 100.0
rest_after = { no_answer = 1, busy = 2.5 }
[queues.complaint]
skill = "complaint"
priority = 10
strategy = "best_fit"
ring_for = 20
wrap_up = { mode = "timed", seconds = 30, longest = 600 }
relax = [{ after = 30, required = { complaint = 1 } }]
overflow = [{ after = 300, to = "message" }, { above = 50, to = "inquiry", preferred = { attitude = 2 } }]
[queues.inquiry]
skill = "inquiry"
overflow = [{ hopeless = true, to = "callback" }]
[admission]
max_calls = 200
[lists]
vip = ["13800138888", 4001234567]
[teams.A]
leaders = ["1001", "1002"]
[calendar]
zone = "Asia/Shanghai"
hours = { weekdays = ["08:30-12:00", "13:00-18:00"], saturday = [] }
exceptions = [{ date = 2026-02-01, to = 2026-02-03, name = "moved", hours = ["10:00-12:00"] }]
[callback]
region = "CN"
types = ["mobile", "fixed_line"]
outgoing = "02112345678"
on_above = 120
off_below = 60
delays = { busy = 300 }
window = "09:00-20:00"
"""
FLOW = """\
# reader: flow
title = "Main"
start = "hello"
[keys]
"*" = "@again"
0 = "person"
[defaults]
attempts = 3
timeout = 5.0
[nodes.hello]
kind = "play"
prompts = ["welcome"]
next = "asked"
[nodes.asked]
kind = "branch"
cases = [{ if = { vip = true }, to = "person" }, { if = { field = "business", matches = "^co.*" }, to = "menu" }]
else = "menu"
[nodes.menu]
kind = "menu"
prompts = ["menu-main"]
options = { 1 = "store", 2 = "person" }
no_input = [["no-input"], ["no-input", "menu-main"]]
no_match = [["no-match"], ["no-match", "menu-main"]]
on_no_input = "bye"
on_no_match = "person"
[nodes.store]
kind = "set"
fields = { business = "complaint", category = "attitude" }
next = "person"
[nodes.person]
kind = "enqueue"
queue = "{business}"
requirement = { required = { complaint = 2 } }
served = "bye"
otherwise = "bye"
exits = { message = "bye" }
[nodes.bye]
kind = "hangup"
prompts = ["goodbye"]
"""
SCENARIO = """\
# reader: scenario
name = "rush"
start = "08:00"
end = "20:00"
interval = 30
warm_up = 60
skills = ["complaint"]
service_level = { share = 0.8, within = 20 }
phones = { answered_after = 3, unanswered = 0.02 }
[queues.complaint]
skill = "complaint"
[calls.complaint]
per_hour = [30, 60.5, 90]
talk = { mean = 240, cv = 0.8 }
patience = { values = [30, 60, inf], weights = [1, 2, 0.5] }
categories = { attitude = 0.2 }
redials = 0.5
[agents.day]
count = 10
skills = { complaint = 3 }
shifts = ["08:00-12:00", "13:00-17:30"]
[callback]
mode = "auto"
accepts = { most = 0.6, even = 1.0 }
forced = ["10:00-11:00"]
customers = { busy = 0.1, unanswered = 0.2 }
"""
MANIFEST = """\
# reader: manifest
[voices.zh]
engine = "kokoro"
name = "zf_xiaoxiao"
speed = 1.0
readings = { "重庆" = "chong2 qing4" }
[voices.en]
engine = "kokoro"
name = "af_heart"
[prompts.welcome]
zh = "您好，三声热线。"
en = "Hello."
used = "at the beginning"
[pieces.digit-1]
zh = "一"
en = "one"
tight = true
"""
WORDS = (
    b"inf", b"-nan", b"true", b"[]", b"{}", b'""', b'"""', b"'''", b"1979-05-27T07:32:00Z", b"07:32:00",
    b"0x7fffffff", b"0x" + b"f" * 5000, b"[[queues]]", b"[a.b.c]", b"a.b.c = 1\n", b'"\\u0000"', b'"\\""', b"'#'",
    b"# ]", b"\\", b'"]"', b'["x]"]\n', b"@again", b'"(((a+)+)+)$"', b'"["', b'"{{business}}"', b"[" * 900,
    b"{a=" * 400, b"a." * 900, b'"24:00-25:61"', b"enqueue", b"callback", b"recall", b"promise", b"survey",
    b"message", b"digits", b"number", b"hours", b"flow",
)  # fmt: skip
_READER = re.compile(r"# reader: (\w+)")


class TomlFiles:
    """Readers of files, each given one file in a folder of its own."""

    at_once = 1
    grammar = Grammar(tuple(text.encode() for text in (HOTLINE, FLOW, SCENARIO, MANIFEST)), WORDS, (4, 3, 2, 1))

    async def __aenter__(self) -> Self:
        self.home = Path(tempfile.mkdtemp(prefix="sansheng-fuzz-"))
        self.flows = self.home / "product"
        self.flows.mkdir()
        (self.flows / "hotline.toml").write_text(FLOW, encoding="utf-8")
        self._patched = patch.object(definitions, "FLOWS", self.flows)
        self._patched.start()
        self._readers: Mapping[str, Callable[[Path], Any]] = {
            "hotline": lambda file: definitions.load(file.parent),
            "flow": _flow,
            "scenario": load_scenario,
            "manifest": _manifest,
            "rules": load_rules,
        }
        self._sound = {name: self._values(name, text) for name, text in self._examples()}
        return self

    async def __aexit__(self, *_: object) -> None:
        self._patched.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    async def give(self, index: int, data: bytes) -> None:
        """One file, read by the reader that its first line names."""
        named = _READER.search(data[:40].decode("utf-8", "replace"))
        reader = named[1] if named and named[1] in self._readers else "rules"
        file = self.home / "hotline.toml"
        file.write_bytes(data)
        try:
            with time_limit():
                self._readers[reader](file)
        except DefinitionFault as fault:
            lines = len(re.split(rb"\r\n|\r|\n", data))
            if not 1 <= fault.line <= lines or not fault.sentence:
                raise Flaw(f"the reader of {reader} names line {fault.line} of {lines}: {fault}") from None
        except Exception as problem:
            raise Flaw(f"the reader of {reader} raises {type(problem).__name__}: {str(problem)[:200]}") from problem

    async def check(self) -> None:
        """Sound files still give what they gave."""
        for name, text in self._examples():
            if self._values(name, text) != self._sound[name]:
                raise Flaw(f"the example of {name} is read as something else than before")

    def books(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """See the one there is."""
        return (self._nothing_is_left,)

    async def _nothing_is_left(self) -> None:
        """Nothing is left but the one file."""
        left = sorted(each.name for each in self.home.iterdir())
        if left != ["hotline.toml", "product"]:
            raise Flaw(f"files were left: {left}")

    def memory(self) -> int:
        """This process."""
        return resident()

    def _values(self, name: str, text: str) -> Any:
        file = self.home / "hotline.toml"
        file.write_text(text, encoding="utf-8")
        return self._readers[name](file)

    @staticmethod
    def _examples() -> tuple[tuple[str, str], ...]:
        return (("hotline", HOTLINE), ("flow", FLOW), ("scenario", SCENARIO), ("manifest", MANIFEST))


def _flow(file: Path) -> Flow:
    """A flow as `sansheng check` reads it, with all that is found when flows stand together."""
    flow = definitions.read_flow("hotline", file)
    check_flows({"hotline": flow}, {"welcome"}, start="hotline", queues=["complaint"])
    return flow


def _manifest(file: Path) -> Manifest:
    data, text = read(file)
    with located(file, text):
        return Manifest.from_dict(data)
