"""The home is closed to others, and so is everything that is made in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.home import HomeError, close_to_others, open_to_others, prepare


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_is_closed_to_others(tmp_path: Path) -> None:
    close_to_others()
    home = tmp_path / "var"
    prepare(home)
    assert (mode(home), mode(home / "secrets"), mode(home / "recordings")) == (0o750, 0o700, 0o750)
    assert list(open_to_others(home)) == []


@pytest.mark.parametrize(("before", "after"), [(0o022, 0o027), (0o077, 0o077), (0o002, 0o027), (0, 0o027)])
def test_a_tighter_umask_stays(before: int, after: int) -> None:
    os.umask(before)
    close_to_others()
    assert os.umask(0o022) == after


@pytest.mark.parametrize(("wide", "mended"), [(0o755, 0o750), (0o777, 0o750), (0o770, 0o750), (0o2775, 0o2750)])
def test_a_home_of_ours_that_was_left_wider_is_mended_with_what_is_in_it(
    tmp_path: Path, wide: int, mended: int
) -> None:
    home = tmp_path / "var"
    prepare(home)
    (home / "hotline.toml").touch()
    (home / "records.db").touch(mode=0o644)
    (home / "recordings").chmod(0o777)
    (home / "flows").symlink_to(tmp_path)
    home.chmod(wide)
    prepare(home)
    assert mode(home) == mended
    assert (mode(home / "records.db"), mode(home / "recordings")) == (0o640, 0o750)
    assert list(open_to_others(home)) == []


def test_an_empty_folder_that_was_made_for_it_becomes_a_home(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    prepare(tmp_path)
    assert mode(tmp_path) == 0o750


def test_a_folder_that_others_share_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(HomeError, match=r"is open to others \(mode 755\) and holds other things: set SANSHENG_HOME"):
        prepare(tmp_path)
    assert (mode(tmp_path), [path.name for path in tmp_path.iterdir()]) == (0o755, ["thesis.txt"])
    (tmp_path / "flows").mkdir()
    tmp_path.chmod(0o1777)
    with pytest.raises(HomeError, match="holds other things"):
        prepare(tmp_path)


def test_a_wide_home_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path)
    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(HomeError, match="belongs to another user: have it closed with chmod 750, or set SANSHENG_HOME"):
        prepare(tmp_path)


def test_a_home_that_is_no_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").touch(mode=0o600)
    with pytest.raises(HomeError, match="cannot be used"):
        prepare(tmp_path / "var")
