"""Who may see the view: this machine's browsers, or those that know the token; never a page of somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from edge.serve.address import is_loopback

COOKIE = "egoact"
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
        return secrets.compare_digest(given.encode(), self._token.encode())

    def _check_origin(self, request: web.Request) -> None:
        """A browser says which page asks; a WebSocket is open to all pages unless the server looks (RFC 6455, 10.2)."""
        origin = request.headers.get("Origin")
        if origin is None and request.headers.get("Upgrade", "").lower() != "websocket":
            return
        if origin not in (f"http://{request.host}", f"https://{request.host}"):
            raise web.HTTPForbidden(text="egoact: asked by another site\n")


def _host_name(host: str) -> str:
    """Of a Host header: without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


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
