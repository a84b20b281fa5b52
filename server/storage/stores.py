"""`open_store` is the one place that says where recordings are kept: a folder or a bucket, in the clear or
encrypted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from server.config import Settings
from server.storage.recording_store import FolderStore

SPOOL = Path("spool", "recordings")
"""In the home: files on their way to a bucket."""
CREDENTIALS = Path("secrets", "s3")
"""In the home: a bucket's AWS variables, one `NAME=value` a line, where the environment has none."""


class Store(Protocol):
    """Objects by keys such as `2027/01/15/17.wav`. Blocking: use it in a thread.

    Each method raises ObjectError for an object that is not there or a key that is none, and OSError while the store
    cannot do it.
    """

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A file that is the object, durably, when the block ends well; not after an error."""

    def open(self, key: str) -> BinaryIO:
        """The object, to be read, sought in, and closed."""

    def stamp(self, key: str) -> str:
        """What is another text as soon as the object is another one."""

    def delete(self, key: str) -> bool:
        """Remove the object; False when there was none."""

    def keys(self, under: str = "") -> Iterator[str]:
        """Every object's key, or those of one folder."""

    def sweep(self) -> int:
        """Remove what crashed writers left unfinished, and say how many. Only while nobody writes."""


def open_store(settings: Settings, environment: Mapping[str, str] = os.environ) -> Store:
    """The store that the settings name; nothing is asked of it yet.

    Raises ValueError for a bucket or a key that cannot be used, with what to do.
    """
    store: Store = FolderStore(settings.recordings_folder)
    if settings.recordings_bucket:
        from server.storage.s3_store import S3Store, bucket_of

        bucket = bucket_of(settings.recordings_bucket, {**_credentials(settings.root), **environment})
        store = S3Store(bucket, settings.recordings_bucket, settings.root / SPOOL)
    if settings.recordings_key:
        from server.storage.encrypted_store import EncryptedStore, master_key

        store = EncryptedStore(store, master_key(settings.recordings_key))
    return store


def _credentials(home: Path) -> dict[str, str]:
    try:
        lines = (home / CREDENTIALS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}
