"""Who may see the view: this machine's browsers, or those that know the token; never a page of somebody else."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from edge.serve.address import is_loopback

COOKIE = "egoact"
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::\d{1,5})?", re.ASCII)
_CELLS = re.compile(r"[1-9]\d{0,2}", re.ASCII)
"""1 to 999 columns or lines."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Looks at every request before it is answered."""

    def __init__(self, token: str) -> None:
        """Without a token only the loopback's own names are answered: no name that somebody points at it."""
        self._token = token

    @web.middleware
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse, take the token out of the address into a cookie, or answer."""
        self._check_origin(request)
        if not _host_name(request.host) or not _fits(request):
            raise web.HTTPBadRequest(text="egoact: no such host, or no such size of a terminal\n")
        if not self._token:
            if not is_loopback(_host_name(request.host)):
                raise web.HTTPForbidden(text="egoact: open it as http://127.0.0.1\n")
            return _sealed(request, await handler(request))
        given = request.query.get("token")
        if not self._known(given if given is not None else request.cookies.get(COOKIE, "")):
            raise web.HTTPForbidden(
                text="egoact: the token is missing or wrong; open the address that egoact printed\n"
            )
        if given is None:
            return _sealed(request, await handler(request))
        # Out of the address bar, the history, and what is sent to other sites.
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="Strict")
        return _sealed(request, answer)

    def _known(self, given: str) -> bool:
        # A cookie may hold bytes that are no UTF-8, and so half characters.
        return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), self._token.encode())

    def _check_origin(self, request: web.Request) -> None:
        """A browser says which page asks; a WebSocket is open to all pages unless the server looks (RFC 6455, 10.2)."""
        origin = request.headers.get("Origin")
        if origin is None and request.headers.get("Upgrade", "").lower() != "websocket":
            return
        if origin not in (f"http://{request.host}", f"https://{request.host}"):
            raise web.HTTPForbidden(text="egoact: asked by another site\n")


def _host_name(host: str) -> str:
    """Of a Host header: without its port; nothing when it is no host, which must not get into our own headers."""
    found = _HOST.fullmatch(host)
    return (found["v6"] or found["name"]) if found else ""


def _fits(request: web.Request) -> bool:
    """Whether the terminal that is asked for is of a size that a screen may have: its cells are memory."""
    asked = [request.query.get(side, "80") for side in ("width", "height")]
    return all(_CELLS.fullmatch(cells) for cells in asked)


def _sealed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The page may load nothing from elsewhere (its template asks for a web font), and nobody may frame it."""
    if not response.prepared:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws://{request.host} wss://{request.host}; "
            "frame-ancestors 'none'"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
    return response
