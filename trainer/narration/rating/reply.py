"""What a language model replied -> a percentage, or none. Nothing is guessed.

A reply counts when it is
- a number by itself: "85", "85 %", "85.5%", "85/100", "85 out of 100", with or without a dot at its end;
- a label and such a number: "Score: 85", "Consistency rating: 85%";
- one sentence with exactly one number, marked as a percentage, that ends it: "The consistency is 85%."

and the number is written with the digits 0 to 9 and lies in 0..100. Bold marks (**85**) and one closed block of
<think>...</think> before the reply are left out. "150", "-5", "80-90", "0.85" (of 1? of 100?), two numbers, several
lines, "There are 2 narrations", "The audio narration is 2.5% more detailed" are no percentages.
"""

from __future__ import annotations

import re

LONGEST_SENTENCE = 300

_NUMBER = r"(?P<number>\d{1,3}(?:\.\d+)?)"
_MARK = r"\s?(?:%|percent\b|/\s?100\b|out of 100\b)"
_ALONE = re.compile(rf"(?:[a-z][a-z ]{{0,40}}[:=]\s*)?{_NUMBER}(?P<mark>{_MARK})?\.?", re.IGNORECASE | re.ASCII)
_MARKED = re.compile(rf"(?<![\w.,+-]){_NUMBER}(?P<mark>{_MARK})\.?\Z", re.IGNORECASE | re.ASCII)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


def percentage(reply: str) -> float | None:
    """The percentage that a reply gives, 0..100; None when it gives none."""
    text = _THOUGHT.sub("", reply, count=1).replace("**", "").strip()
    found = _ALONE.fullmatch(text)
    if found is None:
        found = _in_sentence(text)
    if found is None:
        return None
    value = float(found["number"])
    if found["mark"] is None and 0 < value < 1:
        return None  # of 1 or of 100: nobody knows
    return value if value <= 100 else None


def _in_sentence(text: str) -> re.Match[str] | None:
    """The one number of a sentence, where it is marked as a percentage."""
    if len(text) > LONGEST_SENTENCE or len(text.splitlines()) > 1:
        return None
    found = _MARKED.search(text)
    if found is None:
        return None
    rest = text[: found.start()] + " " + text[found.end() :]
    return None if any(char.isnumeric() for char in rest) else found
