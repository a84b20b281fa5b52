"""`sansheng check`: are the definitions, the flows and the prompts usable?"""

from __future__ import annotations

import time
from pathlib import Path

import typer

from server.commands.output import Json, print_json, say
from server.commands.shared import settings


def check(as_json: Json = False) -> None:
    """Check definitions, flows and prompts.

    Each finding names file, line and key. Exit 1 if there is an error.
    """
    from server.commands.checks.machine import asterisk_modules
    from server.definition_check import findings
    from server.hotline.definitions import summary

    here = settings()
    found = findings(here, here.root, time.time(), asterisk_modules)
    errors = sum(each.severity == "error" for each in found)
    if as_json:
        print_json([each.as_dict() for each in found])
    else:
        for each in found:
            say(f"{each.severity}: {_short(each.file)}:{each.line}: {each.key and each.key + ': '}{each.sentence}")
        if not errors:
            say(summary(here.root))
    if errors:
        raise typer.Exit(1)


def _short(file: Path) -> str:
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
