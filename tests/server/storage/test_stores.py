"""Folder and bucket, in the clear and encrypted: one law, and what each does when it cannot keep it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.config import Settings
from server.storage.encrypted_store import CHUNK, EncryptedStore, EncryptionKeyError, master_key
from server.storage.recording_store import FolderStore, ObjectError, StoreAway
from server.storage.s3_store import S3Store, Taken
from server.storage.stores import Store, open_store
from tests.s3_server import BUCKET, S3Server, s3_server

KEY = "2027/01/15/1.wav"
MASTER = bytes(range(32))
SIZES = [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture(params=["folder", "bucket", "encrypted folder", "encrypted bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Each kind, as the settings name it."""
    wanted = Settings(home=tmp_path)
    environment: dict[str, str] = {}
    if "bucket" in request.param:
        environment = request.getfixturevalue("s3").environment
        wanted = Settings(home=tmp_path, recordings=f"s3://{BUCKET}/{tmp_path.name}")
    if "encrypted" in request.param:
        key = tmp_path / "key"
        key.write_text(MASTER.hex())
        wanted = Settings(home=tmp_path, recordings=wanted.recordings, recordings_key=str(key))
    return open_store(wanted, environment)


def put(store: Store, data: bytes, key: str = KEY) -> None:
    with store.writing(key) as file:
        for begin in range(0, len(data), 70_000):
            file.write(data[begin : begin + 70_000])


def content(store: Store, key: str = KEY) -> bytes:
    with store.open(key) as file:
        return file.read()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read_whole_and_from_any_place(store: Store, size: int) -> None:
    data = os.urandom(size)
    put(store, data)
    assert content(store) == data
    with store.open(KEY) as file:
        assert file.seek(0, os.SEEK_END) == size
        for at in (0, size // 2, max(0, size - 1), CHUNK, size + 5):
            file.seek(at)
            assert file.read(100) == data[at : at + 100]
            assert file.tell() == max(at, min(size, at + 100))


def test_what_is_not_there_is_named_and_no_key_leads_out(store: Store) -> None:
    for asking in (store.open, store.stamp):
        with pytest.raises(ObjectError, match=r"2027/01/15/2\.wav is not in the store"):
            asking("2027/01/15/2.wav")
    with pytest.raises(ObjectError, match="is not a key"):
        store.open("../x")


def test_after_an_error_in_the_middle_there_is_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing(KEY) as file:
            file.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert list(store.keys()) == []
    assert store.sweep() == 0


def test_keys_are_listed_by_folder_and_removed_one_by_one(store: Store) -> None:
    for key in (KEY, "2027/01/15/10.wav", "2027/01/16/2.wav"):
        put(store, b"sound", key)
    assert set(store.keys("2027/01/15")) == {KEY, "2027/01/15/10.wav"}
    assert (store.delete(KEY), store.delete(KEY)) == (True, False)
    assert set(store.keys()) == {"2027/01/15/10.wav", "2027/01/16/2.wav"}


def test_a_stamp_is_another_one_for_another_content(store: Store) -> None:
    put(store, b"sound")
    before = store.stamp(KEY)
    assert store.stamp(KEY) == before
    store.delete(KEY)
    put(store, b"sou--")
    assert store.stamp(KEY) != before


def test_a_bucket_takes_the_same_upload_again_and_overwrites_nothing(s3: S3Server, tmp_path: Path) -> None:
    for key_file in ("", str(tmp_path / "key")):
        (tmp_path / "key").write_text(MASTER.hex())
        settings = Settings(home=tmp_path, recordings=f"s3://{BUCKET}/again{len(key_file)}", recordings_key=key_file)
        store = open_store(settings, s3.environment)
        for _ in range(2):
            put(store, b"sound" * 50_000)
        with pytest.raises(Taken, match=r"another object stands at 2027/01/15/1\.wav"):
            put(store, b"other")
        assert content(store) == b"sound" * 50_000
        assert not list((tmp_path / "spool" / "recordings").iterdir())


class CutOff(threading.Thread):
    """Hands a connection's bytes on to a server, and kills the server after so many of them."""

    def __init__(self, server: S3Server, after: int) -> None:
        super().__init__(daemon=True)
        self._server, self._after, self.passed = server, after, 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client:
                try:
                    with socket.create_connection(("127.0.0.1", self._server.port)) as server:
                        while data := client.recv(16_384):
                            server.sendall(data)
                            self.passed += len(data)
                            if self.passed > self._after:
                                self._server.kill()
                                break
                except OSError:
                    pass

    def close(self) -> None:
        self._listening.close()


@pytest.mark.thorough
def test_a_server_that_is_killed_in_the_middle_of_an_upload_has_nothing_and_gets_it_later(tmp_path: Path) -> None:
    sound = os.urandom(3_000_000)
    with s3_server() as server:
        between = CutOff(server, after=500_000)
        between.start()
        settings = Settings(home=tmp_path, recordings=f"s3://{BUCKET}/hotline")
        through = {**server.environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{between.port}"}
        store = open_store(settings, through)
        with pytest.raises(StoreAway, match=r"does not take 2027/01/15/1\.wav"):
            put(store, sound)
        assert between.passed > 500_000
        between.close()
        with pytest.raises(StoreAway):
            store.open(KEY)
        server.start()
        store = open_store(settings, server.environment)
        assert list(store.keys()) == []
        put(store, sound)
        assert content(store) == sound


def test_what_a_bucket_does_not_give_back_as_it_was_is_not_kept(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(Settings(home=tmp_path, recordings=f"s3://{BUCKET}/lying"), s3.environment)
    assert isinstance(store, S3Store)
    monkeypatch.setattr(store, "_digest", lambda key: "0" * 64)
    with pytest.raises(OSError, match=r"gave back 2027/01/15/1\.wav with another SHA-256"):
        put(store, b"sound")
    assert list(store.keys()) == []


def test_a_bucket_has_its_keys_from_a_file_of_the_home_too(s3: S3Server, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    lines = [f"{name}={value}" for name, value in s3.environment.items()]
    (tmp_path / "secrets" / "s3").write_text("# the bucket\n" + "\n".join(lines))
    put(open_store(Settings(home=tmp_path, recordings=f"s3://{BUCKET}/file"), {}), b"sound")


# Encryption


@pytest.fixture
def encrypted(tmp_path: Path) -> EncryptedStore:
    return EncryptedStore(FolderStore(tmp_path), MASTER)


@pytest.mark.parametrize("at", [25, 40, CHUNK, CHUNK + 60, 2 * CHUNK + 60])
def test_a_byte_that_was_changed_is_found(encrypted: EncryptedStore, tmp_path: Path, at: int) -> None:
    data = bytes(2 * CHUNK + 100)
    put(encrypted, data)
    file = tmp_path / KEY
    sealed = bytearray(file.read_bytes())
    assert data[:1000] not in sealed
    sealed[at] ^= 1
    file.write_bytes(sealed)
    with pytest.raises(OSError, match="was changed, or is not of this key"):
        content(encrypted)


def test_chunks_cannot_be_left_out_and_files_not_exchanged(encrypted: EncryptedStore, tmp_path: Path) -> None:
    put(encrypted, bytes(3 * CHUNK))
    put(encrypted, bytes(3 * CHUNK), "2027/01/15/2.wav")
    first, second = tmp_path / KEY, tmp_path / "2027/01/15/2.wav"
    sealed = first.read_bytes()
    for spoiled in (sealed[: -CHUNK - 16], sealed[:35] + sealed[35 + CHUNK + 16 :], second.read_bytes(), sealed[:40]):
        first.write_bytes(spoiled)
        with pytest.raises(OSError, match="was changed"):
            content(encrypted)


def test_files_of_before_encryption_are_read_as_they_are(encrypted: EncryptedStore, tmp_path: Path) -> None:
    put(FolderStore(tmp_path), b"RIFF in the clear")
    assert content(encrypted) == b"RIFF in the clear"


def test_the_key_comes_from_a_file_or_a_command_and_has_its_length(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(MASTER.hex() + "\n")
    assert master_key(str(file)) == MASTER
    assert master_key(f"command:cat {file}") == MASTER
    file.write_text("c2hvcnQ=")
    with pytest.raises(EncryptionKeyError, match="32 bytes in hexadecimal or base64"):
        master_key(str(file))
    for source in (str(tmp_path / "none"), "command:false"):
        with pytest.raises(EncryptionKeyError, match="cannot be had from"):
            master_key(source)
