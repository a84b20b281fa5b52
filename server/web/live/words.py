"""What a caller chose, in words of both languages: the hotline's own, as agents hear them before they are joined."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ivr.manifest import Manifest
from server.hotline.categories import Categories
from server.hotline.definitions import PROMPTS
from server.web.live.rows import Words
from tables.toml import read

_SPOKEN = "whisper-"
"""Prompts that say a queue's or a category's name to an agent."""
_LANGUAGES = {"zh": Words(zh="普通话", en="Mandarin"), "en": Words(zh="英语", en="English")}
_VERIFIED = Words(zh="已核实身份", en="identity verified")
CHOSEN = ("business", "category")
"""Fields that a caller's keys set, in the order in which menus ask."""


def words_of(name: str) -> Words:
    """A queue or a category in words; the name itself where the hotline has none for it."""
    return _spoken().get(name) or Words(zh=name, en=name)


def pressed(fields: Mapping[str, str], categories: Categories) -> tuple[Words, ...]:
    """What the caller chose, by the fields of the flow."""
    named = {each.name: Words(zh=each.zh, en=each.en) for each in categories.rows}
    chosen = [named.get(fields[name]) or words_of(fields[name]) for name in CHOSEN if fields.get(name)]
    if (language := fields.get("language", "zh")) != "zh":
        chosen.append(_LANGUAGES.get(language) or Words(zh=language, en=language))
    if fields.get("verified") == "yes":
        chosen.append(_VERIFIED)
    return tuple(chosen)


@cache
def _spoken() -> dict[str, Words]:
    manifest = Manifest.from_dict(read(PROMPTS / "manifest.toml")[0])
    return {
        each.removeprefix(_SPOKEN): Words(
            zh=manifest.text(each, "zh").rstrip("。").removesuffix("来电"),
            en=manifest.text(each, "en").rstrip(".").removesuffix(" call"),
        )
        for each in manifest.prompts
        if each.startswith(_SPOKEN)
    }
