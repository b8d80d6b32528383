"""The question that a language model is asked about a pair of narrations."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from edge.errors import UsageError
from trainer.narration.rating.rater import Pair

PAPER = (
    "Rate the consistency between two narrations from the same video out of 100. The first narration describes the "
    "visual aspect, and the second describes the audio. Consider how well the audio narration overlaps with and "
    "complements the visual narration. Output only the percentage score."
)
"""To the letter that of Gungor and Kovashka (ICASSP 2025), section 2.2."""

PAIR = "\n\nFirst narration: {visual}\nSecond narration: {audio}"
"""How the narrations follow; the paper does not say how it gave them."""

AGAIN = "Output only the percentage score."
"""What follows a reply that is no percentage: the prompt's own last sentence."""


@dataclass(frozen=True)
class Prompt:
    """A question with the places {visual} and {audio}."""

    text: str

    @property
    def checksum(self) -> str:
        """Twelve hexadecimal digits: ratings of another question are other ratings."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def about(self, pair: Pair) -> str:
        """The question about a pair; braces inside the narrations stay as they are."""
        return re.sub(r"\{(visual|audio)\}", lambda place: getattr(pair, place[1]), self.text)


PAPER_PROMPT = Prompt(PAPER + PAIR)


def read_prompt(path: Path) -> Prompt:
    """A question of one's own: with both places {visual} and {audio}, or with neither, and then `PAIR` follows it.

    Raises:
        UsageError: the file cannot be read, is empty, or has one place only.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"{path}: cannot be read as a prompt ({problem})") from None
    places = {place for place in ("{visual}", "{audio}") if place in text}
    if not text:
        raise UsageError(f"{path}: is empty; write the prompt into it")
    if len(places) == 1:
        raise UsageError(f"{path}: names {places.pop()} only; name both {{visual}} and {{audio}}, or neither")
    return Prompt(text if places else text + PAIR)
