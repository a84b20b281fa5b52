"""Law: what `sansheng check` finds is found here, for a home as it is and for one that is only tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from server.config import Settings
from server.hotline import definitions
from server.hotline.examination import Found, examine
from server.telephony.asterisk.trunk_pjsip import G729
from tables.toml import line_of


def findings(settings: Settings, home: Path, now: float, modules: Callable[[], Path | None]) -> list[Found]:
    """Everything that is wrong with the definitions in `home`. `modules` gives the folder of Asterisk's modules, None
    while it is not known; `now` is UTC epoch seconds."""
    found = examine(home, now, trunk=bool(settings.trunk))
    return [*found, *_codecs(settings, home, modules)]


def _codecs(settings: Settings, home: Path, modules: Callable[[], Path | None]) -> Iterator[Found]:
    """Codecs of trunks that the Asterisk of this machine has not."""
    try:
        trunks = [trunk for trunk in definitions.load(home).trunks if "g729" in trunk.codecs]
    except ValueError:
        return
    if not trunks or settings.asterisk:
        return
    folder = modules()
    if folder is None or (folder / f"{G729}.so").is_file():
        return
    file = home / "hotline.toml"
    for trunk in trunks:
        key = ("trunks", trunk.name, "codecs")
        line = line_of(file.read_text(encoding="utf-8-sig"), key)
        alone = trunk.codecs == ("g729",)
        then = "add alaw" if alone else "it is left out, and the others are offered"
        sentence = f"this Asterisk has no G.729 ({G729}.so), and without it nobody would hear a prompt: {then}"
        yield Found("error" if alone else "warning", file, line, ".".join(key), sentence)
