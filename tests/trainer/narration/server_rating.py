"""`egoact rate --rater server` as its tests call it: a quick one, and a server that answers by the pair's number."""

from __future__ import annotations

import re
from pathlib import Path

from edge.cli import main
from tests.trainer.narration.chat_server import Act

KEY = "sk-very-secret-key-0123456789"


def number(first: str) -> int:
    found = re.search(r"number (\d+)", first)
    assert found
    return int(found[1])


def fair(first: str, _: int) -> Act:
    """The percentage is the pair's number, modulo 101."""
    return Act(str(number(first) % 101))


def rate(url: str, clips: Path, out: Path, *more: object) -> int:
    quick = ("--pause-s", 0.01, "--threads", 1, "--device", "cpu")
    model = ("--rater", "server", "--server", url, "--model", "tiny")
    return main(["rate", *map(str, (clips, "--out", out, *model, *quick, *more))])
