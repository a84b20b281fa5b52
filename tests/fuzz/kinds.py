"""The kinds of input there are."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.agi import Agi
from tests.fuzz.ami import AmiLink
from tests.fuzz.fastagi import FastAgi
from tests.fuzz.http_api import Http
from tests.fuzz.sip import Sip
from tests.fuzz.target import Target
from tests.fuzz.toml_files import TomlFiles

KINDS: dict[str, Callable[[], Target]] = {
    "agi": Agi,
    "ami": AmiLink,
    "fastagi": FastAgi,
    "http": Http,
    "sip": Sip,
    "toml": TomlFiles,
}
