"""Packages come from the machine's own mirrors or not at all, and a prefix is there whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from provision.making import (
    Console,
    default_cache,
    exclusive,
    find_provisioned,
    lay_out,
    provision,
    update_newer,
    write_stamp,
)
from provision.packages import (
    Archive,
    Host,
    Progress,
    ProvisionError,
    Source,
    UnfitError,
    UnknownKeyError,
    explain,
    machine_sources,
    other_suite,
    own_suite,
    parse_deb822,
    parse_one_line,
    read_host,
)
from provision.parts import PARTS, Part
from provision.prefix import ask_version, read_version

DEBIAN = Host("debian", "bookworm", "amd64")
UBUNTU = Host("ubuntu", "noble", "arm64")
ECHO = Path(shutil.which("echo") or "/bin/echo").resolve()


def quiet(_what: str, _percent: float) -> None:
    """Progress that nobody watches."""


# --- where packages may come from


def test_both_forms_of_source_lists_are_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://commented.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # remark\n"
        "deb-src http://mirror.example/debian bookworm main\n"
    )
    (tmp_path / "sources.list.d/a.sources").write_text(
        "Types: deb deb-src\n# remark\nURIs: http://a.example/debian\n http://b.example/debian\nSuites: bookworm\n"
        "Components: main\nSigned-By: /keys.gpg\n\nEnabled: no\nTypes: deb\nURIs: http://off.example\nSuites: x\n"
    )
    assert machine_sources(tmp_path) == [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), "/k.gpg"),
        Source("http://a.example/debian", "bookworm", ("main",), "/keys.gpg"),
        Source("http://b.example/debian", "bookworm", ("main",), "/keys.gpg"),
    ]


def test_an_inline_key_and_a_trust_mark_are_not_taken_over() -> None:
    inline = "Types: deb\nURIs: http://a.example\nSuites: s\nComponents: main\nSigned-By:\n -----BEGIN\n .\n x\n"
    assert [source.signed_by for source in parse_deb822(inline)] == [""]
    (marked,) = parse_one_line("deb [trusted=yes] http://a.example s main\n")
    assert "rusted" not in marked.stanza()


def test_only_the_distributions_own_suites_are_used() -> None:
    theirs = [
        Source("http://cloud.example/apt", "cloud-sdk-bookworm", ("main",)),
        Source("http://docker.example/linux", "bookworm", ("stable",)),
        Source("cdrom:[Debian]/", "bookworm", ("main",)),
    ]
    ours = [
        Source("http://m.example/debian", "bookworm", ("main", "contrib"), "/k.gpg"),
        Source("http://m.example/debian", "bookworm-updates", ("main",), "/k.gpg"),
        Source("http://s.example/debian-security", "bookworm-security", ("main",), "/k.gpg"),
    ]
    chosen = own_suite(DEBIAN, [*theirs, *ours])
    assert [(source.uri, source.suite) for source in chosen] == [(source.uri, source.suite) for source in ours]
    assert all(source.components == ("main",) for source in chosen)
    with pytest.raises(ProvisionError, match="no source for debian bookworm"):
        own_suite(DEBIAN, theirs)


def test_components_listed_on_separate_lines_are_joined() -> None:
    lines = "deb http://m.example/ubuntu noble main\ndeb http://m.example/ubuntu noble universe\n"
    (source,) = own_suite(UBUNTU, parse_one_line(lines))
    assert source.components == ("main", "universe")


def test_a_newer_suite_comes_from_the_same_mirror_and_must_bear_the_archives_signature() -> None:
    own = [
        Source("http://m.example/debian", "bookworm", ("main",)),
        Source("http://s.example/debian-security", "bookworm-security", ("main",)),
    ]
    assert other_suite(DEBIAN, "forky", own, "/keys.gpg") == [
        Source("http://m.example/debian", "forky", ("main",), "/keys.gpg")
    ]


def test_a_foreign_distribution_is_told_to_install_by_hand(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 44"\n')
    with pytest.raises(ProvisionError, match=r"Fedora Linux 44.*install the programs yourself"):
        read_host(tmp_path / "os-release")


@pytest.mark.parametrize(
    ("output", "kind", "sentence"),
    [
        ("E: Temporary failure resolving 'm.example'", ProvisionError, "check the network"),
        ("W: The following signatures: NO_PUBKEY 6ED0", UnknownKeyError, "key unknown"),
        ("E: You don't have enough free space in /x/.", ProvisionError, "the disk is full: make room"),
        ("E: Unable to locate package asterisk", UnfitError, "does not have it"),
        ("The following packages have unmet dependencies:\nE: broken", UnfitError, "do not fit together"),
        ("strange", ProvisionError, "no reason given"),
    ],
)
def test_what_apt_says_becomes_a_sentence(output: str, kind: type[ProvisionError], sentence: str) -> None:
    error = explain("package list of forky", output)
    assert type(error) is kind
    assert str(error).startswith("package list of forky: ")
    assert sentence in str(error)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1:22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("5:7.0.15-1~deb12u7", (7, 0, 15)),
        ("15+248+deb12u1", (15,)),
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0", (7, 0, 15)),
        (" SIPp v3.6.1-TLS-SCTP-PCAP.", (3, 6, 1)),
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0)", (15, 18)),
        ("", ()),
    ],
)
def test_versions_are_read_from_packages_and_programs(text: str, version: tuple[int, ...]) -> None:
    assert read_version(text) == version


# --- a real mirror in a folder: real packages, real apt


class Trusted(Source):
    """A source of a mirror that nobody has signed, taken all the same; only a test has such a thing."""

    __slots__ = ()

    def stanza(self) -> str:
        return super().stanza() + "Trusted: yes\n"


def make_package(folder: Path, name: str, depends: str = "", files: dict[str, Path] | None = None) -> None:
    """Build one package into the mirror."""
    tree = folder / "trees" / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/doc" / name).mkdir(parents=True)
    (tree / "usr/share/doc" / name / "README").write_text("rubbish")
    for place, origin in (files or {}).items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(origin, tree / place)
    control = f"Package: {name}\nVersion: 2:1.5-1\nArchitecture: {read_host().architecture}\nMaintainer: nobody\n"
    control += (f"Depends: {depends}\n" if depends else "") + "Description: x\n"
    (tree / "DEBIAN/control").write_text(control)
    package = folder / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, package], check=True, capture_output=True)
    content = package.read_bytes()
    index = f"{control}Filename: ./{name}.deb\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n\n"
    with (folder / "Packages").open("a") as packages:
        packages.write(index)


def libraries() -> dict[str, Path]:
    """The machine's own loader and C library, as a package would lay them out."""
    listed = subprocess.run(["ldd", ECHO], capture_output=True, text=True, check=True).stdout
    paths = [Path(word) for word in listed.split() if word.startswith("/")]
    triplet = next(path for path in paths if path.name.startswith("libc.so")).parent.name
    return {f"usr/lib/{triplet}/{path.name}": path.resolve() for path in paths}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A mirror with a program, its library, something it drags in, and something that cannot be had."""
    folder = tmp_path_factory.mktemp("mirror")
    make_package(folder, "talker", "library, luggage, database | other-database", {"usr/bin/talker": ECHO})
    make_package(folder, "library", files=libraries())
    make_package(folder, "luggage", "more-luggage")
    make_package(folder, "more-luggage")
    make_package(folder, "broken", "nowhere-to-be-had")
    make_package(folder, "debian-archive-keyring", files={"usr/share/keyrings/debian-archive-keyring.gpg": ECHO})
    packages = folder / "Packages"
    (folder / "Packages.gz").write_bytes(gzip.compress(packages.read_bytes()))
    lines = "".join(
        f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} {path.name}\n"
        for path in (packages, folder / "Packages.gz")
    )
    (folder / "Release").write_text(f"Date: Sun, 01 Nov 2026 00:00:00 UTC\nSHA256:\n{lines}")
    return Trusted(f"file:{folder}", "./", ())


@pytest.fixture
def archive(mirror: Source, tmp_path: Path) -> Archive:
    """The mirror's one suite, its index read."""
    archive = Archive(tmp_path / "apt", "test", [mirror], read_host().architecture)
    archive.update(quiet)
    return archive


TALKER = Part(
    name="talker",
    least=(1,),
    packages=("talker",),
    programs=("talker",),
    without=("lugg*", "database"),
    wrapped=("talker",),
)


def make_talker(archive: Archive, folder: Path, part: Part = TALKER) -> Path:
    """Provision the talker; answers with its prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    tool, packages = lay_out(part, archive, "2:1.5-1", part.without, folder, quiet)
    write_stamp(part, folder, tool, archive.suite, packages)
    assert tool.prefix is not None
    return tool.prefix


def test_an_unsigned_suite_is_refused(mirror: Source, tmp_path: Path) -> None:
    archive = Archive(tmp_path, "test", [Source(mirror.uri, "./", ())], read_host().architecture)
    with pytest.raises(ProvisionError, match="signature"):
        archive.update(quiet)


def test_a_key_newer_than_the_machine_comes_from_the_machines_own_suite(archive: Archive, tmp_path: Path) -> None:
    keyring = tmp_path / "newer/keys/usr/share/keyrings/debian-archive-keyring.gpg"

    class Newer(Archive):
        """A suite that is signed by a key of the newer keyring only."""

        def update(self, progress: Progress, *, force: bool = False) -> None:
            self._prepare()
            if [source.signed_by for source in self.sources] != [str(keyring)]:
                raise UnknownKeyError("its signature is by a key unknown here")

    source = Source("http://m.example/debian", "forky", ("main",), "/old.gpg")
    newer = Newer(tmp_path / "newer", "forky", [source], archive.architecture)
    update_newer(newer, source, DEBIAN, archive, quiet)
    assert keyring.read_bytes() == ECHO.read_bytes()


def test_a_package_that_is_left_out_brings_no_dependencies(archive: Archive) -> None:
    names = [name for name, _, _ in archive.closure(["talker"], TALKER.without)]
    assert names == ["library", "talker"]
    assert archive.version("talker") == "2:1.5-1"
    assert archive.version("unheard-of") == ""


def test_a_package_that_cannot_be_had_makes_the_suite_unfit(archive: Archive) -> None:
    with pytest.raises(UnfitError, match="do not fit together"):
        archive.closure(["broken"], ())


def test_a_program_runs_from_its_prefix_by_the_prefixs_own_loader(archive: Archive, tmp_path: Path) -> None:
    prefix = make_talker(archive, tmp_path / "debian")
    tool = find_provisioned(TALKER, tmp_path)
    assert tool is not None
    argv = tool.argv("talker", "hello", 5)
    assert argv[0].startswith(str(prefix))
    assert subprocess.run(argv, capture_output=True, text=True).stdout == "hello 5\n"
    assert not (prefix / "usr/share/doc/talker/README").exists()


def test_another_program_may_start_a_wrapped_one_by_path_even_after_a_move(archive: Archive, tmp_path: Path) -> None:
    prefix = make_talker(archive, tmp_path / "debian")
    moved = prefix.rename(tmp_path / "moved")
    done = subprocess.run([moved / "usr/bin/talker", "a  b"], capture_output=True, text=True)
    assert done.stdout == "a  b\n"


def test_a_prefix_is_not_made_when_the_program_would_not_run(archive: Archive, tmp_path: Path) -> None:
    part = replace(TALKER, without=("luggage", "database", "library"))
    with pytest.raises(UnfitError, match="loader"):
        make_talker(archive, tmp_path / "debian", part)
    assert find_provisioned(part, tmp_path) is None


def test_the_second_time_nothing_is_fetched_or_run(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_talker(archive, tmp_path / "debian")
    monkeypatch.setitem(PARTS, "talker", TALKER)
    monkeypatch.setenv("PATH", "/nowhere")
    assert provision("talker", tmp_path, print, installed=False).version == ".".join(
        map(str, ask_version([str(ECHO), "--version"]))
    )


def test_a_changed_recipe_is_made_anew(archive: Archive, tmp_path: Path) -> None:
    make_talker(archive, tmp_path / "debian")
    assert find_provisioned(replace(TALKER, excludes=("./x",)), tmp_path) is None


def test_a_download_that_was_tampered_with_is_refused(archive: Archive, mirror: Source, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(mirror.uri.removeprefix("file:"), copy)
    (copy / "talker.deb").write_bytes(b"x" * (copy / "talker.deb").stat().st_size)
    tampered = Archive(tmp_path / "apt2", "test", [replace(mirror, uri=f"file:{copy}")], archive.architecture)
    tampered.update(quiet)
    with pytest.raises(ProvisionError, match="checksum does not match"):
        tampered.download(["talker"], TALKER.without, quiet)


# --- one run at a time, and what is said meanwhile


def test_a_second_run_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    waiting, entered = threading.Event(), threading.Event()

    def report(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with exclusive(tmp_path, report):
            entered.set()

    with exclusive(tmp_path, print):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not entered.is_set()
    assert entered.wait(5)
    thread.join()
    assert said == ["waiting for another run that is setting up"]


def test_what_a_killed_run_left_half_made_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "making-x/usr").mkdir(parents=True)
    with exclusive(tmp_path, print):
        assert not list(tmp_path.glob("making-*"))


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProvisionError, match="SANSHENG_CACHE"), exclusive(tmp_path / "file/debian", print):
        pass


def test_a_full_disk_is_noticed_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "huge", replace(TALKER, name="huge", megabytes=1 << 40))
    with pytest.raises(ProvisionError, match="make room"):
        provision("huge", tmp_path, print, installed=False)


def test_plain_progress_is_one_line_a_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.live = False
    for percent in range(101):
        console(f"asterisk: download of asterisk {percent} %")
    console("asterisk: ready")
    steps = [f"asterisk: download of asterisk {percent} %" for percent in (0, 25, 50, 75, 100)]
    assert capsys.readouterr().err.splitlines() == [*steps, "asterisk: ready"]


# --- the real parts, as this test run was set up with them


@pytest.mark.parametrize("name", ["asterisk", "redis-server", "sip-tester", "postgresql"])
def test_every_part_of_the_test_run_starts(name: str) -> None:
    part = PARTS[name]
    tool = provision(name, default_cache(), print)
    env = {**os.environ, **tool.env}
    done = subprocess.run(tool.argv(part.programs[0], part.version_option), capture_output=True, text=True, env=env)
    assert read_version(done.stdout) >= part.least
    with pytest.raises(ProvisionError, match="has no program"):
        tool.argv("unheard-of")


def test_asterisk_comes_with_the_modules_the_sounds_and_the_documentation_it_needs() -> None:
    tool = provision("asterisk", default_cache(), print)
    assert tool.modules is not None
    assert tool.data is not None
    assert all((tool.modules / name).exists() for name in PARTS["asterisk"].needs)
    assert (tool.data / "sounds/en/beep.gsm").exists()
    assert (tool.data / "documentation/core-en_US.xml").exists()
