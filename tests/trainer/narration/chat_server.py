"""A real HTTP server on this machine that chats like an OpenAI-compatible one, as well or as badly as a test wants."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Act:
    """What the server does with one request."""

    reply: str = "50"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    cut: bool = False
    """Break the connection in the middle of the answer."""
    body: bytes | None = None
    """In place of a chat completion."""
    finish: str = "stop"


Play = Callable[[str, int], Act]
"""(the first message, how often a request with it came before) -> what to do."""


@dataclass
class Seen:
    """What the server saw."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    answered: Counter[str] = field(default_factory=Counter)
    """Whole answers with status 200, by the first message."""
    at_once: int = 0
    """The most requests under way at a time."""


@contextmanager
def chatting(play: Play) -> Iterator[tuple[str, Seen]]:
    """Serve until the block ends; gives the base address and what was seen."""
    seen = Seen()
    lock = threading.Lock()
    came: Counter[str] = Counter()
    under_way = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal under_way
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            first = request["messages"][0]["content"]
            with lock:
                seen.requests.append(request)
                seen.times_s.append(time.monotonic())
                seen.keys.add(self.headers["Authorization"])
                act = play(first, came[first])
                came[first] += 1
                under_way += 1
                seen.at_once = max(seen.at_once, under_way)
            time.sleep(act.pause_s)
            with lock:
                under_way -= 1
                if act.status == 200 and not act.cut and act.body is None:
                    seen.answered[first] += 1
            with contextlib.suppress(ConnectionError):  # the client was killed
                self._answer(act)

        def _answer(self, act: Act) -> None:
            body = act.body if act.body is not None else json.dumps(_completion(act)).encode()
            self.send_response(act.status)
            for name, value in {"Content-Type": "application/json", **act.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if act.cut:
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """A connection that the client broke."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _completion(act: Act) -> dict[str, Any]:
    if act.status != 200:
        return {"error": {"message": act.reply, "type": "error", "code": None}}
    message = {"role": "assistant", "content": act.reply}
    choice = {"index": 0, "message": message, "finish_reason": act.finish}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
