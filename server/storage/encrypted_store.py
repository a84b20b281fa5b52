"""Law: on the disk a recording is ciphertext; what is read was written with this key, whole, in this order.

AES-256-GCM in chunks of 64 KiB, each under a nonce that holds its number and whether it is the last, so that chunks
cannot be left out, doubled or moved to another place, and a reader can begin at any of them. Each file has a key of
its own, from the master key, a salt and the file's place in the store. Files without the mark are read as they are:
those of the time before encryption.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.storage.s3_store import Taken

MARK = b"SANSHENG-AES-GCM-1\n"
CHUNK = 64 * 1024
_SALT, _TAG = 16, 16
_HEAD = len(MARK) + _SALT
_STEP = CHUNK + _TAG
_COMMAND = "command:"
_BLOCK = 1 << 20


class EncryptionKeyError(ValueError):
    """The key cannot be had; the message says why."""


class _Store(Protocol):
    def writing(self, key: str) -> AbstractContextManager[BinaryIO]: ...
    def open(self, key: str) -> BinaryIO: ...
    def stamp(self, key: str) -> str: ...
    def delete(self, key: str) -> bool: ...
    def keys(self, under: str = "") -> Iterator[str]: ...
    def sweep(self) -> int: ...


def master_key(source: str) -> bytes:
    """The 32 bytes of a file, or of a command's answer (`command:vault read …`), in hexadecimal or base64.

    Raises EncryptionKeyError.
    """
    try:
        if source.startswith(_COMMAND):
            asked = subprocess.run(
                shlex.split(source.removeprefix(_COMMAND)), capture_output=True, check=True, timeout=30, text=True
            )
            text = asked.stdout.strip()
        else:
            text = Path(source).expanduser().read_text(encoding="ascii").strip()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise EncryptionKeyError(f"the key of the recordings cannot be had from {source}: {error}") from None
    for read in (bytes.fromhex, lambda each: base64.b64decode(each, validate=True)):
        try:
            found = read(text)
        except (ValueError, binascii.Error):
            continue
        if len(found) == 32:
            return found
    wanted = "32 bytes in hexadecimal or base64 (openssl rand -hex 32)"
    raise EncryptionKeyError(f"{source} gives no key: it must be {wanted}")


class EncryptedStore:
    """`inner` keeps the ciphertext."""

    def __init__(self, inner: _Store, key: bytes) -> None:
        self._inner, self._key = inner, key

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """As the inner store's; an object that stands there already is kept if it says the same."""
        digest = hashlib.sha256()
        try:
            with self._inner.writing(key) as file:
                salt = secrets.token_bytes(_SALT)
                file.write(MARK + salt)
                sealing = _Sealing(file, self._cipher(salt, key), digest)
                yield sealing  # type: ignore[misc]
                sealing.finish()
        except Taken:
            with self.open(key) as there:
                if _digest(there) != digest.hexdigest():
                    raise

    def open(self, key: str) -> BinaryIO:
        """The object in the clear; it can be sought in. What was changed is an OSError when it is read."""
        file = self._inner.open(key)
        head = file.read(_HEAD)
        if not head.startswith(MARK) or len(head) < _HEAD:
            file.seek(0)
            return file
        return io.BufferedReader(_Opened(file, self._cipher(head[len(MARK) :], key), key), CHUNK)

    def stamp(self, key: str) -> str:
        """The inner store's."""
        return self._inner.stamp(key)

    def delete(self, key: str) -> bool:
        """The inner store's."""
        return self._inner.delete(key)

    def keys(self, under: str = "") -> Iterator[str]:
        """The inner store's."""
        return self._inner.keys(under)

    def sweep(self) -> int:
        """The inner store's."""
        return self._inner.sweep()

    def _cipher(self, salt: bytes, key: str) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, f"sansheng recording {key}".encode()).derive(self._key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


class _Sealing:
    """Takes the clear bytes and writes chunks."""

    def __init__(self, file: BinaryIO, cipher: AESGCM, digest: Any) -> None:
        self._file, self._cipher, self._digest = file, cipher, digest
        self._held = bytearray()
        self._number = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._held += data
        # One byte at least is held back: only the end knows which chunk is the last.
        while len(self._held) > CHUNK:
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]
        return len(data)

    def flush(self) -> None:
        pass

    def finish(self) -> None:
        self._seal(bytes(self._held), last=True)

    def _seal(self, chunk: bytes, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1


class _Opened(io.RawIOBase):
    def __init__(self, file: BinaryIO, cipher: AESGCM, name: str) -> None:
        self._file, self._cipher, self._name = file, cipher, name
        body = file.seek(0, os.SEEK_END) - _HEAD
        self._chunks = max(1, -(-body // _STEP))
        self._size = max(0, body - self._chunks * _TAG)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        number, within = divmod(self._at, CHUNK)
        if number >= self._chunks or (self._at >= self._size and self._at > 0):
            return 0
        self._file.seek(_HEAD + number * _STEP)
        sealed = self._file.read(_STEP)
        try:
            clear = self._cipher.decrypt(_nonce(number, number == self._chunks - 1), sealed, None)
        except InvalidTag:
            raise OSError(f"{self._name} was changed, or is not of this key: chunk {number} does not open") from None
        found = clear[within : within + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
