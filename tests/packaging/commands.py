"""Commands as the documentation writes them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```(?:sh|bash|console|text)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:egoact|python -m|make|pytest) [^`]+)`")
_PROGRAMS = ("egoact", "make", "python", "pytest")


class Written(NamedTuple):
    """One command of one page."""

    page: str
    text: str
    in_block: bool
    """Of code, to be typed as it is; else a piece of code in a sentence."""

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    @property
    def program(self) -> str:
        return Path(self.words[0]).name


def written_commands() -> list[Written]:
    """Every line of a code block, and every piece of code in a sentence, that calls a program of ours."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line for block in _BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()]
        places = [(line, True) for line in lines] + [(piece, False) for piece in _INLINE.findall(text)]
        for line, in_block in places:
            words = line.split()
            # "egoact features: ..." is what a command says, not how it is called.
            if words and Path(words[0]).name in _PROGRAMS and not words[min(1, len(words) - 1)].endswith(":"):
                found.append(Written(page.name, " ".join(line.split()), in_block))
    return found
