"""Law: Debian packages come from the machine's own mirrors, checked against its own keys, without root.

Each suite gets a throw-away apt state of its own (lists, archives, an invented dpkg status), so nothing of the
machine's package database is read or changed. Mirrors, proxies and keys are the machine's: no host and no key
is written here. A package that a part can do without is declared as already installed, so that apt resolves, downloads
and verifies only what is wanted.
Standard library only: this runs before any environment exists.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

KEYRINGS = {
    "debian": ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg"),
    "ubuntu": ("ubuntu-archive-keyring.gpg",),
}
KEYRING_PACKAGE = {"debian": "debian-archive-keyring", "ubuntu": "ubuntu-keyring"}
COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}
NEWER_SUITES = {"debian": ("forky", "sid"), "ubuntu": ("noble", "devel")}
ALIASES = frozenset({"stable", "oldstable", "oldoldstable", "testing"})
LISTS_FRESH_FOR = 3600.0

Progress = Callable[[str, float], None]
"""Called with what is going on (a few words) and how far it is (0 to 100)."""


class ProvisionError(Exception):
    """Provisioning failed; the message is a sentence that says what to do."""


class UnfitError(ProvisionError):
    """The packages of a suite, less those left out, do not make a whole; another choice may."""


class UnknownKeyError(ProvisionError):
    """A suite is signed by a key that was not given."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a suite is, and the keys that vouch for it (empty: all that the machine trusts)."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""

    def stanza(self) -> str:
        """This source as a deb822 paragraph that fetches nothing but the package index."""
        signed = f"Signed-By: {self.signed_by}\n" if self.signed_by else ""
        # apt leaves packages of a `file:` mirror where they are; `copy:` brings them like all others.
        uri = "copy:" + self.uri.removeprefix("file:") if self.uri.startswith("file:") else self.uri
        components = f"Components: {' '.join(self.components)}\n" if self.components else ""
        return f"Types: deb\nURIs: {uri}\nSuites: {self.suite}\n{components}Targets: Packages\n{signed}"


@dataclass(frozen=True, slots=True)
class Host:
    """The distribution we run on: `debian` or `ubuntu`, the suite's codename, dpkg's architecture."""

    distribution: str
    codename: str
    architecture: str


def read_host(os_release: Path = Path("/etc/os-release")) -> Host:
    """Raises ProvisionError unless this is Debian or Ubuntu with apt and dpkg."""
    fields = dict(re.findall(r'^(\w+)="?(.*?)"?$', os_release.read_text(), re.M)) if os_release.exists() else {}
    names = [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()]
    distribution = next((name for name in names if name in KEYRINGS), "")
    missing = [program for program in ("apt-get", "apt-cache", "dpkg-deb", "tar") if not shutil.which(program)]
    if not distribution or missing:
        reason = f"{missing[0]} is not there" if missing else f"it is {fields.get('PRETTY_NAME', 'unknown')}"
        raise ProvisionError(f"this machine cannot provision Debian packages ({reason}): install the programs yourself")
    codename = fields.get("UBUNTU_CODENAME") or fields.get("VERSION_CODENAME", "sid")
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    return Host(distribution, codename, architecture.stdout.strip())


def parse_deb822(text: str) -> Iterator[Source]:
    """The enabled binary sources of a `.sources` file, one per URI and suite."""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        fields = {
            key.lower(): " ".join(value.split())
            for key, value in re.findall(r"^([\w-]+):(.*(?:\n[ \t].*)*)", "\n".join(lines), re.M)
        }
        if fields.get("enabled", "yes").lower() in ("no", "false") or "deb" not in fields.get("types", "").split():
            continue
        signed_by = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                components = tuple(fields.get("components", "").split())
                # A key given inline is one of the machine's own repositories, not of the archive we look for.
                yield Source(uri, suite, components, signed_by if signed_by.startswith("/") else "")


def parse_one_line(text: str) -> Iterator[Source]:
    """The binary sources of a classic `sources.list`."""
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if found:
            options = dict(part.partition("=")[::2] for part in (found[1] or "").split())
            signed_by = options.get("signed-by", "")
            components = tuple(found[4].split())
            yield Source(found[2], found[3], components, signed_by if signed_by.startswith("/") else "")


def machine_sources(etc: Path = Path("/etc/apt")) -> list[Source]:
    """Everything the machine's apt is configured to read from."""
    sources: list[Source] = []
    one_line = [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))]
    for path in one_line:
        if path.is_file():
            sources += parse_one_line(path.read_text(errors="replace"))
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        sources += parse_deb822(path.read_text(errors="replace"))
    return sources


def own_suite(host: Host, sources: Iterable[Source]) -> list[Source]:
    """The machine's own release with its updates and security fixes, limited to the distribution's components."""
    suites = {host.codename + pocket for pocket in ("", "-updates", "-security")} | ALIASES
    chosen: dict[tuple[str, str], Source] = {}
    for source in sources:
        components = tuple(name for name in COMPONENTS[host.distribution] if name in source.components)
        if source.suite in suites and components and not source.uri.startswith("cdrom:"):
            known = chosen.get((source.uri, source.suite))
            components = tuple(dict.fromkeys((*(known.components if known else ()), *components)))
            chosen[source.uri, source.suite] = replace(source, components=components)
    if not chosen:
        raise ProvisionError(
            f"apt on this machine has no source for {host.distribution} {host.codename}: add one in /etc/apt"
        )
    return list(chosen.values())


def other_suite(host: Host, suite: str, own: Iterable[Source], keyring: str) -> list[Source]:
    """The same mirrors' copy of another suite; several candidates, of which one suffices."""
    bases = [source for source in own if source.suite == host.codename or source.suite in ALIASES]
    components = COMPONENTS[host.distribution]
    return [replace(source, suite=suite, components=components, signed_by=keyring) for source in bases]


def find_keyring(host: Host, root: Path = Path("/")) -> str:
    """The distribution's own archive keys below `root`, or an empty string."""
    for name in KEYRINGS[host.distribution]:
        path = root / "usr/share/keyrings" / name
        if path.exists():
            return str(path)
    return ""


class Archive:
    """One suite in an apt state of its own below `home`; needs a lock held by the caller."""

    def __init__(self, home: Path, suite: str, sources: Sequence[Source], architecture: str) -> None:
        self.home = home
        self.suite = suite
        self.sources = list(sources)
        self.architecture = architecture

    def update(self, progress: Progress, *, force: bool = False) -> None:
        """Fetch and verify the suite's index unless it is fresh. Raises ProvisionError."""
        self._prepare()
        fresh = self.home / "fresh"
        if not force and fresh.exists() and 0 <= time.time() - fresh.stat().st_mtime < LISTS_FRESH_FOR:
            return
        self._apt(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"], progress, f"package list of {self.suite}")
        fresh.touch()

    def version(self, package: str) -> str:
        """The version that would be installed, or an empty string."""
        found = re.search(r"Candidate: (\S+)", self._apt(["apt-cache", "policy", package]))
        return "" if not found or found[1] == "(none)" else found[1]

    def closure(self, packages: Sequence[str], without: Sequence[str]) -> list[tuple[str, str, str]]:
        """(package, version, architecture) of all that is needed; names matching `without` count as installed."""
        known = self._apt(["apt-cache", "pkgnames", "--all-names"]).split()
        literal = {name for name in without if not set(name) & set("*?[")}
        patterns = [pattern for pattern in without if pattern not in literal]
        self._declare(literal | {name for name in known if any(fnmatch(name, pattern) for pattern in patterns)})
        plan = self._apt(["apt-get", "install", "--simulate", *packages])
        return sorted(re.findall(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", plan, re.M))

    def download(self, packages: Sequence[str], without: Sequence[str], progress: Progress) -> list[Path]:
        """The closure's package files, verified by apt; a broken download goes on where it stopped."""
        wanted = self.closure(packages, without)
        self._apt(
            ["apt-get", "install", "--download-only", "--assume-yes", *packages], progress, f"download of {packages[0]}"
        )
        files = [
            self.home / "archives" / f"{name}_{version.replace(':', '%3a')}_{arch}.deb"
            for name, version, arch in wanted
        ]
        lost = [path.name for path in files if not path.exists()]
        if lost:
            raise ProvisionError(f"apt did not deliver {lost[0]}: try again")
        return files

    def _prepare(self) -> None:
        for folder in ("lists/partial", "archives/partial"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "suite.sources").write_text("\n".join(source.stanza() for source in self.sources))
        self._declare(())
        hooks = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")
        cleared = (*hooks, "APT::Architectures", "APT::Default-Release")
        # All of apt's folders are named here; what remains of the machine's settings are proxies and login data.
        settings = {
            "Dir::State": self.home,
            "Dir::State::status": self.home / "status",
            "Dir::State::lists": self.home / "lists",
            "Dir::State::extended_states": self.home / "extended_states",
            "Dir::Cache": self.home,
            "Dir::Cache::archives": self.home / "archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": self.home / "index.bin",
            "Dir::Etc::sourcelist": self.home / "suite.sources",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Log": self.home,
            "APT::Architecture": self.architecture,
            "APT::Architectures::": self.architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
        }
        lines = [f"#clear {name};" for name in cleared] + [f'{name} "{value}";' for name, value in settings.items()]
        (self.home / "apt.conf").write_text("\n".join(lines) + "\n")

    def _declare(self, given: Iterable[str]) -> None:
        """Write the dpkg status in which exactly `given` is installed, newer than anybody asks for."""
        paragraphs = (
            f"Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: nobody\n"
            f"Architecture: {self.architecture}\nMulti-Arch: foreign\nVersion: 9999:1\nDescription: declared\n"
            for name in sorted(given)
        )
        (self.home / "status").write_text("\n".join(paragraphs))

    def _apt(self, command: Sequence[str], progress: Progress | None = None, what: str = "") -> str:
        """Run one apt program in this state and return what it printed; `progress` follows its status lines."""
        argv = [command[0], "-q", "-c", str(self.home / "apt.conf"), *command[1:]]
        env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        env.pop("APT_CONFIG", None)
        log = self.home / f"{command[0]}.log"
        if progress is None:
            done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode:
                raise explain(what or " ".join(command), done.stdout + done.stderr)
            return done.stdout
        read, write = os.pipe()
        with log.open("w+") as output, os.fdopen(read) as status:
            try:
                argv += ["-o", f"APT::Status-Fd={write}"]
                child = subprocess.Popen(
                    argv, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=(write,)
                )
            finally:
                os.close(write)
            try:
                for line in status:
                    kind, _, rest = line.partition(":")
                    if kind == "dlstatus":
                        progress(what, float(rest.split(":")[1]))
            finally:
                code = child.wait()
            output.seek(0)
            text = output.read()
        if code:
            raise explain(what, text)
        return text


UNREACHABLE = (
    "Temporary failure resolving|Could not resolve|Could not connect|Network is unreachable|Connection timed out"
    "|Connection failed|Unable to connect|Cannot initiate the connection"
)
REASONS: tuple[tuple[type[ProvisionError], str, str], ...] = (
    (
        UnknownKeyError,
        "NO_PUBKEY|EXPKEYSIG|not signed|Missing key",
        "its signature is by a key unknown here",
    ),
    (ProvisionError, UNREACHABLE, "the mirror cannot be reached: check the network and try again, downloads go on"),
    (ProvisionError, "No space left|enough free space", "the disk is full: make room and try again"),
    (ProvisionError, "404 +Not Found|does not have a Release file", "the mirror does not have it"),
    (ProvisionError, "Hash Sum mismatch|unexpected size", "a checksum does not match: try again in a few minutes"),
    (UnfitError, "Unable to locate package|no installation candidate", "the suite does not have it"),
    (UnfitError, "unmet dependencies|held broken packages", "the packages do not fit together"),
    (ProvisionError, "Could not get lock|Unable to lock", "an earlier run is still at it: try again in a minute"),
    (ProvisionError, "Permission denied", "a file is not ours to write"),
)


def explain(what: str, output: str) -> ProvisionError:
    """One sentence for what apt printed."""
    complaints = [line[3:].strip() for line in output.splitlines() if line.startswith(("E: ", "W: "))]
    detail = complaints[0] if complaints else "no reason given"
    for kind, pattern, reason in REASONS:
        if re.search(pattern, output):
            return kind(f"{what}: {reason} ({detail})")
    return ProvisionError(f"{what}: apt failed ({detail})")


def unpack(packages: Iterable[Path], prefix: Path, without: Iterable[str]) -> None:
    """Lay package files out below `prefix` with merged /usr, owned by us, less the files that match `without`."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (prefix / "usr" / name).mkdir(parents=True, exist_ok=True)
        (prefix / name).symlink_to(f"usr/{name}")
    excludes = [f"--exclude={pattern}" for pattern in without]
    tar = ["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "--no-same-permissions", "-C", str(prefix)]
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as stream:
            done = subprocess.run([*tar, *excludes], stdin=stream.stdout, stderr=subprocess.PIPE, text=True)
        if done.returncode or stream.returncode:
            reason = "the disk is full: make room and try again" if "No space" in done.stderr else done.stderr.strip()
            raise ProvisionError(f"{package.name} could not be unpacked: {reason}")
