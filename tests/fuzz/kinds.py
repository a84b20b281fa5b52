"""The kinds of input there are."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.target import Target
from tests.fuzz.toml_files import TomlFiles

KINDS: dict[str, Callable[[], Target]] = {
    "toml": TomlFiles,
}
