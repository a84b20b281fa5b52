"""`sansheng trunk`: lists, checks, tests, traces, and keeps secrets; each refusal is one sentence."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from server.commands.checks import Verdict, machine, service
from server.commands.shared import settings
from server.hotline.definitions import DEFAULTS
from server.usecases.errors import Conflict
from tests.redis_server import redis_server
from tests.server.commands.test_callbacks_cli import served
from tests.server.commands.test_cli import home, sansheng
from tests.server.web.api_server import api, server

__all__ = ["api", "home", "redis_server", "sansheng", "served", "server"]

TRUNKS = """
[trunks.telecom]
address = "203.0.113.10"
register = true
user = "400"

[trunks.unicom]
address = "203.0.113.20"
"""


class Carriers:
    """The trunks of a server, without an Asterisk."""

    def __init__(self) -> None:
        self.tracing = False
        self.telecom: dict[str, Any] = {
            "name": "telecom", "up": True, "registered": True, "calls": 2, "max_calls": 30, "problem": "",
        }  # fmt: skip
        self.unicom: dict[str, Any] = {
            "name": "unicom", "up": False, "registered": None, "calls": 0, "max_calls": 0,
            "problem": "trunk unicom: 203.0.113.20 does not answer OPTIONS",
        }  # fmt: skip

    def state(self) -> list[dict[str, Any]]:
        return [self.telecom, self.unicom]

    def routes_of(self, number: str) -> list[dict[str, Any]]:
        return [
            {"trunk": "telecom", "dialled": number, "why_not": ""},
            {"trunk": "unicom", "dialled": number, "why_not": "it is down"},
        ]

    async def test(self, number: str, shows: str) -> dict[str, Any]:
        return {"answered": False, "sip": 486, "trunk": "telecom", "detail": "by trunk telecom: SIP 486"}

    async def trace(self, seconds: float) -> str:
        return "--- now a -> b\nOPTIONS sip:x SIP/2.0\n\n--- now b -> a\nSIP/2.0 200 OK\n"


@pytest.fixture
def trunked(home: Path, server: Any, monkeypatch: pytest.MonkeyPatch) -> Carriers:
    """A home with two trunks, and a server that has them."""
    (home / "hotline.toml").write_text(DEFAULTS.read_text(encoding="utf-8") + TRUNKS, encoding="utf-8")
    carriers = Carriers()
    monkeypatch.setattr(type(server), "trunks", carriers)
    return carriers


async def test_trunks_are_listed_with_the_fields_that_others_rely_on(trunked, served) -> None:
    rows = (await served("trunk", "list", "--json")).json
    assert [list(row) for row in rows] == [["name", "up", "registered", "calls", "max_calls", "problem"]] * 2
    assert "203.0.113.20 does not answer OPTIONS" in (await served("trunk", "list")).out


async def test_a_check_exits_with_what_is_wrong(trunked, served, home: Path) -> None:
    done = await served("trunk", "check")
    assert done.code == 1
    assert "trunk telecom: the carrier's secret is missing: sansheng trunk secret telecom --file FILE" in done.err
    assert "trunk unicom: 203.0.113.20 does not answer OPTIONS" in done.err
    (home / "secrets" / "trunks").mkdir()
    (home / "secrets" / "trunks" / "telecom").write_text("s")
    trunked.unicom = {**trunked.telecom, "name": "unicom"}
    done = await served("trunk", "check")
    assert (done.code, done.out.splitlines()[0]) == (0, "trunk telecom: up, registered, 2 calls")


async def test_a_number_is_tried_and_the_answer_told(trunked, served) -> None:
    done = await served("trunk", "test", "13800138000")
    assert (done.code, done.out) == (0, "-> telecom: dials +8613800138000\n   unicom: not: it is down\n")
    done = await served("trunk", "test", "13800138000", "--call")
    assert done.code == 1
    assert "the carrier answered 486: by trunk telecom: SIP 486" in done.out
    assert "is no number that can be dialled" in (await served("trunk", "test", "nobody")).err
    assert "kind that is not called back" in (await served("trunk", "test", "4008001234", "--call")).err


async def test_a_trace_goes_into_a_new_file_for_its_owner(trunked, served, tmp_path: Path) -> None:
    file = tmp_path / "trace.txt"
    done = await served("trunk", "trace", "--seconds", "1", "--to", str(file))
    assert (done.code, done.out) == (0, f"2 messages in {file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "exists: name a file that does not" in (await served("trunk", "trace", "--to", str(file))).err
    trunked.tracing = True
    assert "another trace is being made" in (await served("trunk", "trace", "--to", str(tmp_path / "2"))).err


async def test_a_secret_is_kept_and_a_running_server_told(trunked, served, home: Path, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("pass;word\nmore\n")
    done = await served("trunk", "secret", "telecom", "--file", str(tmp_path / "s"))
    kept = home / "secrets" / "trunks" / "telecom"
    assert (done.code, kept.read_text()) == (0, "pass;word\n")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "there is no trunk other" in (await served("trunk", "secret", "other", "--file", str(tmp_path / "s"))).err
    (tmp_path / "s").write_text("\n")
    assert "one line of 1 to 128" in (await served("trunk", "secret", "telecom", "--file", str(tmp_path / "s"))).err
    assert "cannot be read" in (await served("trunk", "secret", "telecom", "--file", str(tmp_path / "none"))).err


def test_without_a_server_the_configuration_is_checked_alone(home: Path, sansheng) -> None:
    (home / "hotline.toml").write_text(TRUNKS + "max_call = 3\n", encoding="utf-8")
    done = sansheng("trunk", "check")
    assert done.code == 1
    assert f"{home / 'hotline.toml'}:9: trunks.unicom.max_call" in done.err
    (home / "hotline.toml").write_text(TRUNKS, encoding="utf-8")
    found = list(service.check_trunks(settings()))
    assert [each.verdict for each in found] == [Verdict.WARN, Verdict.OK]
    assert "secret is missing" in found[0].sentence


async def test_what_asterisk_cannot_do_now_is_one_sentence(trunked, served, monkeypatch) -> None:
    async def refuse(*_: object) -> None:
        raise Conflict("no trunk takes this number: telecom: it is down")

    monkeypatch.setattr(Carriers, "test", refuse)
    done = await served("trunk", "test", "13800138000", "--call")
    assert (done.code, done.err) == (1, "sansheng: no trunk takes this number: telecom: it is down\n")


@pytest.mark.parametrize(
    ("codecs", "severity", "then"),
    [(["g729"], "error", "add alaw"), (["g729", "alaw"], "warning", "it is left out, and the others are offered")],
)
def test_a_check_says_what_becomes_of_g729_without_asterisks_codec(
    home: Path, sansheng, monkeypatch: pytest.MonkeyPatch, codecs: list[str], severity: str, then: str
) -> None:
    text = DEFAULTS.read_text(encoding="utf-8") + TRUNKS + f"codecs = {codecs}\n"
    (home / "hotline.toml").write_text(text.replace("'", '"'), encoding="utf-8")
    monkeypatch.setattr(machine, "asterisk_modules", lambda: home)
    done = sansheng("check", "--json")
    (finding,) = (row for row in done.json if row["key"] == "trunks.unicom.codecs")
    assert (done.code, finding["severity"]) == (int(severity == "error"), severity)
    assert finding["sentence"] == (
        f"this Asterisk has no G.729 (codec_g729.so), and without it nobody would hear a prompt: {then}"
    )
    (home / "codec_g729.so").touch()
    assert not [row for row in sansheng("check", "--json").json if row["key"] == "trunks.unicom.codecs"]
