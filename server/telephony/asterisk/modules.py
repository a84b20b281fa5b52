"""The modules that Asterisk loads, and why: nothing is loaded because it happens to be installed.

Asterisk's `autoload=no` pulls in no dependencies, so those stand here as well.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOUNDATIONS = """
    res_timing_timerfd res_crypto res_sorcery_config res_sorcery_memory res_sorcery_astdb
    res_speech res_agi res_musiconhold pbx_config
"""
SIP = """
    res_pjproject res_rtp_asterisk res_srtp res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp
    res_pjsip_registrar res_pjsip_outbound_registration res_pjsip_authenticator_digest
    res_pjsip_outbound_authenticator_digest res_pjsip_endpoint_identifier_ip res_pjsip_endpoint_identifier_user
    res_pjsip_caller_id res_pjsip_diversion res_pjsip_dtmf_info res_pjsip_header_funcs res_pjsip_nat res_pjsip_path
    res_pjsip_refer res_pjsip_rfc3326 res_pjsip_logger res_pjsip_acl chan_pjsip
"""
BROWSERS = "res_http_websocket res_pjsip_transport_websocket"
BRIDGES = "bridge_simple bridge_native_rtp bridge_softmix bridge_holding bridge_builtin_features"
AUDIO = """
    codec_alaw codec_ulaw codec_a_mu codec_g722 codec_g729 codec_resample codec_gsm
    format_wav format_pcm format_gsm format_sln
"""
APPLICATIONS = """
    app_amd app_chanspy app_controlplayback app_dial app_echo app_exec app_mixmonitor app_playback app_read
    app_senddtmf app_stack app_transfer app_userevent app_verbose res_mutestream
"""
FUNCTIONS = """
    func_callerid func_channel func_cut func_dialplan func_global func_groupcount func_hangupcause func_logic
    func_math func_periodic_hook func_pjsip_aor func_pjsip_contact func_pjsip_endpoint func_sha1 func_strings
    func_talkdetect func_timeout func_uri func_volume
"""
NEEDED: tuple[str, ...] = tuple(" ".join((FOUNDATIONS, SIP, BROWSERS, BRIDGES, AUDIO, APPLICATIONS, FUNCTIONS)).split())
"""Every module, in the order in which it is loaded."""

ESSENTIAL = frozenset(
    """
    res_timing_timerfd res_sorcery_config res_agi res_musiconhold pbx_config res_pjsip res_pjsip_session
    res_pjsip_sdp_rtp res_pjsip_endpoint_identifier_ip res_rtp_asterisk chan_pjsip bridge_simple codec_alaw codec_ulaw
    format_wav app_dial app_exec app_mixmonitor app_playback app_stack app_userevent func_callerid func_channel
    func_cut func_logic func_sha1 func_strings func_uri
    """.split()  # noqa: SIM905
)
"""Without one of these no call could be served."""


@cache
def knows(folder: Path, option: str, module: str = "res_pjsip.so") -> bool:
    """Whether a module of the Asterisk in `folder` has this option; one that it has not would void its section."""
    file = folder / module
    return file.is_file() and option.encode() in file.read_bytes()


def present(folder: Path) -> tuple[str, ...]:
    """Those of NEEDED that `folder` holds, in order. Raises FileNotFoundError when an essential one is missing."""
    found = tuple(name for name in NEEDED if (folder / f"{name}.so").is_file())
    missing = ESSENTIAL.difference(found)
    if missing:
        raise FileNotFoundError(
            f"Asterisk in {folder} lacks {', '.join(sorted(missing))}: install its package asterisk-modules"
        )
    return found
