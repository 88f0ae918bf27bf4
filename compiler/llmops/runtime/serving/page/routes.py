"""The chat page's files, with headers that let it run its own script and talk to its own server only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FILES: Mapping[str, tuple[str, str]] = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
"""Path → file beside this one, type."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def _serve(path: str) -> Route:
    name, kind = FILES[path]
    content = (Path(__file__).parent / name).read_bytes()

    async def respond(request: Request) -> Response:
        return Response(content, media_type=kind, headers=dict(HEADERS))

    return Route(path, respond)


PAGE_ROUTES = tuple(map(_serve, FILES))
