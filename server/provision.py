"""Law: a program the server needs is either installed well enough, or laid out in a private prefix, once, without root.

`provision(part, cache, report)` answers with a `Tool` that knows how to start the part's programs. A prefix holds the program, its
libraries and its own loader, so it runs on any machine of the architecture and can be moved. It is made beside its final place
and renamed there; a stamp with the digest of the recipe makes the second time a matter of milliseconds and needs no network.

    python3 -m server.provision [--cache DIR] asterisk redis-server …

Standard library only: this runs before any environment exists.
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
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from server.packages import (
    KEYRING_PACKAGE,
    NEWER_SUITES,
    Archive,
    Host,
    ProvisionError,
    find_keyring,
    machine_sources,
    other_suite,
    own_suite,
    read_host,
    unpack,
)

Report = Callable[[str], None]

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
RUBBISH = (
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./usr/share/info/*",
    "./usr/share/lintian/*",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A recipe: which packages give which programs, from which version on, and what of them is not needed."""

    name: str
    least: tuple[int, ...]
    """The lowest version that suffices."""
    packages: tuple[str, ...]
    """The first one's version is the part's."""
    programs: tuple[str, ...]
    """The first one is asked for its version."""
    version_option: str = "--version"
    without: tuple[str, ...] = ()
    """Packages (patterns) of the closure that are left out. A denylist: what is new in a suite comes along."""
    excludes: tuple[str, ...] = ()
    """Files (tar patterns) left out of the prefix."""
    folders: tuple[str, ...] = ()
    """Where the system keeps the programs besides PATH (patterns)."""
    wrapped: tuple[str, ...] = ()
    """Programs that other programs of the part start by path."""
    modules: tuple[str, ...] = ()
    """Where loadable modules are (patterns); those whose libraries were left out are dropped."""
    needs: tuple[str, ...] = ()
    """Modules without which the part is of no use."""
    data: tuple[str, ...] = ()
    """Where data files are (the first that exists)."""
    megabytes: int = 100
    """Room needed on the disk while it is made."""


SYSTEM_PACKAGES = ("adduser", "debconf", "debconf-2.0", "init-system-helpers", "lsb-base", "sysvinit-utils", "tzdata")

ASTERISK_MODULES = (
    "app_dial app_mixmonitor app_playback app_record app_stack app_exec app_chanspy bridge_simple bridge_softmix chan_pjsip "
    "codec_alaw codec_ulaw codec_gsm format_gsm format_pcm format_wav func_callerid func_channel func_groupcount pbx_config "
    "res_agi res_http_websocket res_musiconhold res_pjproject res_pjsip res_pjsip_session res_pjsip_transport_websocket "
    "res_rtp_asterisk res_sorcery_config res_srtp"
)

PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part(
            name="asterisk",
            least=(20,),
            packages=("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm"),
            programs=("asterisk",),
            version_option="-V",
            without=(
                *SYSTEM_PACKAGES,
                *(
                    "asterisk-config",
                    "libcodec2-*",
                    "libcurl*",
                    "libglib2.0-*",
                    "libgmime-*",
                    "libical3*",
                    "libiksemel*",
                ),
                *("libjack*", "libjwt*", "libldap*", "liblua*", "libneon*", "libodbc*", "libogg*", "libopencore-*"),
                *(
                    "libopus*",
                    "libportaudio*",
                    "libpq*",
                    "libradcli*",
                    "libsnmp*",
                    "libspandsp*",
                    "libspeex*",
                    "libsybdb*",
                ),
                *("libunbound*", "libvo-amrwbenc*", "libvorbis*", "openssl-provider-legacy"),
            ),
            excludes=("./etc/*", "./usr/share/asterisk/phoneprov/*", "./usr/share/bug/*"),
            modules=("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules"),
            needs=tuple(f"{name}.so" for name in ASTERISK_MODULES.split()),
            data=("usr/share/asterisk", "var/lib/asterisk"),
            megabytes=300,
        ),
        Part(
            name="redis-server",
            least=(7,),
            packages=("redis-server", "redis-tools"),
            programs=("redis-server", "redis-cli"),
            without=SYSTEM_PACKAGES,
        ),
        Part(
            name="sip-tester",
            least=(3, 6),
            packages=("sip-tester",),
            programs=("sipp",),
            version_option="-v",
            without=SYSTEM_PACKAGES,
            data=("usr/share/sip-tester",),
        ),
        Part(
            name="postgresql",
            least=(15,),
            packages=("postgresql",),
            programs=("postgres", "initdb", "pg_ctl", "psql", "pg_dump"),
            without=(
                *SYSTEM_PACKAGES,
                *(
                    "postgresql-common*",
                    "postgresql-client-common",
                    "ssl-cert",
                    "libllvm*",
                    "perl*",
                    "libperl*",
                    "netbase",
                ),
                *(
                    "locales*",
                    "ucf",
                    "sensible-utils",
                    "logrotate",
                    "libjson-perl",
                    "libio-pty-perl",
                    "libipc-run-perl",
                ),
            ),
            excludes=("./usr/lib/postgresql/*/lib/bitcode/*", "./usr/lib/postgresql/*/lib/llvmjit*"),
            folders=("usr/lib/postgresql/*/bin",),
            wrapped=("postgres",),
            megabytes=300,
        ),
        Part(
            name="python3-pip-whl",
            least=(22,),
            packages=("python3-pip-whl",),
            programs=(),
            without=("*[!l]",),
            data=("usr/share/python-wheels",),
            megabytes=20,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A part that can be started: from the machine (`prefix` is None) or from a private prefix."""

    part: str
    version: str
    prefix: Path | None
    programs: dict[str, Path]
    loader: tuple[str, ...] = ()
    """The prefix's own loader with its options, up to the program."""
    env: dict[str, str] = field(default_factory=dict)
    modules: Path | None = None
    data: Path | None = None

    def argv(self, program: str, *args: object) -> list[str]:
        """The full command line for one of the part's programs."""
        if program not in self.programs:
            raise ProvisionError(f"{self.part} has no program {program}: it has {', '.join(sorted(self.programs))}")
        path = self.programs[program]
        rest = [str(arg) for arg in args]
        if not self.loader:
            return [str(path), *rest]
        binary = path.with_name(path.name + ".real")
        return [
            self.loader[0], "--argv0", str(path), *self.loader[1:], str(binary if binary.exists() else path), *rest
        ]  # fmt: skip


def default_cache() -> Path:
    """`$SANSHENG_CACHE`, else `.cache` in the tree."""
    return Path(os.environ.get("SANSHENG_CACHE") or ROOT / ".cache").expanduser().absolute()


def provision(part: str, cache: Path, report: Report, *, installed: bool = True) -> Tool:
    """Make `part` ready and say how to start it; with `installed=False` always in a private prefix.

    Raises ProvisionError with a sentence that says what to do.
    """
    if part not in PARTS:
        raise ProvisionError(f"there is no part {part}: there are {', '.join(PARTS)}")
    recipe = PARTS[part]
    tool = find_installed(recipe) if installed else None
    tool = tool or find_provisioned(recipe, cache)
    if tool:
        return tool
    with exclusive(cache / "debian", report):
        tool = find_provisioned(recipe, cache)
        return tool or build(recipe, cache / "debian", report)


def read_version(text: str) -> tuple[int, ...]:
    """The first dotted number in what a program says of itself, or in a package's version without its epoch."""
    found = re.search(r"(?<![\d:])(?:\d+:)?(\d+(?:\.\d+)*)", text)
    return tuple(int(number) for number in found[1].split(".")) if found else ()


def find_installed(recipe: Part) -> Tool | None:
    """The machine's own program if its version suffices."""
    if not recipe.programs:
        return None
    folders = [str(folder) for pattern in recipe.folders for folder in sorted(Path("/").glob(pattern), reverse=True)]
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS, *folders))
    programs = {name: Path(found) for name in recipe.programs if (found := shutil.which(name, path=path))}
    if len(programs) < len(recipe.programs):
        return None
    version = ask_version([str(programs[recipe.programs[0]]), recipe.version_option])
    modules = first(Path("/"), recipe.modules)
    if version < recipe.least or (recipe.modules and (modules is None or lacking(recipe, modules))):
        return None
    text = ".".join(map(str, version))
    return Tool(recipe.name, text, None, programs, modules=modules, data=first(Path("/"), recipe.data))


def ask_version(argv: Sequence[str]) -> tuple[int, ...]:
    """The version a program reports; empty when it cannot be run."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=30, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return read_version(done.stdout) if done.returncode in (0, 99) else ()  # sipp -v exits 99


def first(root: Path, patterns: Sequence[str]) -> Path | None:
    """The first folder below `root` that matches one of the patterns."""
    return next((path for pattern in patterns for path in sorted(root.glob(pattern)) if path.is_dir()), None)


def lacking(recipe: Part, modules: Path) -> list[str]:
    """Needed modules that are not there."""
    return [name for name in recipe.needs if not (modules / name).exists()]


# --- the stamp


def digest_of(recipe: Part) -> str:
    """Changes with the recipe and the architecture: what was made by another recipe is made anew."""
    return hashlib.sha256(json.dumps([asdict(recipe), os.uname().machine], sort_keys=True).encode()).hexdigest()


def stamp_of(recipe: Part, cache: Path) -> Path:
    return cache / "debian" / f"{recipe.name}-{os.uname().machine}.json"


def find_provisioned(recipe: Part, cache: Path) -> Tool | None:
    """What an earlier run laid out by this very recipe."""
    try:
        stamp = json.loads(stamp_of(recipe, cache).read_text())
        prefix = cache / "debian" / stamp["prefix"]
        if stamp["digest"] != digest_of(recipe) or not prefix.is_dir():
            return None
        return tool_in(recipe, prefix, stamp["version"])
    except (OSError, ValueError, KeyError):
        return None


def tool_in(recipe: Part, prefix: Path, version: str) -> Tool:
    """The tool in a prefix; the loader and its library folders are found, so any architecture and layout will do."""
    found = {}
    for name in recipe.programs:
        for pattern in ("usr/sbin", "usr/bin", *recipe.folders):
            found.update({name: path for folder in sorted(prefix.glob(pattern)) if (path := folder / name).exists()})
    loader: tuple[str, ...] = ()
    if recipe.programs:
        loaders = sorted(prefix.glob("usr/lib/*/ld-linux*.so.*"))
        lost = [name for name in recipe.programs if name not in found]
        if not loaders or lost:
            raise ProvisionError(f"{recipe.name}: the packages hold no {lost[0] if lost else 'loader'}")
        libraries = f"{loaders[0].parent}:{prefix / 'usr/lib'}"
        loader = (str(loaders[0]), "--inhibit-cache", "--library-path", libraries)
    modules, data = first(prefix, recipe.modules), first(prefix, recipe.data)
    return Tool(recipe.name, version, prefix, found, loader, modules=modules, data=data)


# --- making a prefix


@contextlib.contextmanager
def exclusive(folder: Path, report: Report) -> Iterator[None]:
    """Only one run at a time makes prefixes in `folder`; the others wait and then find them made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise ProvisionError(
            f"{folder} cannot be written ({error.strerror}): set SANSHENG_CACHE to a folder of yours"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another run that is setting up")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for rest in folder.glob("making-*"):
            shutil.rmtree(rest, ignore_errors=True)
        yield


def build(recipe: Part, folder: Path, report: Report) -> Tool:
    """Download, unpack, try and put in place; the caller holds the lock."""
    free = shutil.disk_usage(folder).free >> 20
    if free < recipe.megabytes:
        raise ProvisionError(f"{recipe.name} needs {recipe.megabytes} MB in {folder} and {free} MB are free: make room")
    host = read_host()

    def progress(what: str, percent: float) -> None:
        report(f"{recipe.name}: {what} {percent:.0f} %")

    archive, version = choose(recipe, host, folder, progress)
    try:
        return lay_out(recipe, archive, version, folder, report)
    except ProvisionError:
        if not recipe.without or not recipe.programs:
            raise
        report(f"{recipe.name}: {archive.suite} has changed, trying again with everything it asks for")
        return lay_out(recipe, archive, version, folder, report, sparing=False)


def choose(recipe: Part, host: Host, folder: Path, progress: Callable[[str, float], None]) -> tuple[Archive, str]:
    """The first suite whose version suffices: the machine's own, then newer ones of the same mirror."""
    own_sources = own_suite(host, machine_sources())
    own = Archive(folder / f"apt-{host.codename}", host.codename, own_sources, host.architecture)
    own.update(progress)
    version = own.version(recipe.packages[0])
    if read_version(version) >= recipe.least:
        return own, version
    failure: ProvisionError | None = None
    for suite in NEWER_SUITES[host.distribution]:
        for source in other_suite(host, suite, own_sources, find_keyring(host)):
            archive = Archive(folder / f"apt-{suite}", suite, [source], host.architecture)
            try:
                try:
                    archive.update(progress)
                except ProvisionError as error:
                    if "signature" not in str(error):
                        raise
                    keyring = newer_keyring(host, own, folder, progress)
                    archive = Archive(
                        archive.home, suite, other_suite(host, suite, [source], keyring), host.architecture
                    )
                    archive.update(progress)
            except ProvisionError as error:
                failure = error
                continue
            version = archive.version(recipe.packages[0])
            if read_version(version) >= recipe.least:
                return archive, version
    least = ".".join(map(str, recipe.least))
    raise failure or ProvisionError(
        f"no suite of this machine's mirror has {recipe.name} ≥ {least}: install it yourself"
    )


def newer_keyring(host: Host, own: Archive, folder: Path, progress: Callable[[str, float], None]) -> str:
    """The newest archive keys that the machine's own signed suite vouches for."""
    package = KEYRING_PACKAGE[host.distribution]
    files = [path for path in own.download([package], (), progress) if path.name.startswith(package)]
    root = folder / "keyring"
    shutil.rmtree(root, ignore_errors=True)
    unpack(files, root, RUBBISH)
    return find_keyring(host, root)


def lay_out(
    recipe: Part, archive: Archive, version: str, folder: Path, report: Report, *, sparing: bool = True
) -> Tool:
    """Make the prefix in a folder beside its place, see that it runs, rename it, and stamp it."""

    def progress(what: str, percent: float) -> None:
        report(f"{recipe.name}: {what} {percent:.0f} %")

    without = recipe.without if sparing else SYSTEM_PACKAGES
    try:
        files = archive.download(recipe.packages, without, progress)
    except ProvisionError:
        # The lists may be older than the mirror.
        archive.update(progress, force=True)
        files = archive.download(recipe.packages, without, progress)
    report(f"{recipe.name}: unpacking {len(files)} packages")
    making = Path(tempfile.mkdtemp(prefix="making-", dir=folder))
    making.chmod(0o755)
    unpack(files, making, (*RUBBISH, *recipe.excludes))
    number = ".".join(map(str, read_version(version)))
    finish(recipe, making, number)
    digest = digest_of(recipe)
    name = f"{recipe.packages[0]}-{re.sub(r'^[0-9]+:', '', version)}-{digest[:8]}"
    shutil.rmtree(folder / name, ignore_errors=True)
    making.rename(folder / name)
    stamp = stamp_of(recipe, folder.parent)
    fields = {"digest": digest, "prefix": name, "version": number, "suite": archive.suite}
    scratch = stamp.with_suffix(".new")
    scratch.write_text(json.dumps({**fields, "packages": [path.name for path in files]}, indent=1) + "\n")
    scratch.replace(stamp)
    report(f"{recipe.name}: {number} from {archive.suite} is ready")
    return tool_in(recipe, folder / name, number)


def finish(recipe: Part, prefix: Path, version: str) -> None:
    """Do what the packages' own scripts would do, drop what cannot load, and see that the program runs."""
    tool = tool_in(recipe, prefix, version)
    if tool.modules:
        for module in sorted(tool.modules.glob("*.so")):
            if "not found" in libraries_of(tool, module):
                module.unlink()
        lost = lacking(recipe, tool.modules)
        if lost:
            raise ProvisionError(f"{recipe.name}: {lost[0]} lacks a library")
    if tool.data and (sounds := sorted(tool.data.glob("sounds/en_*"))):
        (tool.data / "sounds/en").unlink(missing_ok=True)
        (tool.data / "sounds/en").symlink_to(sounds[0].name)
    for name in recipe.wrapped:
        wrap(tool, name)
    if recipe.programs and not ask_version(tool.argv(recipe.programs[0], recipe.version_option)):
        missing = re.search(r"(\S+) => not found", libraries_of(tool, tool.programs[recipe.programs[0]]))
        raise ProvisionError(f"{recipe.name} does not run" + (f": it lacks {missing[1]}" if missing else ""))


def libraries_of(tool: Tool, path: Path) -> str:
    """What the prefix's loader finds, and does not find, for a program or module."""
    listed = subprocess.run([*tool.loader, "--list", str(path)], capture_output=True, text=True)
    return listed.stdout + listed.stderr


def wrap(tool: Tool, name: str) -> None:
    """Let other programs start `name` by its path: a script in its place hands it to the prefix's loader."""
    path = tool.programs[name]
    up = os.path.relpath(tool.prefix or "/", path.parent)
    loader = os.path.relpath(tool.loader[0], path.parent)
    libraries = os.path.relpath(Path(tool.loader[0]).parent, path.parent)
    path.rename(path.with_name(name + ".real"))
    path.write_text(
        f'#!/bin/sh\nhere="${{0%/*}}"\nexec "$here/{loader}" --argv0 "$0" --inhibit-cache '
        f'--library-path "$here/{libraries}:$here/{up}/usr/lib" "$here/{name}.real" "$@"\n'
    )
    path.chmod(0o755)


class Console:
    """Reports on standard error: one line that changes on a terminal, plain lines at every quarter otherwise."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.last = ""

    def __call__(self, line: str) -> None:
        passing = line.endswith(" %")
        if self.live:
            sys.stderr.write(f"\r\033[K{line}" + ("" if passing else "\n"))
        else:
            step = re.sub(r"(\d+) %$", lambda found: f"{int(found[1]) // 25 * 25} %", line)
            if step != self.last:
                sys.stderr.write(f"{step}\n")
            self.last = step
        sys.stderr.flush()


def main() -> int:
    """Provision the named parts; 1 and one sentence on stderr when that fails."""
    parser = argparse.ArgumentParser(prog="python3 -m server.provision", description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where prefixes and downloads are kept")
    parser.add_argument("--private", action="store_true", help="do not use what is installed on the machine")
    parser.add_argument("parts", nargs="+", choices=sorted(PARTS), metavar="part")
    options = parser.parse_args()
    try:
        for part in options.parts:
            provision(part, options.cache, Console(), installed=not options.private)
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
