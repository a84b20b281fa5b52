"""`sansheng check`: are the definitions, the flows and the prompts usable?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from server.commands.output import Json, print_json, say
from server.commands.shared import settings

if TYPE_CHECKING:
    from server.config import Settings
    from server.hotline.definitions import Found


def check(as_json: Json = False) -> None:
    """Check definitions, flows and prompts.

    Each finding names file, line and key. Exit 1 if there is an error.
    """
    from server.hotline import definitions

    here = settings()
    found = definitions.examine(here.root, time.time(), trunk=bool(here.trunk))
    found += _codecs(here)
    errors = sum(each.severity == "error" for each in found)
    if as_json:
        print_json([each.as_dict() for each in found])
    else:
        for each in found:
            say(f"{each.severity}: {_short(each.file)}:{each.line}: {each.key and each.key + ': '}{each.sentence}")
        if not errors:
            say(definitions.summary(here.root))
    if errors:
        raise typer.Exit(1)


def _codecs(here: Settings) -> Iterator[Found]:
    """Codecs of trunks that the Asterisk of this machine has not."""
    from server.hotline import definitions
    from server.hotline.definitions import Found
    from tables.toml import line_of

    try:
        trunks = [trunk for trunk in definitions.load(here.root).trunks if "g729" in trunk.codecs]
    except ValueError:
        return
    if not trunks or here.asterisk:
        return
    from server.commands.checks.machine import asterisk_modules
    from server.telephony.asterisk.trunk_pjsip import G729

    modules = asterisk_modules()
    if modules is None or (modules / f"{G729}.so").is_file():
        return
    file = here.root / "hotline.toml"
    for trunk in trunks:
        key = ("trunks", trunk.name, "codecs")
        line = line_of(file.read_text(encoding="utf-8-sig"), key)
        alone = trunk.codecs == ("g729",)
        then = "add alaw" if alone else "it is left out, and the others are offered"
        sentence = f"this Asterisk has no G.729 ({G729}.so), and without it nobody would hear a prompt: {then}"
        yield Found("error" if alone else "warning", file, line, ".".join(key), sentence)


def _short(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
