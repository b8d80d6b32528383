"""The verb of a narrated sentence such as '#C C turns the tap on': what the wearer does, in its base form."""

from __future__ import annotations

import re

_TAGS = re.compile(r"#(\w+)")
_PARTICLES = frozenset({"on", "off", "up", "down", "in", "out", "away", "over"})
_SUBJECTS = frozenset({"c", "she", "he", "they"})
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def wearer_terms(text: str) -> tuple[str, ...] | None:
    """Words to look up, the most specific first: the sentence, verb and particle ('turn-on'), the verb.

    Returns:
        None when the sentence is about somebody else (its first tag is not #C); () when it holds no verb.
    """
    tag = _TAGS.search(text)
    if tag is not None and tag.group(1).lower() not in ("c", "unsure"):
        return None
    words = _WORD.findall(_TAGS.sub(" ", text).lower())
    while words and words[0] in _SUBJECTS:
        words = words[1:]
    if not words:
        return ()
    verb, rest = base_form(words[0]), words[1:]
    particles = [word for word in (*rest[:1], *rest[-1:]) if word in _PARTICLES]
    return tuple(dict.fromkeys((" ".join(words), *(f"{verb}-{word}" for word in particles), verb)))


def base_form(verb: str) -> str:
    """'cuts' -> 'cut', 'washes' -> 'wash', 'dries' -> 'dry'; narrations are written in the third person."""
    if len(verb) > 4 and verb.endswith("ies"):
        return verb[:-3] + "y"
    if verb.endswith(("ches", "shes", "sses", "xes", "zzes", "oes")):
        return verb[:-2]
    return verb[:-1] if len(verb) > 2 and verb.endswith("s") and not verb.endswith("ss") else verb
