"""Law: what is provisioned is a table; nothing here does anything.

A denylist rather than an allowlist names what a part can do without: suites roll on, and what is new in one comes along
by itself. A package that another one wants in exactly its own version cannot be on it; leave its files out instead.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A recipe: which packages give which programs, from which version on, and what of them is not needed."""

    name: str
    least: tuple[int, ...]
    """The lowest version that suffices."""
    packages: tuple[str, ...]
    """The first one's version is the part's."""
    programs: tuple[str, ...] = ()
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
    direct: bool = False
    """Its programs start themselves again, which they cannot do by the prefix's loader: the machine's loader starts
    them, with the prefix's libraries."""
    libraries: tuple[str, ...] = ()
    """Where a direct program's libraries are, besides the usual folder (patterns)."""
    modules: tuple[str, ...] = ()
    """Where loadable modules are (patterns); those whose libraries were left out are dropped."""
    unwanted: tuple[str, ...] = ()
    """Modules that are removed although they would work."""
    needs: tuple[str, ...] = ()
    """Modules without which the part is of no use."""
    data: tuple[str, ...] = ()
    """Where data files are (the first that exists)."""
    megabytes: int = 100
    """Room needed on the disk while it is made."""


def words(text: str) -> tuple[str, ...]:
    """The words of a text, as a tuple."""
    return tuple(text.split())


SYSTEM = words("adduser debconf debconf-2.0 init-system-helpers lsb-base sysvinit-utils tzdata")
"""Packages that only matter to an installation by root."""

ASTERISK_WITHOUT = words("""
    libcodec2-* libcurl* libglib2.0-* libgmime-* libical3* libiksemel* libjack* libjwt* libldap* liblua* libneon*
    libodbc* libogg* libopencore-* libopus* libportaudio* libpq* libradcli* libsnmp* libspandsp* libspeex* libsybdb*
    libunbound* libvo-amrwbenc* libvorbis* openssl-provider-legacy
""")

ASTERISK_NEEDS = words("""
    app_chanspy app_dial app_exec app_mixmonitor app_playback app_stack bridge_simple bridge_softmix
    chan_pjsip codec_alaw codec_gsm codec_ulaw format_gsm format_pcm format_wav func_callerid func_channel
    func_groupcount pbx_config res_agi res_http_websocket res_musiconhold res_pjproject res_pjsip res_pjsip_session
    res_pjsip_transport_websocket res_rtp_asterisk res_sorcery_config res_srtp
""")

RUNS_PROGRAMS = words("""
    app_alarmreceiver app_externalivr app_festival app_minivm app_mp3 app_originate app_system app_voicemail
    app_voicemail_odbc func_shell pbx_lua pbx_spool res_clioriginate
""")
"""Asterisk's modules that start programs, or calls and scripts from outside its dialplan. Three more start programs and
are needed: res_agi (the fallback's script), app_mixmonitor (recordings), res_musiconhold (music)."""

POSTGRESQL_WITHOUT = words("""
    postgresql-common* postgresql-client-common ssl-cert libllvm* perl* libperl* libjson-perl libio-pty-perl
    libipc-run-perl locales* logrotate netbase sensible-utils ucf
""")

CHROMIUM_WITHOUT = words("""
    adwaita-icon-theme* at-spi2-core dbus* dconf* fontconfig fontconfig-config fonts-* gtk-update-icon-cache
    hicolor-icon-theme libgl1-mesa-dri libllvm* mesa-* notification-daemon shared-mime-info systemd* x11-* xdg-*
""")

ALL = (
    Part(
        name="asterisk",
        least=(20,),
        packages=("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm"),
        programs=("asterisk",),
        version_option="-V",
        without=(*SYSTEM, *ASTERISK_WITHOUT),
        excludes=("./etc/*", "./usr/share/asterisk/phoneprov/*", "./usr/share/bug/*"),
        modules=("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules"),
        unwanted=tuple(f"{name}.so" for name in RUNS_PROGRAMS),
        needs=tuple(f"{name}.so" for name in ASTERISK_NEEDS),
        data=("usr/share/asterisk", "var/lib/asterisk"),
        megabytes=300,
    ),
    Part(
        name="redis-server",
        least=(7,),
        packages=("redis-server", "redis-tools"),
        programs=("redis-server", "redis-cli"),
        without=SYSTEM,
    ),
    Part(
        name="sip-tester",
        least=(3, 6),
        packages=("sip-tester",),
        programs=("sipp",),
        version_option="-v",
        without=SYSTEM,
        data=("usr/share/sip-tester",),
    ),
    Part(
        name="postgresql",
        least=(15,),
        packages=("postgresql",),
        programs=("postgres", "initdb", "pg_ctl", "psql", "pg_dump"),
        without=(*SYSTEM, *POSTGRESQL_WITHOUT),
        excludes=("./usr/lib/postgresql/*/lib/bitcode/*", "./usr/lib/postgresql/*/lib/llvmjit*"),
        folders=("usr/lib/postgresql/*/bin",),
        wrapped=("postgres",),
        megabytes=300,
    ),
    Part(
        name="chromium",
        least=(120,),
        packages=("chromium",),
        programs=("chromium",),
        without=(*SYSTEM, *CHROMIUM_WITHOUT),
        folders=("usr/lib/chromium",),
        direct=True,
        libraries=("usr/lib/*/pulseaudio",),
        megabytes=900,
    ),
    Part(
        name="fonts-noto-cjk",
        least=(0,),
        packages=("fonts-noto-cjk", "fonts-dejavu-core"),
        without=SYSTEM,
        data=("usr/share/fonts",),
        megabytes=250,
    ),
    Part(
        name="python3-pip-whl",
        least=(22,),
        packages=("python3-pip-whl",),
        without=(*SYSTEM, "ca-certificates"),
        data=("usr/share/python-wheels",),
        megabytes=20,
    ),
)

PARTS: dict[str, Part] = {part.name: part for part in ALL}
