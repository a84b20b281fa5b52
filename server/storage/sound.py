"""Law: no byte of a recording is handed out before its file was found to be the one that was recorded.

A file that was found so is hashed again when its stamp in the store is another one, or after some minutes.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from server.storage.derivation.copies import derived
from server.storage.derivation.workshop import Workshop
from server.storage.recording_store import OPUS, ObjectError, StoreAway, derived_key
from server.storage.stores import Store

Form = Literal["wav", "opus"]
FRESH = 300.0
"""Seconds for which a hash that was right is believed while the stamp is the same."""
_KNOWN = 1000
_BLOCK = 1 << 20


class NotAsRecorded(Exception):
    """The file is not the one that was recorded. `kind` is removed or changed."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class NotYet(Exception):
    """The copy is not made yet: ask again."""


@dataclass(frozen=True, slots=True)
class Sound:
    """An open file whose hash was checked. `etag` is another one for other bytes."""

    file: BinaryIO
    size: int
    etag: str
    media_type: str

    def read(self, start: int, length: int) -> Iterator[bytes]:
        """Those bytes, in blocks; the file is closed at the end."""
        yield from self.parts([(b"", start, length)], b"")

    def parts(self, parts: Sequence[tuple[bytes, int, int]], end: bytes) -> Iterator[bytes]:
        """Of each part what stands before it, and so many bytes from a place on; then the end. The file is closed."""
        with self.file as file:
            for before, start, length in parts:
                yield before
                file.seek(start)
                left = length
                while left > 0 and (block := file.read(min(_BLOCK, left))):
                    left -= len(block)
                    yield block
            yield end


class SoundFiles:
    """The sound of recordings in one store. `workshop` makes copies; None: none are made."""

    def __init__(
        self, store: Store, workshop: Workshop | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store, self._workshop, self._clock = store, workshop, clock
        self._known: OrderedDict[str, tuple[str, str, float]] = OrderedDict()

    def original(self, key: str, sha256: str) -> Sound:
        """The stereo WAV. Blocking. Raises NotAsRecorded, and OSError while the store does not answer."""
        return self._checked(key, sha256, "audio/wav")

    def check(self, key: str, sha256: str) -> None:
        """As `original`, without keeping the file open; the hash is taken anew."""
        self._known.pop(key, None)
        self.original(key, sha256).file.close()

    async def opus(self, key: str, sha256: str, patience: float) -> Sound:
        """The Opus copy in WebM, made within so many seconds. Raises NotYet and Busy, and as `original`."""
        said = await self.shape(key, sha256, patience)
        copy = derived_key(key, OPUS)
        try:
            return await asyncio.to_thread(self._checked, copy, said["opus_sha256"], "audio/webm")
        except NotAsRecorded:
            # A copy is no original: it is made again.
            await asyncio.to_thread(self.store.delete, copy)
            said = await self._make(key, sha256, patience)
            return await asyncio.to_thread(self._checked, copy, said["opus_sha256"], "audio/webm")

    async def shape(self, key: str, sha256: str, patience: float) -> dict[str, Any]:
        """Peaks, levels and marks (`recordings.envelope.Shape`). Raises as `opus`."""
        await asyncio.to_thread(lambda: self.original(key, sha256).file.close())
        said = await asyncio.to_thread(derived, self.store, key, sha256)
        return said if said is not None else await self._make(key, sha256, patience)

    async def close(self) -> None:
        """Make no more copies."""
        if self._workshop is not None:
            await asyncio.to_thread(self._workshop.close)

    def prepare(self, key: str, sha256: str) -> None:
        """Have the copies made, if there is time: a recording was sampled or attached. Raises Busy."""
        if self._workshop is not None:
            self._workshop.derive(key, sha256)

    async def _make(self, key: str, sha256: str, patience: float) -> dict[str, Any]:
        if self._workshop is None:
            raise NotYet("no copies are made here: ask for the original")
        making = asyncio.wrap_future(self._workshop.derive(key, sha256))
        try:
            answer = await asyncio.wait_for(asyncio.shield(making), patience)
        except TimeoutError:
            raise NotYet("the copy is being made: ask again in a moment") from None
        if answer.what in ("changed", "gone"):
            raise NotAsRecorded({"gone": "removed"}.get(answer.what, answer.what), answer.why)
        if answer.what:
            raise NotYet(f"the copy could not be made: {answer.why}")
        said = await asyncio.to_thread(derived, self.store, key, sha256)
        if said is None:
            raise NotYet("the copy was made and is gone again: ask again")
        return said

    def _checked(self, key: str, sha256: str, media_type: str) -> Sound:
        try:
            file = self.store.open(key)
        except ObjectError as error:
            raise NotAsRecorded("removed", str(error)) from None
        try:
            stamp = self.store.stamp(key)
            known = self._known.get(key)
            if known is None or known[:2] != (stamp, sha256) or self._clock() - known[2] > FRESH:
                self._hash(file, key, sha256)
                self._known[key] = (stamp, sha256, self._clock())
                while len(self._known) > _KNOWN:
                    self._known.popitem(last=False)
            size = file.seek(0, 2)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return Sound(file, size, f'"{sha256}"', media_type)

    def _hash(self, file: BinaryIO, key: str, sha256: str) -> None:
        digest = hashlib.sha256()
        try:
            while block := file.read(_BLOCK):
                digest.update(block)
        except StoreAway:
            raise
        except OSError as error:
            raise NotAsRecorded("changed", f"its file {key} cannot be read: {error.strerror or error}") from None
        if digest.hexdigest() != sha256:
            raise NotAsRecorded("changed", f"its file {key} has another SHA-256: {digest.hexdigest()}")
