"""Law: a program the server needs is either installed well enough, or laid out in a private prefix, once, without root.

`provision(part, cache, report)` answers with a `Tool` that knows how to start the part's programs. A stamp with the
digest of the recipe makes the second time a matter of milliseconds and needs no network. Before any environment exists:

    python3 -m provision [--cache DIR] [--private] asterisk redis-server …

Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from provision.packages import (
    KEYRING_PACKAGE,
    NEWER_SUITES,
    Archive,
    Host,
    Progress,
    ProvisionError,
    Source,
    UnfitError,
    UnknownKeyError,
    find_keyring,
    machine_sources,
    other_suite,
    own_suite,
    read_host,
    unpack,
)
from provision.parts import PARTS, SYSTEM, Part
from provision.prefix import RUBBISH, Tool, ask_version, first_folder, lacking, make_prefix, read_version, tool_in

__all__ = ["PARTS", "Console", "ProvisionError", "Tool", "default_cache", "provision"]

Report = Callable[[str], None]
"""Takes one line about what is going on; a line that ends in ` %` is a stage on the way."""

ADDED = frozenset({"direct", "libraries"})
"""Fields of a recipe that came later: a part that does not use them is not made anew."""

ROOT = Path(__file__).resolve().parents[1]
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def default_cache() -> Path:
    """`$SANSHENG_CACHE`, else `.cache` in the tree."""
    return Path(os.environ.get("SANSHENG_CACHE") or ROOT / ".cache").expanduser().absolute()


def provision(part: str, cache: Path, report: Report, *, installed: bool = True) -> Tool:
    """Make `part` ready and say how to start it; with `installed=False` always from a private prefix.

    Raises ProvisionError with a sentence that says what to do.
    """
    if part not in PARTS:
        raise ProvisionError(f"there is no part {part}: there are {', '.join(PARTS)}")
    recipe = PARTS[part]
    tool = (find_installed(recipe) if installed else None) or find_provisioned(recipe, cache)
    if tool:
        return tool
    folder = cache / "debian"
    with exclusive(folder, report):
        return find_provisioned(recipe, cache) or build(recipe, folder, report)


def find_installed(part: Part) -> Tool | None:
    """The machine's own programs, if they are all there and new enough."""
    if not part.programs:
        return None
    folders = [str(folder) for pattern in part.folders for folder in sorted(Path("/").glob(pattern), reverse=True)]
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS, *folders))
    programs = {name: Path(found) for name in part.programs if (found := shutil.which(name, path=path))}
    if len(programs) < len(part.programs):
        return None
    version = ask_version([str(programs[part.programs[0]]), part.version_option])
    modules, data = first_folder(Path("/"), part.modules), first_folder(Path("/"), part.data)
    if version < part.least or (part.modules and (modules is None or lacking(part, modules))):
        return None
    return Tool(part.name, ".".join(map(str, version)), None, programs, modules=modules, data=data)


def digest_of(part: Part) -> str:
    """Changes with the recipe and the architecture: what another recipe made is made anew."""
    recipe = {name: value for name, value in asdict(part).items() if value or name not in ADDED}
    return hashlib.sha256(json.dumps([recipe, os.uname().machine], sort_keys=True).encode()).hexdigest()


def stamp_of(part: Part, folder: Path) -> Path:
    """Where it is written down what was made."""
    return folder / f"{part.name}-{os.uname().machine}.json"


def find_provisioned(part: Part, cache: Path) -> Tool | None:
    """What an earlier run made by this very recipe."""
    folder = cache / "debian"
    try:
        stamp = json.loads(stamp_of(part, folder).read_text())
        prefix = folder / stamp["prefix"]
        if stamp["digest"] == digest_of(part) and prefix.is_dir():
            return tool_in(part, prefix, stamp["version"])
    except (OSError, ValueError, KeyError, UnfitError):
        pass
    return None


@contextlib.contextmanager
def exclusive(folder: Path, report: Report) -> Iterator[None]:
    """One run at a time makes prefixes in `folder`; the others wait, and then find them made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        advice = "set SANSHENG_CACHE to a folder of yours"
        raise ProvisionError(f"{folder} cannot be written ({error.strerror}): {advice}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another run that is setting up")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for rest in folder.glob("making-*"):
            shutil.rmtree(rest, ignore_errors=True)
        yield


def build(part: Part, folder: Path, report: Report) -> Tool:
    """Make the part from the first suite that has it and with which it runs; the caller holds the lock."""
    free = shutil.disk_usage(folder).free >> 20
    if free < part.megabytes:
        raise ProvisionError(f"{part.name} needs {part.megabytes} MB in {folder}, where {free} MB are free: make room")

    def progress(what: str, percent: float) -> None:
        report(f"{part.name}: {what} {percent:.0f} %")

    failure = ProvisionError(
        f"no suite of this machine's mirror has {part.name} ≥ {'.'.join(map(str, part.least))}: install it yourself"
    )
    for archive, version in suites_with(part, read_host(), folder, progress):
        for without in (part.without, SYSTEM):
            try:
                tool, packages = lay_out(part, archive, version, without, folder, progress)
            except UnfitError as error:
                report(f"{part.name}: {archive.suite} will not do as it is: {error}")
                failure = error
                continue
            write_stamp(part, folder, tool, archive.suite, packages)
            report(f"{part.name}: {tool.version} from {archive.suite} is ready")
            return tool
    raise failure


def suites_with(part: Part, host: Host, folder: Path, progress: Progress) -> Iterator[tuple[Archive, str]]:
    """Suites whose version suffices: the machine's own, then newer ones on the same mirrors."""
    sources = own_suite(host, machine_sources())
    own = Archive(folder / f"apt-{host.codename}", host.codename, sources, host.architecture)
    own.update(progress)
    version = own.version(part.packages[0])
    if read_version(version) >= part.least:
        yield own, version
    failure: ProvisionError | None = None
    for suite in NEWER_SUITES[host.distribution]:
        for source in other_suite(host, suite, sources, find_keyring(host)):
            archive = Archive(folder / f"apt-{suite}", suite, [source], host.architecture)
            try:
                update_newer(archive, source, host, own, progress)
            except ProvisionError as error:
                failure = failure or error
                continue
            version = archive.version(part.packages[0])
            if read_version(version) >= part.least:
                failure = None
                yield archive, version
    if failure:
        raise failure


def update_newer(archive: Archive, source: Source, host: Host, own: Archive, progress: Progress) -> None:
    """Fetch a newer suite's index; if its key is newer than the machine, get that key from the machine's own suite."""
    try:
        archive.update(progress)
    except UnknownKeyError:
        package = KEYRING_PACKAGE[host.distribution]
        files = [path for path in own.download([package], SYSTEM, progress) if path.name.startswith(f"{package}_")]
        root = archive.home / "keys"
        shutil.rmtree(root, ignore_errors=True)
        unpack(files, root, RUBBISH)
        archive.sources = [replace(source, signed_by=find_keyring(host, root))]
        archive.update(progress)


def lay_out(
    part: Part, archive: Archive, version: str, without: tuple[str, ...], folder: Path, progress: Progress
) -> tuple[Tool, list[Path]]:
    """Download the closure less `without`, and make the prefix from it."""
    try:
        packages = archive.download(part.packages, without, progress)
    except UnfitError:
        raise
    except ProvisionError:
        # The index may be older than what the mirror still holds.
        archive.update(progress, force=True)
        packages = archive.download(part.packages, without, progress)
    name = f"{part.packages[0]}-{re.sub(r'^[0-9]+:', '', version)}-{digest_of(part)[:8]}"
    number = ".".join(map(str, read_version(version)))
    return make_prefix(part, packages, number, folder / name), packages


def write_stamp(part: Part, folder: Path, tool: Tool, suite: str, packages: list[Path]) -> None:
    """Note what was made; the next run looks no further."""
    assert tool.prefix is not None
    fields = {"digest": digest_of(part), "prefix": tool.prefix.name, "version": tool.version, "suite": suite}
    stamp = stamp_of(part, folder)
    scratch = stamp.with_suffix(".new")
    scratch.write_text(json.dumps({**fields, "packages": [path.name for path in packages]}, indent=1) + "\n")
    scratch.replace(stamp)


class Console:
    """Reports on standard error: one line that changes on a terminal, plain lines at every quarter otherwise."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.last = ""

    def __call__(self, line: str) -> None:
        # Where standard error is a file on a full disk, nobody stops for want of a line.
        with contextlib.suppress(OSError):
            self._write(line)

    def _write(self, line: str) -> None:
        passing = line.endswith(" %")
        if self.live:
            sys.stderr.write(f"\r\033[K{line}" + ("" if passing else "\n"))
        else:
            line = re.sub(r"(\d+) %$", lambda found: f"{int(found[1]) // 25 * 25} %", line)
            if line != self.last:
                sys.stderr.write(f"{line}\n")
            self.last = line
        sys.stderr.flush()


def main() -> int:
    """Provision the named parts; 1 and one sentence on stderr when that fails."""
    parser = argparse.ArgumentParser(prog="python3 -m provision", description="Make programs ready without root.")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where prefixes and downloads are kept")
    parser.add_argument("--private", action="store_true", help="do not use what is installed on the machine")
    parser.add_argument("parts", nargs="+", choices=sorted(PARTS), metavar="part", help=", ".join(PARTS))
    options = parser.parse_args()
    try:
        for part in options.parts:
            provision(part, options.cache.absolute(), Console(), installed=not options.private)
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped: what is downloaded stays, the next run goes on from there\n")
        return 130
    return 0
