"""A real HTTP server on this machine that serves one file, as well or as badly as a test wants."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Behaviour:
    """What the server does, and what it saw."""

    content: bytes
    etag: str = '"one"'
    ranges: bool = True
    length: bool = True
    status: int = 200
    content_type: str = "application/octet-stream"
    cut_after: list[int] = field(default_factory=list)
    """The first requests break off after so many bytes of their answer, one entry a request."""
    pause_s: float = 0.0
    """Pause between pieces of 4 KiB."""
    requested: list[str | None] = field(default_factory=list)
    """The Range header of every request."""


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """Serve until the block ends; gives the address of the file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client went away, as some tests want it
                _answer(self, behaviour)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/models/net.pyth"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, behaviour: Behaviour) -> None:
    asked = handler.headers.get("Range")
    behaviour.requested.append(asked)
    if behaviour.status != 200:
        handler.send_error(behaviour.status)
        return
    body, first = behaviour.content, 0
    if asked and behaviour.ranges and handler.headers.get("If-Range") == behaviour.etag:
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        assert match
        first = int(match.group(1))
        if first >= len(body):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
    else:
        handler.send_response(200)
    body = body[first:]
    handler.send_header("Content-Type", behaviour.content_type)
    handler.send_header("ETag", behaviour.etag)
    if behaviour.length:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    cut = behaviour.cut_after.pop(0) if behaviour.cut_after else len(body)
    for start in range(0, min(cut, len(body)), 4096):
        handler.wfile.write(body[start : min(start + 4096, cut)])
        time.sleep(behaviour.pause_s)
    if cut < len(body):
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
