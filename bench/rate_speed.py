"""How fast the raters are, from text to rating, one processor thread: medians of passes that take turns."""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

from trainer.narration.answer_log import AnswerLog
from trainer.narration.bar import Bar
from trainer.narration.encoder_choice import HASHED, encoder_named
from trainer.narration.rating.agreement import Agreement, Description, save_agreement
from trainer.narration.rating.backoff import Backoff
from trainer.narration.rating.embedded_rater import EmbeddedRater
from trainer.narration.rating.prompt import PAPER_PROMPT
from trainer.narration.rating.rate_pairs import percent_of, rate_pairs
from trainer.narration.rating.rater import Pair, Rater
from trainer.narration.rating.server_rater import ServerRater

COUNT = 256


def speeds(pairs: Sequence[Pair], repeats: int) -> dict[str, float]:
    """Pairs per second of the whole loop of `egoact rate`, cache included, over the first different pairs.

    "server" is the client alone, 16 requests at a time against a server on this machine that answers at once.
    """
    different = list(dict.fromkeys(pairs))[:COUNT]
    with tempfile.TemporaryDirectory() as folder, answering() as url:
        raters: dict[str, Callable[[], Rater]] = {
            "embedded": lambda: _embedded(Path(folder), None),
            "embedded, hashed words only": lambda: _embedded(Path(folder), HASHED),
            "server, the client alone": lambda: ServerRater(url, "m", PAPER_PROMPT, Backoff()),
        }
        made = {name: make() for name, make in raters.items()}
        taken: dict[str, list[float]] = {name: [] for name in made}
        for turn in range(repeats):
            for name, rater in made.items():
                with AnswerLog(Path(folder) / f"{name} {turn}.jsonl", percent_of) as log:
                    started_s = time.monotonic()
                    rate_pairs(different, rater, log, Bar(len(different), "pairs", StringIO()))
                    taken[name].append(time.monotonic() - started_s)
    return {name: len(different) / statistics.median(times) for name, times in taken.items()}


def _embedded(folder: Path, encoder_name: str | None) -> Rater:
    """With random weights: speed does not depend on them."""
    encoder = encoder_named(encoder_name)
    path = folder / f"{encoder.dim}.safetensors"
    save_agreement(path, Agreement(encoder.dim, 256, 64), Description(encoder.name, encoder.dim, 256, 64, 1, 0, 0, 0.5))
    return EmbeddedRater(path, encoder)


@contextmanager
def answering() -> Iterator[str]:
    """A server that says 50 to everything; gives its base address."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "50"}, "finish_reason": "stop"}
    body = json.dumps(
        {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
