"""Ego4D's narrations in plain English, as CIR cleans them before CLIP reads them (its code/utils.py, preprocess_text).

CIR (Plizzari et al., ICCV 2023) lower-cases, writes "something" for "#unsure", drops one dot at the end and puts one of
five subjects, drawn anew at every call, in place of "#c c", the wearer of the camera. Here nothing is drawn: every
narration has five variants, and who trains picks one. Three things are mended, not copied: a lone "#c" is the wearer
too (CIR leaves it, and makes "Sheuts" of "#c cuts"), blanks are collapsed, and an empty narration becomes
"#c c is doing something" (CIR means that sentence, but encodes its first letter).
"""

from __future__ import annotations

import re

SUBJECTS = ("She", "He", "The woman", "The man", "The user")
"""What the wearer is called; the order of the variants."""

WEARER = "#c c"
"""The wearer's mark in a cleaned narration."""

FALLBACK = f"{WEARER} is doing something"
"""Stands for an empty narration."""


def clean_up(narration: str) -> str:
    """The narration in lower case with the wearer as `WEARER` and without one dot at its end.

    Other persons ("#O A") stay, in lower case, as CIR leaves them.
    """
    text = " ".join(narration.lower().split()).replace("#unsure", "something")
    text = text.removesuffix(".").rstrip()
    return re.sub(r"#c(?: c)?\b", WEARER, text) or FALLBACK


def with_subject(narration: str, subject: str) -> str:
    """The cleaned narration with `subject` in place of the wearer."""
    return clean_up(narration).replace(WEARER, subject)


def variants(narration: str) -> tuple[str, ...]:
    """The cleaned narration with each of `SUBJECTS`, in their order; all the same when the wearer is not named."""
    text = clean_up(narration)
    return tuple(text.replace(WEARER, subject) for subject in SUBJECTS)
