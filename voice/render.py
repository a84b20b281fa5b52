"""Makes stale prompts new again, and listens to them: each file is written whole, and its record only after it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ivr.manifest import Manifest, PromptFile
from voice import examples, hearing, mastering, prompt_store
from voice.environment import Kit, KitError, Report

HERE = Path(__file__).parent


def render(lines: Sequence[PromptFile], folder: Path, get_kit: Callable[[], Kit], report: Report) -> None:
    """Render `lines` into the prompts folder. A prompt that was finished is kept and recorded, even if the rest fails.

    The kit is asked for only when there is something to say. KitError when the voice fails.
    """
    names = {line.name for line in prompt_store.load_manifest(folder).files()}
    record = {name: entry for name, entry in prompt_store.load_record(folder).items() if name in names}
    spoken = [line for line in lines if not line.silence]
    try:
        for line in lines:
            if line.silence:
                record[line.name] = store(line, mastering.silence(line.silence), folder)
        for count, (line, pcm) in enumerate(speak(get_kit(), spoken) if spoken else (), 1):
            record[line.name] = store(line, pcm, folder)
            report(f"{count}/{len(spoken)} {line.name} {len(pcm) / mastering.RATE:.1f} s: {line.text}")
    finally:
        prompt_store.save_record(record, folder)


def listen(folder: Path, get_kit: Callable[[], Kit], report: Report) -> list[str]:
    """Listen to every prompt that nobody listened to yet; a sentence for each that is hard to understand.

    Pieces are left out (see `listen_to_pieces`): alone, a syllable says too little to be recognised by anyone.
    """
    manifest, record = prompt_store.load_manifest(folder), prompt_store.load_record(folder)
    lines = [line for line in manifest.files() if not line.tight and not line.silence and line.name in record]
    new = [line for line in lines if "error_rate" not in record[line.name]]
    jobs = [{"file": str(folder / line.name), "language": line.language, "text": line.text} for line in new]
    answers = transcribe(get_kit(), manifest, jobs) if new else iter(())
    for line, (rate, heard) in zip(new, answers, strict=True):
        record[line.name] |= {"error_rate": round(rate, 3), "heard": heard}
        report(f"{rate:6.1%} {line.name}: {heard}")
    prompt_store.save_record(record, folder)
    return [
        f"prompt {line.name} is hard to understand, {entry['error_rate']:.0%} is lost: {entry['heard']}"
        for line in lines
        if not hearing.understood(line.text, line.language, (entry := record[line.name])["error_rate"])
    ]


def listen_to_pieces(folder: Path, get_kit: Callable[[], Kit], report: Report) -> list[str]:
    """Listen to the examples that are put together from pieces; a sentence for each of which too much is lost.

    What a listener makes up is not counted: without a sentence around it, it takes a pause for more than it is.
    """
    manifest = prompt_store.load_manifest(folder)
    with tempfile.TemporaryDirectory() as scratch:
        jobs = []
        for language in manifest.languages:
            for number, pieces in enumerate(examples.examples(language)):
                path = Path(scratch) / f"{language}-{number}.wav"
                path.write_bytes(examples.joined(pieces, language, folder))
                text = examples.text(manifest, pieces, language)
                jobs.append({"file": str(path), "language": language, "text": text})
        findings = []
        answers = transcribe(get_kit(), manifest, jobs, hearing.lost)
        for job, (rate, heard) in zip(jobs, answers, strict=True):
            report(f"{rate:6.1%} {job['text']}: {heard}")
            if rate > hearing.PIECES_LIMIT:
                findings.append(f"pieces are hard to understand in {job['text']!r}, {rate:.0%} is lost: {heard}")
    return findings


def speak(kit: Kit, lines: Sequence[PromptFile]) -> Iterator[tuple[PromptFile, mastering.Pcm]]:
    """Each line with its sound, as it is finished."""
    jobs = [
        {
            "name": line.name,
            "text": line.text,
            "language": line.language,
            "voice": line.voice.name,
            "speed": line.speed,
            "readings": line.readings,
            "pause": line.voice.pause,
            "cut": line.cut,
        }
        for line in lines
    ]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for number in _inside(kit, "speaker.py", kit.model, kit.vocabulary, kit.voices, _written(jobs, out), out):
            line = lines[int(number)]
            speech = np.fromfile(out / f"{int(number)}.f32", "<f4").astype(np.float64)
            yield line, mastering.master(speech, edges(line))


def transcribe(
    kit: Kit, manifest: Manifest, jobs: Sequence[dict[str, str]], measure: hearing.Measure = hearing.distance
) -> Iterator[tuple[float, str]]:
    """Error rate and what was heard for each {"file", "language", "text"}, in order."""
    with tempfile.TemporaryDirectory() as folder:
        answers = map(json.loads, _inside(kit, "listener.py", kit.ear, _written(jobs, Path(folder))))
        for job, answer in zip(jobs, answers, strict=True):
            heard = answer["heard"]
            rate = hearing.error_rate(manifest, job["language"], job["text"], heard, answer["sounds"], measure)
            yield rate, heard


def store(line: PromptFile, pcm: mastering.Pcm, folder: Path) -> dict[str, Any]:
    """Write the file; its entry for the record."""
    data = mastering.wav(pcm)
    path = folder / line.name
    path.parent.mkdir(exist_ok=True)
    half_done = path.with_suffix(".part")
    half_done.write_bytes(data)
    half_done.replace(path)
    seconds = round(len(pcm) / mastering.RATE, 3)
    entry: dict[str, Any] = {"digest": line.digest, "sha256": hashlib.sha256(data).hexdigest(), "seconds": seconds}
    if not line.silence:
        sound = mastering.from_pcm(pcm)
        entry["level"] = round(mastering.speech_level(sound), 1)
        entry["peak"] = round(mastering.peak_level(sound), 1)
    return entry


def edges(line: PromptFile) -> mastering.Edges:
    """The silence at a line's ends."""
    if line.cut:
        return mastering.SYLLABLE
    return mastering.PIECE if line.tight else mastering.SENTENCE


def _written(jobs: Sequence[dict[str, Any]], folder: Path) -> Path:
    path = folder / "jobs.json"
    path.write_text(json.dumps(jobs), "utf-8")
    return path


def _inside(kit: Kit, script: str, *arguments: Path) -> Iterator[str]:
    """Run one of the kit's scripts and hand on its lines. KitError with its last words when it fails."""
    with tempfile.TemporaryFile("w+") as complaints:
        command = [kit.python, HERE / script, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as process:
            assert process.stdout is not None
            yield from process.stdout
        if process.returncode:
            complaints.seek(0)
            last = complaints.read().strip().splitlines()[-1:] or ["it gave no reason"]
            raise KitError(f"{script} failed: {last[0]}")
