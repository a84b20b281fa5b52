"""Write one Asterisk's home so that only what differs is written, and say which files that was.

A file is replaced as a whole or not at all; a rewrite with the same site changes nothing, so the caller reloads only
the modules whose files changed (`reloads`).
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shlex
import shutil
import threading
import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.telephony.asterisk import documentation, files, modules, pjsip
from server.telephony.asterisk.site import AgentPhone, Layout, Site, SiteError
from server.telephony.asterisk.trunk_certificate import PAIR_FILE, own_pair
from server.telephony.tokens import ChannelTokens

AMI_SECRET = "ami"
INSTANCE_SECRET = "instance"
"""What the names of this Asterisk are made of."""
CHANNEL_SECRET = "channels"
"""What the tokens of channels are made with."""
QUIET_FOR = 2.0
"""Seconds for which a server may say nothing to a caller before music begins."""
OWED = "reloads"
"""The file in Asterisk's home that names the modules that have not read their files since these were written."""
_OWING = threading.Lock()
AGENTS_FILE = "pjsip_agents.conf"
FIXED_PHONES_FILE = "fixed-phones.conf"
PHONE_TRANSFER_FILE = "phone-transfer.conf"
SLOWED_FILE = "pjsip_slowed.conf"
RELOADS: Mapping[str, str] = {
    "pjsip.conf": "res_pjsip.so",
    AGENTS_FILE: "res_pjsip.so",
    FIXED_PHONES_FILE: "pbx_config.so",
    SLOWED_FILE: "res_pjsip.so",
    PAIR_FILE: "res_pjsip.so",
    "extensions.conf": "pbx_config.so",
    "globals.conf": "pbx_config.so",
    "servers.conf": "pbx_config.so",
    PHONE_TRANSFER_FILE: "pbx_config.so",
    "musiconhold.conf": "res_musiconhold.so",
    "manager.conf": "manager",
    "http.conf": "http",
    "rtp.conf": "res_rtp_asterisk.so",
    "logger.conf": "logger",
    "indications.conf": "indications",
}
"""File → what AMI's Reload is asked for. A changed file that is not here needs a restart."""
RESTART = "asterisk"
"""Stands for all of Asterisk, beside the modules: what was written is read only when it starts."""
_READ_AT_START = ("type=transport", "type=system")
"""What the sections of `pjsip.conf` say which a running Asterisk does not read again; it adds a new transport."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a run of `configure` changed: names of files in Asterisk's `etc`, sorted.

    `reloads` are the modules to reload, each once, so that a running Asterisk takes the change over; with RESTART,
    something changed that it does not take over.
    """

    changed: tuple[str, ...]
    reloads: tuple[str, ...] = ()

    @property
    def restart(self) -> bool:
        """Whether something changed that a running Asterisk does not take over."""
        return RESTART in self.reloads


def configure(site: Site, phones: Iterable[AgentPhone] | None = None) -> Written:
    """Make the home and write every file. Raises SiteError and OSError; either way no file is left half-written.

    Without `phones` the agents' files stay as they are, so that a restart forgets no telephone.
    """
    layout = site.layout
    for folder in layout.directories():
        folder.mkdir(parents=True, exist_ok=True)
    layout.secrets.chmod(0o700)
    _link_data(site)
    loaded = modules.present(site.modules)
    _link_modules(site, loaded)
    _write(layout.agi / "take-number", _take_number(site), 0o750)
    _write_silence(layout.silence.with_suffix(".wav"))
    channel_secret = secret(layout, CHANNEL_SECRET)
    tokens = ChannelTokens(channel_secret)
    texts = {
        "asterisk.conf": files.asterisk_conf(site, secret(layout, INSTANCE_SECRET)),
        "modules.conf": files.modules_conf(loaded),
        "pjsip.conf": pjsip.pjsip_conf(site),
        SLOWED_FILE: pjsip.pjsip_slowed_conf(()),
        "manager.conf": files.manager_conf(site, secret(layout, AMI_SECRET), tokens.mark),
        "rtp.conf": files.rtp_conf(site),
        "sorcery.conf": files.sorcery_conf(),
        "http.conf": files.http_conf(site),
        "musiconhold.conf": files.musiconhold_conf(site),
        "logger.conf": files.logger_conf(),
        "indications.conf": files.indications_conf(),
        "servers.conf": files.servers_conf(site),
        "globals.conf": files.globals_conf(site, channel_secret, tokens.mark),
        "extensions.conf": (site.dialplan / "extensions.conf").read_text(encoding="utf-8"),
        **files.SILENT,
    }
    if pair := own_pair(site).text:
        texts[PAIR_FILE] = pair
    if phones is not None:
        texts |= _agent_texts(site, tuple(phones))
    else:
        texts |= {name: text for name, text in _agent_texts(site, ()).items() if not (layout.etc / name).exists()}
    return _write_all(layout, texts)


def configure_agents(site: Site, phones: Iterable[AgentPhone]) -> Written:
    """Write the agents' phones alone, after one was added, changed or removed."""
    return _write_all(site.layout, _agent_texts(site, tuple(phones)))


def configure_slowed(site: Site, addresses: Iterable[str]) -> Written:
    """Write the addresses that are refused for a while alone."""
    return _write_all(site.layout, {SLOWED_FILE: pjsip.pjsip_slowed_conf(addresses)})


def check_agents(site: Site, phones: Iterable[AgentPhone]) -> None:
    """Raises SiteError when these phones cannot stand side by side."""
    _agent_texts(site, tuple(phones))


def secret(layout: Layout, name: str) -> str:
    """The secret called `name` (`ami`, `agents/1001`), made at first asking; only this user may read it."""
    path = layout.secrets / name
    try:
        found = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        for folder in (layout.secrets, path.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = secrets.token_urlsafe(24)
        _write(path, found + "\n", 0o600)
    if not found:
        raise SiteError(f"{path} is empty: remove it, and a new secret is made")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return found


def arguments(site: Site) -> tuple[str, ...]:
    """What Asterisk is started with: in the foreground, from this home. Prefix it with `Tool.argv("asterisk", …)`."""
    return ("-f", "-n", "-C", str(site.layout.etc / "asterisk.conf"))


def _agent_texts(site: Site, phones: tuple[AgentPhone, ...]) -> dict[str, str]:
    return {
        AGENTS_FILE: pjsip.pjsip_agents_conf(site, phones),
        FIXED_PHONES_FILE: pjsip.fixed_phones_conf(phones, pjsip.trunk_addresses(site)),
        PHONE_TRANSFER_FILE: pjsip.phone_transfer_conf(site, phones),
    }


def _take_number(site: Site) -> str:
    """Asterisk starts scripts by path alone: this names the interpreter and the spool."""
    words = (site.python, "-I", "-m", "agi_scripts.take_number", site.layout.callbacks)
    return f'#!/bin/sh\nexec {" ".join(shlex.quote(str(word)) for word in words)} "$@"\n'


def _link_data(site: Site) -> None:
    """Asterisk's data folder: what it needs of its own beside our prompts, one folder of sounds per language.

    Of Asterisk's own sounds only the beep is taken, so that none is heard in the place of a missing prompt.
    """
    data = site.layout.data
    if (site.data / "documentation").is_dir():
        _document(data / "documentation", site.data / "documentation")
    if (site.data / "static-http").is_dir():
        _link(data / "static-http", site.data / "static-http")
    for beep in sorted((site.data / "sounds").glob("**/beep.*"))[:1]:
        _link(data / "sounds" / beep.name, beep)
    for language, folder in site.prompts.items():
        _link(data / "sounds" / language, folder)


def _document(folder: Path, source: Path) -> None:
    """Write what Asterisk needs of its documentation in `source`; link all of it where that cannot be told."""
    file = folder / documentation.NAME
    with contextlib.suppress(OSError):
        begins = documentation.mark(source)
        with contextlib.suppress(FileNotFoundError), file.open("rb") as before:
            if before.read(len(begins)) == begins:
                return
        if (body := documentation.shortened(source)) is not None:
            if folder.is_symlink():
                folder.unlink()
            folder.mkdir(exist_ok=True)
            _write_bytes(file, body, 0o640)
            return
    _link(folder, source)


def _link_modules(site: Site, names: Iterable[str]) -> None:
    """Link the modules that Asterisk may load: by a command it can be made to load none but these."""
    wanted = {f"{name}.so" for name in names}
    for link in site.layout.modules.iterdir():
        if link.name not in wanted:
            link.unlink()
    for name in wanted:
        _link(site.layout.modules / name, site.modules / name)


def _write_silence(path: Path) -> None:
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * int(8000 * QUIET_FOR)))
    _write_bytes(path, body.getvalue(), 0o640)


def _link(link: Path, target: Path) -> None:
    target = target.absolute()
    if link.is_symlink() and Path(os.readlink(link)) == target:
        return
    if link.is_symlink() or link.is_file():
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(link)
    link.symlink_to(target)


def owed(layout: Layout) -> tuple[str, ...]:
    """The modules that have not read their files since these were written, as far as is known."""
    try:
        return tuple(dict.fromkeys((layout.root / OWED).read_text(encoding="ascii").split()))
    except FileNotFoundError:
        return ()


def owe(layout: Layout, modules: Iterable[str]) -> None:
    """Note that these modules have to read their files. Raises OSError."""
    with _OWING:
        _note(layout, (*owed(layout), *modules))


def settled(layout: Layout, module: str = "") -> None:
    """This module has read its files; without a name, all have: Asterisk was started. Raises OSError."""
    with _OWING:
        _note(layout, [each for each in owed(layout) if module and each != module])


def _note(layout: Layout, modules: Iterable[str]) -> None:
    _write(layout.root / OWED, "".join(f"{each}\n" for each in dict.fromkeys(modules)), 0o600)


def _write_all(layout: Layout, texts: Mapping[str, str]) -> Written:
    """Write those that differ, after a note that their modules have to read them: a crash in between forgets none."""
    before = {name: _read(layout.etc / name) for name in texts}
    changed = tuple(name for name in sorted(texts) if before[name] != texts[name])
    reloads = dict.fromkeys(module for name in changed for module in _readers(name, before[name], texts[name]))
    if reloads:
        owe(layout, reloads)
    for name in texts:
        _write(layout.etc / name, texts[name], 0o600)
    return Written(changed, tuple(reloads))


def _readers(name: str, before: str | None, now: str) -> tuple[str, ...]:
    """What has to be reloaded because this file changed."""
    if name not in RELOADS:
        return (RESTART,)
    kept = name != "pjsip.conf" or set(_read_at_start(before or "")) <= set(_read_at_start(now))
    return (RELOADS[name],) if kept else (RELOADS[name], RESTART)


def _read_at_start(text: str) -> list[str]:
    sections = (section.strip() for section in text.split("\n["))
    return [each for each in sections if any(line in _READ_AT_START for line in each.splitlines())]


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str, mode: int) -> bool:
    """As `_write_bytes`."""
    return _write_bytes(path, text.encode("utf-8"), mode)


def _write_bytes(path: Path, body: bytes, mode: int) -> bool:
    """Replace `path` when its content or mode differs; whether it did. Never seen half-written."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == body:
            if path.stat().st_mode & 0o777 != mode:
                path.chmod(mode)
            return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(body)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return True
