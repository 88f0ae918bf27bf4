"""Who may ask: bearer tokens, and protection from pages that run in this machine's browser."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from llmops.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "LLMOPS_SERVE_TOKEN"
SHORTEST = 16
"""Characters of a token."""
OPEN = frozenset({"/", "/page.css", "/page.js", "/health", "/ready"})
"""Paths that need no token. The page asks for one."""


def read_tokens() -> tuple[bytes, ...]:
    """The tokens of the environment, several with commas between them so that one can be replaced by the next.

    Raises `UsageError` for one that is too short to be a secret.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return ()
    tokens = [token.strip() for token in given.split(",")]
    if any(len(token) < SHORTEST for token in tokens):
        raise UsageError(f"A token in {VARIABLE} has fewer than {SHORTEST} characters", f'export {VARIABLE}="$(openssl rand -hex 24)"')
    return tuple(token.encode() for token in tokens)


def require_bindable(host: str, tokens: Sequence[bytes]) -> None:
    """Raises `UsageError` for a host that others can reach, unless a token is asked for."""
    if not tokens and not is_loopback(host):
        raise UsageError(f"{host} can be reached by others, and {VARIABLE} is not set", f'export {VARIABLE}="$(openssl rand -hex 24)"')


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Middleware. Compares tokens in constant time; refuses other hosts' names on loopback and other pages' requests."""

    def __init__(self, app: ASGIApp, tokens: Sequence[bytes], host: str) -> None:
        self._app = app
        self._tokens = tokens
        self._loopback = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._loopback and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            # A page elsewhere whose name was made to point here: its browser sends that name.
            return _refuse(403, "wrong_host", "This server answers only under a loopback name.")
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != host:
            return _refuse(403, "wrong_origin", "Requests from other pages are refused.")
        if self._tokens and scope["path"] not in OPEN and not self._is_known(headers.get("authorization", "")):
            return _refuse(401, "unauthorized", f"This needs `Authorization: Bearer …` with a token of {VARIABLE}.")
        return None

    def _is_known(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode()
        matches = [hmac.compare_digest(given, known) for known in self._tokens]  # all of them: the time says nothing
        return scheme.lower() == "bearer" and any(matches)


def _refuse(status: int, code: str, message: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "code": code, "hint": ""}
    return JSONResponse({"error": error}, status, {"WWW-Authenticate": "Bearer"} if status == 401 else None)
