"""Law: an object is in the bucket when its bytes were read back and are the ones that were written, and not before.

Until then the file stands in the spool, so that a bucket that is away, slow or full loses nothing: the writer is told
by an OSError, and writes again later. Objects are created and never overwritten.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store as Bucket

from server.storage.recording_store import ObjectError, StoreAway, checked_key

_BLOCK = 1 << 20
_UNFINISHED = "upload-"
DEADLINE = timedelta(seconds=30)
"""How long one request may take; the writer then tries again later."""


class Taken(OSError):
    """Another object stands at the key."""


class S3Store:
    """Objects in an S3-compatible bucket, under a prefix. `spool` is a folder of this machine."""

    def __init__(self, bucket: Bucket, name: str, spool: Path) -> None:
        self._bucket, self.name, self._spool = bucket, name, spool

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A file to be written from its start. When the block ends well it is in the bucket, and was read back.

        Raises OSError while the bucket or the spool cannot take it, `Taken` when another object stands at the key.
        """
        checked_key(key)
        self._spool.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=self._spool)
        spooled = Path(name)
        try:
            with os.fdopen(handle, "wb", buffering=_BLOCK) as file:
                yield file
            self._upload(key, spooled)
        finally:
            spooled.unlink(missing_ok=True)

    def _upload(self, key: str, file: Path) -> None:
        with file.open("rb") as source:
            wanted = hashlib.file_digest(source, "sha256").hexdigest()
        try:
            obstore.put(self._bucket, key, file, mode="create", use_multipart=False)
        except AlreadyExistsError:
            # A crash between the upload and the log's entry is followed by the same upload.
            if self._digest(key) == wanted:
                return
            raise Taken(f"another object stands at {key} of {self.name}") from None
        except (BaseError, OSError) as error:
            raise StoreAway(f"{self.name} does not take {key}: {_said(error)}") from None
        if (found := self._digest(key)) != wanted:
            self.delete(key)
            raise OSError(f"{self.name} gave back {key} with another SHA-256 ({found}) than was written")

    def _digest(self, key: str) -> str:
        digest = hashlib.sha256()
        try:
            with self.open(key) as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except ObjectError as error:
            raise StoreAway(str(error)) from None
        return digest.hexdigest()

    def open(self, key: str) -> BinaryIO:
        """The object, to be read and closed; it can be sought in. Raises ObjectError when it is not there, OSError
        while the bucket does not answer."""
        size = int(self._head(key)["size"])
        return io.BufferedReader(_Object(self._bucket, self.name, key, size), _BLOCK)

    def stamp(self, key: str) -> str:
        """What is another text as soon as the object is another one. Raises as `open`."""
        head = self._head(key)
        return f"{head.get('e_tag')}-{head['size']}-{head.get('last_modified')}"

    def _head(self, key: str) -> Mapping[str, Any]:
        checked_key(key)
        try:
            found: Mapping[str, Any] = obstore.head(self._bucket, key)
        except (NotFoundError, FileNotFoundError):
            raise ObjectError(f"{key} is not in the store {self.name}") from None
        except (BaseError, OSError) as error:
            raise StoreAway(f"{self.name} does not answer: {_said(error)}") from None
        return found

    def delete(self, key: str) -> bool:
        """Remove the object; False when there was none."""
        try:
            self._head(key)
        except ObjectError:
            return False
        try:
            obstore.delete(self._bucket, key)
        except (BaseError, OSError) as error:
            raise StoreAway(f"{self.name} does not delete {key}: {_said(error)}") from None
        return True

    def keys(self, under: str = "") -> Iterator[str]:
        """Every object's key, or those of one folder such as `2027/01/15`, in the bucket's order."""
        try:
            for batch in obstore.list(self._bucket, prefix=under or None):
                yield from (str(each["path"]) for each in batch)
        except (BaseError, OSError) as error:
            raise StoreAway(f"{self.name} cannot be listed: {_said(error)}") from None

    def sweep(self) -> int:
        """Remove what uploads that crashed left in the spool, and say how many. Only while nobody writes."""
        left = list(self._spool.glob(f"{_UNFINISHED}*")) if self._spool.exists() else []
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class _Object(io.RawIOBase):
    """One object as a file: each read is a request for that range."""

    def __init__(self, bucket: Bucket, name: str, key: str, size: int) -> None:
        self._bucket, self._name, self._key, self._size, self._at = bucket, name, key, size, 0

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
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        try:
            found = obstore.get_range(self._bucket, self._key, start=self._at, length=wanted)
        except (BaseError, OSError) as error:
            raise StoreAway(f"{self._name} does not give {self._key}: {_said(error)}") from None
        data = memoryview(found)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def bucket_of(url: str, environment: Mapping[str, str]) -> Bucket:
    """The bucket that `s3://bucket/prefix` names, with AWS's usual variables (`AWS_ENDPOINT_URL_S3` before
    `AWS_ENDPOINT_URL`). Raises ValueError for another URL."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"{url} is no bucket: write s3://bucket/prefix")
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    given = {
        "endpoint": endpoint,
        "access_key_id": environment.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": environment.get("AWS_SECRET_ACCESS_KEY"),
        "session_token": environment.get("AWS_SESSION_TOKEN"),
        "region": environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1",
    }
    return Bucket(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        **{name: value for name, value in given.items() if value},  # type: ignore[arg-type]
        client_options={
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
            "timeout": DEADLINE,
            "connect_timeout": timedelta(seconds=5),
        },
        retry_config={"max_retries": 2, "retry_timeout": DEADLINE},
    )


def _said(error: BaseException) -> str:
    """The first line of what the client says; it may fill a page."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
