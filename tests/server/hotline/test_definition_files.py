"""The operator's files are tried out in a folder that nothing is left of, however the server ended."""

from __future__ import annotations

import os
import time
from pathlib import Path

from server.hotline.definition_files import LEFT_AFTER, DefinitionFiles


def test_a_trial_has_the_homes_secrets_and_other_texts_and_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "trunk-one").write_text("s3cret")
    with DefinitionFiles(tmp_path).trial({"hotline": "# new\n"}) as folder:
        assert (folder / "hotline.toml").read_text() == "# new\n"
        assert (folder / "secrets" / "trunk-one").read_text() == "s3cret"
        assert folder.is_relative_to(tmp_path)
    assert not folder.exists()
    assert not (tmp_path / "hotline.toml").exists()


def test_what_a_killed_server_left_of_a_trial_is_removed_by_a_later_one_and_a_trial_beside_it_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "trunk-one").write_text("s3cret")
    trials = tmp_path / "cache" / "trials"
    left, beside = trials / "left", trials / "beside"
    for each in (left, beside):
        each.mkdir(parents=True)
        (each / "secrets").symlink_to(tmp_path / "secrets", target_is_directory=True)
    long_ago = time.time() - LEFT_AFTER - 60
    os.utime(left, (long_ago, long_ago))
    with DefinitionFiles(tmp_path).trial({}):
        assert not left.exists()
        assert beside.exists()
    assert (tmp_path / "secrets" / "trunk-one").exists()
