"""Prompts: what each says, where it is used, how it sounds; uploaded, recorded, rendered, and undone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from redis.exceptions import RedisError

from ivr.manifest import Manifest, PromptFile
from ivr.nodes import Node
from ivr.saying import LANGUAGES
from server.eventlog.definition_events import PromptSoundSet
from server.hotline import own_prompts
from server.hotline.definition_files import PROMPTS
from server.hotline.dispatcher import NotLeading
from server.hotline.prompt_sounds import PromptSounds, Sound, taken_in
from server.usecases.audit import audited
from server.usecases.definition_trial import Change
from server.usecases.definition_versions import VersionActs
from server.usecases.errors import Conflict, Invalid, NotFound
from server.usecases.permissions import Act
from server.usecases.principal import Principal
from server.usecases.server import Acts, Server
from voice import mastering
from voice.environment import Kit, KitError, cache
from voice.prompt_store import TREE, load_manifest, load_record
from voice.render import speak

_log = structlog.get_logger("prompts")
_PACE = 0.5
"""Seconds between two looks for what another server has."""
MISSING = (
    "no voice is installed on this machine: `python -m voice --fetch` in the server's environment fetches it once"
    " (1 GB, it needs npm); or record or upload this prompt"
)


class PromptActs(Acts):
    """Acts raise Forbidden, and NotLeading where they change something."""

    def __init__(self, server: Server, versions: VersionActs) -> None:
        super().__init__(server)
        self._versions = versions
        self._rendering = asyncio.Lock()
        self._keeping = asyncio.Lock()

    @property
    def _sounds(self) -> PromptSounds:
        return PromptSounds(self._server.home)

    async def listed(self, who: Principal) -> list[dict[str, Any]]:
        """Every prompt: its texts and sounds by language, and where it is used."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        return await asyncio.to_thread(self._listed)

    def _listed(self) -> list[dict[str, Any]]:
        manifest, record, sounds = load_manifest(), load_record(), self._sounds
        texts, used = self._texts(), self._used()
        own = sounds.own()
        ids = [*manifest.prompts, *sorted({prompt for _, prompt in own} | {*texts} - {*manifest.prompts})]
        return [
            {
                "id": prompt,
                "own": own_prompts.is_own(prompt),
                "piece": prompt in manifest.prompts and manifest.prompts[prompt].piece,
                "about": manifest.prompts[prompt].used if prompt in manifest.prompts else "",
                "used": used.get(prompt, []),
                "languages": {
                    language: self._sound(prompt, language, manifest, record, texts)
                    for language in LANGUAGES
                    if (language, prompt) in own
                    or language in texts.get(prompt, {})
                    or _has(manifest, prompt, language)
                },
            }
            for prompt in dict.fromkeys(ids)
        ]

    def _sound(
        self, prompt: str, language: str, manifest: Manifest, record: dict[str, Any], texts: dict[str, dict[str, str]]
    ) -> dict[str, Any]:
        sounds = self._sounds
        is_own, known = sounds.is_own(prompt, language), record.get(f"{language}/{prompt}.wav", {})
        product = manifest.text(prompt, language) if _has(manifest, prompt, language) else ""
        versions = sounds.versions(prompt, language) if is_own else []
        now = versions[0] if versions else None
        seconds = now.seconds if now else None if is_own else known.get("seconds")
        if is_own and now is None and (file := sounds.heard(prompt, language)) is not None:
            seconds = round((file.stat().st_size - 44) / 16000, 2)
        return {
            "text": texts.get(prompt, {}).get(language) or product,
            "source": "own" if is_own else "product" if known else "none",
            "seconds": seconds,
            "level": now.level if now else known.get("level"),
            "version": now.version if now else None,
        }

    def _texts(self) -> dict[str, dict[str, str]]:
        try:
            return own_prompts.texts(self._server.home)
        except ValueError:
            return {}  # a check says what is wrong with the file

    def _used(self) -> dict[str, list[dict[str, str]]]:
        """Prompt → the nodes that say it."""
        found: dict[str, list[dict[str, str]]] = {}
        for flow in self._server.definitions.flows.values():
            for node in flow.nodes.values():
                for prompt in dict.fromkeys(_spoken(node)):
                    found.setdefault(prompt, []).append({"flow": flow.name, "node": node.name})
        return found

    async def hear(self, who: Principal, prompt: str, language: str, version: int | None = None) -> Path:
        """The file with its sound, as it is or as it was. Raises NotFound."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        self._require_name(prompt)
        sounds = self._sounds
        find = partial(sounds.heard, prompt, language)
        if version:
            find = partial(sounds.of_version, prompt, language, version)
        file = await asyncio.to_thread(find)
        if file is None:
            which = f" of version {version}" if version else ""
            raise NotFound(f"there is no sound{which} of prompt {prompt} in {language}")
        return file

    async def versions(self, who: Principal, prompt: str, language: str) -> list[Sound]:
        """Every version of the operator's sound, newest first."""
        self.permissions.require(who, Act.READ_DEFINITIONS)
        self._require_name(prompt)
        return await asyncio.to_thread(self._sounds.versions, prompt, language)

    async def put(
        self,
        who: Principal,
        prompt: str,
        language: str,
        data: bytes,
        *,
        how: str = "uploaded",
        text: str | None = None,
        reason: str = "",
    ) -> Sound:
        """Let callers hear this WAV from now on; one that they could not hear is converted.

        `text` is what it says, where that is not what the prompt said before. Raises Invalid and Conflict.
        """
        self.permissions.require(who, Act.PUBLISH_PROMPT)
        self._require_name(prompt)
        try:
            made, known = await asyncio.to_thread(taken_in, data)
        except ValueError as error:
            raise Invalid("prompt", str(error)) from None
        return await self._keep(who, prompt, language, made, known, how=how, text=text, reason=reason)

    async def render(self, who: Principal, prompt: str, language: str, text: str, reason: str = "") -> Sound:
        """Let the product's voice say this text from now on. Raises Invalid and Conflict."""
        self.permissions.require(who, Act.PUBLISH_PROMPT)
        self._require_name(prompt)
        if not text.strip():
            raise Invalid("prompt", "write what the voice is to say")
        async with self._rendering:
            try:
                data = await asyncio.to_thread(_spoken_by_voice, prompt, language, text)
            except KitError as error:
                raise Conflict(str(error)) from None
        made, known = await asyncio.to_thread(taken_in, data)
        return await self._keep(who, prompt, language, made, known, how="rendered", text=text, reason=reason)

    async def undo(self, who: Principal, prompt: str, language: str, to: int | None = None, reason: str = "") -> Sound:
        """Let callers hear a former version again: `to`, or the one before; 0 is the product's own. Raises NotFound."""
        self.permissions.require(who, Act.PUBLISH_PROMPT)
        self._require_name(prompt)
        kept = {each.version: each for each in await asyncio.to_thread(self._sounds.versions, prompt, language)}
        if not kept:
            raise NotFound(f"prompt {prompt} in {language} has the product's own sound: there is nothing to undo")
        wanted = max(kept) - 1 if to is None else to
        file = self._sounds.of_version(prompt, language, wanted) if wanted else None
        if file is None and wanted and kept.get(wanted, Sound(0, 0, "", "")).how != "removed":
            raise NotFound(f"there is no version {wanted} of prompt {prompt} in {language}")
        if file is None:
            return await self._keep(who, prompt, language, None, {}, how="removed", reason=reason)
        data = await asyncio.to_thread(file.read_bytes)
        known = {name: value for name, value in asdict(kept[wanted]).items() if name in _SOUND}
        return await self._keep(who, prompt, language, data, known, how="undone", reason=reason)

    async def _keep(
        self,
        who: Principal,
        prompt: str,
        language: str,
        data: bytes | None,
        known: dict[str, Any],
        *,
        how: str,
        text: str | None = None,
        reason: str = "",
    ) -> Sound:
        leader = self._server.dispatcher  # a server that stands by keeps nothing
        known = {**known, "at": self._clock(), "by": who.name, "how": how, "reason": reason}
        async with self._keeping:
            await self._follow()  # so that numbers go on from what another server had
            try:
                sound = await asyncio.to_thread(self._sounds.put, prompt, language, data, known)
            except OSError as error:
                raise Conflict(f"the prompt cannot be written: {error.strerror}") from None
            if data is not None:
                await self._server.sound_bytes.put(sound.sha256, data)
            subject = f"prompt {prompt}, {language}, version {sound.version}: {how}, {sound.seconds:.1f} s"
            told = self._told(prompt, language, sound)
            await leader.record(told, *audited(who, Act.PUBLISH_PROMPT, subject, reason))
        if text is not None and text.strip():
            change = Change(PROMPTS, key=(prompt, language), value=text.strip())
            await self._versions.put(who, Act.PUBLISH_PROMPT, [change], f"text of prompt {prompt}, {language}")
        return sound

    # Other servers

    async def keep_following(self) -> None:
        """Write what another server's callers hear into this one's home; when it leads, what its home has and no server
        knows of becomes known. Never returns."""
        seen: tuple[bool, int] | None = None
        while True:
            now = (self._leads(), self._view.sounds.count)
            if now != seen:
                try:
                    async with self._keeping:
                        await self._follow()
                        if now[0]:
                            await self._tell_found()
                    seen = (now[0], self._view.sounds.count)
                except (NotLeading, OSError, RedisError, ValueError) as error:
                    _log.error("the sounds of prompts could not be followed", error=str(error))
            await asyncio.sleep(_PACE)

    async def _follow(self) -> None:
        """Take over every version that this home lacks, oldest first."""
        for prompt, language in self._view.sounds:
            kept = self._view.sounds.versions(prompt, language)
            have = await asyncio.to_thread(self._sounds.versions, prompt, language)
            last = have[0].version if have else 0
            for at, event in kept:
                if event.version > last:
                    await self._take(at, event)

    async def _take(self, at: float, event: PromptSoundSet) -> None:
        data = await self._server.sound_bytes.get(event.sha256) if event.sha256 else None
        if event.sha256 and data is None:
            _log.error("a prompt's sound is not beside the log", prompt=event.prompt, version=event.version)
            return
        known = {name: getattr(event, name) for name in (*_SOUND, "by", "how", "reason")} | {"at": at}
        await asyncio.to_thread(self._sounds.put, event.prompt, event.language, data, known, event.version)
        _log.info("a prompt's sound is taken over", prompt=event.prompt, version=event.version)

    async def _tell_found(self) -> None:
        """Sounds that stood in this home before sounds stood in the log, or that a hand put there."""
        known = set(self._view.sounds)
        for language, prompt in await asyncio.to_thread(self._sounds.own):
            if (prompt, language) not in known and (file := self._sounds.heard(prompt, language)) is not None:
                data = await asyncio.to_thread(file.read_bytes)
                made, values = await asyncio.to_thread(taken_in, data)
                have = await asyncio.to_thread(self._sounds.versions, prompt, language)
                version = have[0].version if have else 1
                sound = Sound(version=version, at=self._clock(), by="", how="found", **values)
                await self._server.sound_bytes.put(sound.sha256, made)
                await self._server.dispatcher.record(self._told(prompt, language, sound))
        wanted = frozenset(event.sha256 for each in self._view.sounds for _, event in self._view.sounds.versions(*each))
        await self._server.sound_bytes.keep_only(wanted)

    def _told(self, prompt: str, language: str, sound: Sound) -> PromptSoundSet:
        values = {name: getattr(sound, name) for name in (*_SOUND, "version", "by", "how", "reason")}
        return PromptSoundSet(prompt, language, node=self._server.node, **values)

    def _leads(self) -> bool:
        try:
            return bool(self._server.dispatcher)
        except NotLeading:
            return False

    def _require_name(self, prompt: str) -> None:
        if not own_prompts.is_own(prompt) and prompt not in load_manifest().prompts:
            raise NotFound(f"there is no prompt {prompt[:60]}: it is one of the product's, or own- and a name")


_SOUND = ("seconds", "rate", "level", "peak", "sha256", "converted", "warnings")


def _has(manifest: Manifest, prompt: str, language: str) -> bool:
    return prompt in manifest.ids(language)


def _spoken(node: Node) -> Iterator[str]:
    for _, prompts in node.spoken():
        yield from (each for each in prompts if not each.startswith("{"))


def _spoken_by_voice(prompt: str, language: str, text: str) -> bytes:
    """The WAV of a text. Raises KitError."""
    kit = Kit(cache(TREE))
    try:
        ready = all(each.exists() for each in (kit.python, kit.model, kit.vocabulary, kit.voices))
    except KitError:
        ready = False
    if not ready:
        raise KitError(MISSING)
    voice = load_manifest().voices[language]
    line = PromptFile(f"{language}/{prompt}.wav", prompt, text, language, voice, voice.speed, False, 0.0)
    try:
        (_, pcm), *_ = speak(kit, [line])
    except (OSError, json.JSONDecodeError) as error:
        raise KitError(f"the voice could not say this: {error}") from None
    return mastering.wav(pcm)
