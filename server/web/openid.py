"""Law: a person whom the OpenID provider names is signed in only by an answer that was asked for in the same browser.

The code flow with PKCE: what is asked for carries a state, a nonce and a challenge. What they belong to stays in Redis
for ten minutes under a secret that the browser has as a cookie, so that any server can finish. The provider's token
must be signed by its keys, for this client, with the nonce.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from server.config import Settings
from server.storage.begun_sign_ins import BegunSignIns
from server.usecases.openid import Claims, OpenIdActs
from server.usecases.principal import Role

COOKIE = "sansheng_openid"
WITHIN = 600
"""Seconds from the begin of a sign-in to the provider's answer."""
KEPT = 3_600.0
"""Seconds for which the provider's description and keys are kept."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_TIMEOUT, _LEEWAY = 10.0, 60
_log = structlog.get_logger("openid")


class OpenIdError(Exception):
    """The sign-in by the provider failed; the text says why."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and the cookie that it keeps meanwhile."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says it is. `subject` is the issuer and the person's number there."""

    subject: str
    claims: Mapping[str, Any]
    then: str
    """The path to which the browser goes when it is signed in."""


class OpenId:
    """The provider of the settings. `clock` gives UTC epoch seconds. Raises OpenIdError, and RedisError."""

    def __init__(self, settings: Settings, begun: BegunSignIns, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._begun, self._clock = settings, begun, clock
        self._described: tuple[float, dict[str, Any], dict[str, Any]] | None = None
        self._describing = asyncio.Lock()

    async def begin(self, redirect: str, then: str) -> Begun:
        """Begin a sign-in. `redirect` is the URL to which the provider sends the browser back."""
        description, _ = await self._provider()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        async with self._client(redirect) as client:
            url, _ = client.create_authorization_url(
                description["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "redirect": redirect, "then": then}
        cookie = secrets.token_urlsafe(32)
        await self._begun.keep(cookie, kept | {"until": str(self._clock() + WITHIN)}, WITHIN)
        return Begun(url, cookie)

    async def finish(self, cookie: str, answer: Mapping[str, str]) -> Person:
        """The person of the provider's answer. `cookie` is the one that the browser has since the begin."""
        kept = await self._begun.find(cookie)
        if kept is None or self._clock() >= float(kept["until"]):
            raise OpenIdError("this sign-in was not begun in this browser, or too long ago: begin again")
        if not secrets.compare_digest(answer.get("state", "").encode("utf-8", "replace"), kept["state"].encode()):
            raise OpenIdError("the answer belongs to another sign-in: begin again")
        if answer.get("error"):
            raise OpenIdError(f"the provider refused: {_short(answer.get('error_description') or answer['error'])}")
        description, keys = await self._provider()
        if answer.get("iss", description["issuer"]) != description["issuer"]:
            raise OpenIdError("the answer is another provider's: begin again")
        token = await self._token(description, kept, answer.get("code", ""))
        claims = await self._claims(description, keys, token, kept["nonce"])
        return Person(f"{description['issuer']}|{claims['sub']}", claims, kept["then"])

    async def _token(self, description: dict[str, Any], kept: dict[str, str], code: str) -> dict[str, Any]:
        try:
            async with self._client(kept["redirect"]) as client:
                token: dict[str, Any] = await client.fetch_token(
                    description["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=kept["verifier"],
                )
                return token
        except Exception as error:  # Authlib's, httpx's, and those of an answer of another shape
            raise OpenIdError(f"the provider gave no token: {_told(error)}") from None

    async def _claims(
        self, description: dict[str, Any], keys: dict[str, Any], token: dict[str, Any], nonce: str
    ) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwk, jwt
        from joserfc.errors import JoseError

        def read(keys: dict[str, Any]) -> Any:
            return jwt.decode(str(token.get("id_token", "")), jwk.KeySet.import_key_set(keys), [*ALGORITHMS])  # type: ignore[arg-type]

        try:
            try:
                signed = read(keys)
            except (JoseError, ValueError):  # the provider may have other keys by now
                signed = read((await self._provider(anew=True))[1])
            options = {
                "iss": {"essential": True, "value": description["issuer"]},
                "aud": {"essential": True, "value": self._settings.oidc_client_id},
                "nonce": {"essential": True},
            }
            params = {
                "nonce": nonce,
                "client_id": self._settings.oidc_client_id,
                "access_token": token.get("access_token"),
            }
            claims = CodeIDToken(signed.claims, signed.header, options, params)
            claims.validate(now=int(self._clock()), leeway=_LEEWAY)
            if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
                raise ValueError("it names nobody")
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise OpenIdError(f"the provider's token cannot be used: {_told(error)}") from None
        return dict(claims)

    async def _provider(self, *, anew: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """(the provider's description, its keys), as they were within the last hour."""
        async with self._describing:
            if not anew and self._described is not None and self._clock() < self._described[0] + KEPT:
                return self._described[1:]
            import httpx

            issuer = self._settings.oidc_issuer.rstrip("/")
            try:
                async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                    answer = await client.get(f"{issuer}/.well-known/openid-configuration")
                    description: dict[str, Any] = answer.raise_for_status().json()
                    if str(description["issuer"]).rstrip("/") != issuer:
                        raise ValueError(f"it says that it is {_short(str(description['issuer']))}")
                    for each in ("authorization_endpoint", "token_endpoint"):
                        if not isinstance(description[each], str):
                            raise ValueError(f"{each} is no URL")
                    keys: dict[str, Any] = (await client.get(description["jwks_uri"])).raise_for_status().json()
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
                raise OpenIdError(f"the provider {issuer} does not answer as one: {_told(error)}") from None
            self._described = (self._clock(), description, keys)
            return description, keys

    def _client(self, redirect: str) -> Any:
        """Authlib's client; it is imported where it is used, for few installations have a provider."""
        from authlib.deprecate import AuthlibDeprecationWarning

        with warnings.catch_warnings():
            # Which of two HTTP packages it prefers is no matter of the operator's.
            warnings.simplefilter("ignore", AuthlibDeprecationWarning)
            from authlib.integrations.httpx_client import AsyncOAuth2Client
        secret = self.secret()
        return AsyncOAuth2Client(
            self._settings.oidc_client_id,
            secret or None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=self._settings.oidc_scopes,
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=_TIMEOUT,
        )

    def secret(self) -> str:
        """The client's secret; empty for a client without one."""
        file = self._settings.oidc_client_secret_file
        if file is None:
            return ""
        try:
            return file.expanduser().read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise OpenIdError(f"{file} cannot be read: see SANSHENG_OIDC_CLIENT_SECRET_FILE ({_told(error)})") from None


def openid_of(settings: Settings, acts: OpenIdActs, begun: BegunSignIns) -> OpenId | None:
    """The provider of the settings, whose claims `acts` read from now on; None where there is none."""
    if not settings.oidc_issuer:
        return None
    roles = tuple((value, Role(role)) for value, role in settings.oidc_roles)
    names = (settings.oidc_role_claim, settings.oidc_name_claim, settings.oidc_agent_claim)
    acts.wanted, acts.read = Claims(roles, *names), claim
    return OpenId(settings, begun)


def claim(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts of a claim; a path such as `realm_access.roles` goes into its parts."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return [str(each) for each in values if isinstance(each, (str, int)) and not isinstance(each, bool)]


def _told(error: Exception) -> str:
    return _short(str(error) or type(error).__name__)


def _short(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)[:200]
