"""The web server of a live run, in a thread of its own: textual-serve's page, and a viewer process a browser."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import socket
import sys
import threading
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web
from textual_serve.server import Server

from edge.errors import EgoactError
from edge.serve.address import WebAddress
from edge.serve.gallery import MOST_VIEWERS
from edge.serve.guard import Guard
from edge.text import printable

# The parent's own search path: `-m` would put the working directory before it.
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:-1]; from edge.serve.viewer import main; main()"
_CLOSE_S = 5.0


class WebDoor:
    """Listens from the start; `close` ends it."""

    def __init__(self, address: WebAddress, gallery: Path) -> None:
        """`gallery` is the socket that viewers connect to.

        Raises:
            EgoactError: it cannot be listened there.
        """
        try:
            self._socket = socket.create_server((address.host, address.port), family=_family(address.host))
        except OSError as error:
            shown = f"{address.host}:{address.port}"
            reason = error.strerror or str(error)
            raise EgoactError(f"--serve {printable(shown)}: {reason}; name another HOST:PORT") from error
        self.url = address.url(self._socket.getsockname()[1])
        self._command = f"exec {shlex.join([sys.executable, '-c', _PROGRAM, *sys.path, str(gallery)])} 2>/dev/null"
        self._guard = Guard(address.token)
        self._watching = 0
        self._sessions = Server(self._command)
        if not os.environ.get("EGOACT_DEBUG"):
            for noisy in ("aiohttp", "textual-serve"):
                logging.getLogger(noisy).addHandler(logging.NullHandler())
                logging.getLogger(noisy).propagate = False
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Browsers are told that it is over."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_CLOSE_S)
        self._socket.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guard.__call__])
        aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(self._sessions.templates_path))
        app.add_routes(
            [
                web.get("/", self._page, name="index"),
                web.get("/ws", self._session, name="websocket"),
                web.get("/download/{key}", self._sessions.handle_download, name="download"),
                web.static("/static", self._sessions.statics_path, name="static"),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        await self._ended.wait()
        await runner.cleanup()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        """The page names its own address, which is whatever the browser called this machine."""
        here = Server(self._command, title="egoact", public_url=f"{request.scheme}://{request.host}")
        return await here.handle_index(request)

    async def _session(self, request: web.Request) -> web.StreamResponse:
        if self._watching >= MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"egoact: {MOST_VIEWERS} browsers watch already\n")
        self._watching += 1
        try:
            return await self._sessions.handle_websocket(request)
        finally:
            self._watching -= 1


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
