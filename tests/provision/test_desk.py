"""The pages are built when their sources changed, and new files never stand beside an old document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision import desk
from provision.packages import ProvisionError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with a desk of two files, and a build that only copies."""
    source = tmp_path / "desk/src"
    source.mkdir(parents=True)
    (source / "main.ts").write_text("one")
    (source / "main.test.ts").write_text("a test")
    (tmp_path / "desk/package-lock.json").write_text("{}")
    (tmp_path / "node.txt").write_text("node")
    monkeypatch.setattr(desk, "ROOT", tmp_path)
    monkeypatch.setattr(desk, "DESK", tmp_path / "desk")
    monkeypatch.setattr(desk, "PAGES", tmp_path / "pages")
    monkeypatch.setattr(desk, "NODE", tmp_path / "node.txt")
    monkeypatch.setattr(desk, "LOCK", tmp_path / "desk/package-lock.json")
    monkeypatch.setattr(desk, "__file__", str(tmp_path / "node.txt"))
    monkeypatch.setattr(desk, "tools", lambda cache, report: (Path("node"), Path("modules")))

    def build(program: Path, modules: Path, name: str, *args: str) -> None:
        out = Path(args[args.index("--outDir") + 1])
        text = (source / "main.ts").read_text()
        (out / "assets").mkdir(parents=True)
        (out / f"assets/main-{text}.js").write_text(text)
        (out / "index.html").write_text(f"main-{text}.js")

    monkeypatch.setattr(desk, "run", build)
    return tmp_path


def prepare(tree: Path) -> list[str]:
    """Build, and return what was reported."""
    said: list[str] = []
    desk.prepare(tree / "cache", said.append)
    return said


def files(tree: Path) -> set[str]:
    return {path.name for path in (tree / "pages").rglob("*") if path.is_file()}


def test_pages_are_built_once_until_a_source_changes(tree: Path) -> None:
    assert prepare(tree) == ["building the desk's pages", "the desk's pages are ready"]
    assert prepare(tree) == []
    (tree / "desk/src/main.test.ts").write_text("another test")
    assert prepare(tree) == []
    (tree / "desk/src/main.ts").write_text("two")
    assert prepare(tree) != []
    assert (tree / "pages/index.html").read_text() == "main-two.js"


def test_the_files_of_the_build_before_stay_and_those_of_earlier_ones_go(tree: Path) -> None:
    for text in ("one", "two", "three"):
        (tree / "desk/src/main.ts").write_text(text)
        prepare(tree)
    assert files(tree) == {"main-two.js", "main-three.js", "index.html", "built.json"}
    assert set(json.loads((tree / "pages/built.json").read_text())["files"]) == {"assets/main-three.js", "index.html"}


def test_a_build_that_fails_leaves_the_pages_as_they_were(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tree)
    (tree / "desk/src/main.ts").write_text("wrong")

    def fail(*args: object) -> None:
        raise ProvisionError("vite failed")

    monkeypatch.setattr(desk, "run", fail)
    with pytest.raises(ProvisionError, match="vite failed"):
        prepare(tree)
    assert (tree / "pages/index.html").read_text() == "main-one.js"
    assert desk.built()


def test_the_lock_of_the_pages_names_no_place_that_packages_come_from() -> None:
    lock = json.loads(desk.LOCK.read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert len(packages) > 100
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if "integrity" not in each and not each.get("inBundle")] == []


def test_the_step_runs_before_there_is_an_environment() -> None:
    done = subprocess.run([sys.executable, "-S", "-m", "provision.desk", "--help"], cwd=desk.ROOT, capture_output=True)
    assert done.returncode == 0


def test_programs_side_by_side_are_all_heard_and_each_that_failed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(desk, "DESK", tmp_path)
    programs = tmp_path / "node_modules/.bin"
    programs.mkdir(parents=True)
    for name, code in (("one", 1), ("two", 0), ("three", 3)):
        (programs / name).write_text(f"import sys; print('{name}', *sys.argv[1:]); sys.exit({code})")
    with pytest.raises(ProvisionError, match="one and three failed in"):
        desk.run_together(Path(sys.executable), tmp_path, ("one",), ("two", "--word"), ("three",))
    assert capsys.readouterr().err.splitlines() == ["one", "one failed", "two --word", "three", "three failed"]
